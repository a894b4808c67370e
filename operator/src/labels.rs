//! Labels and annotations of everything that is made.

use std::collections::BTreeMap;

use kube::Resource;
use kube::core::ResourceExt as _;

use crate::crd::GROUP;
use crate::names;

/// Value of `app.kubernetes.io/name` of all operands.
pub const NAME: &str = "crowdsec";
/// Value of `app.kubernetes.io/name` of the operator's own pods.
pub const OPERATOR: &str = "crowdsec-operator";
/// Label by which objects that are no longer wanted are found.
pub const OWNER_UID: &str = "crowdsec-operator.dev/owner-uid";
/// Annotation that names the resource an object belongs to, as `Kind/namespace/name`.
pub const OWNER: &str = "crowdsec-operator.dev/owner";
/// Annotation of pod templates: hash of the configuration that a pod reads at its start.
pub const CONFIG_HASH: &str = "crowdsec-operator.dev/config-hash";

/// Key of the label with the program's name.
pub const KEY_NAME: &str = "app.kubernetes.io/name";
/// Key of the label with the part of the program.
pub const KEY_COMPONENT: &str = "app.kubernetes.io/component";
/// Key of the label with the resource's name.
pub const KEY_INSTANCE: &str = "app.kubernetes.io/instance";
/// Key of the label with whom an object is managed by.
pub const KEY_MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Which part of CrowdSec an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The Local API of a SecurityEngine.
    Lapi,
    /// The agents of a LogProcessor.
    Agent,
    /// The forward-auth Service of a Bouncer.
    ForwardAuth,
}

impl Component {
    /// Returns the value of `app.kubernetes.io/component`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lapi => "lapi",
            Self::Agent => "agent",
            Self::ForwardAuth => "forward-auth",
        }
    }
}

/// Returns the labels that select the pods of a component.
pub fn selector(component: Component, resource: &str) -> BTreeMap<String, String> {
    [
        (KEY_NAME, NAME.to_owned()),
        (KEY_COMPONENT, component.as_str().to_owned()),
        (KEY_INSTANCE, names::derived(resource, "")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The resource that objects belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// Kind of the resource.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid; a resource of the same name that is made anew has another.
    pub uid: String,
}

impl Owner {
    /// Names a resource as the owner of what is made for it.
    pub fn of<K: Resource<DynamicType = ()>>(resource: &K) -> Self {
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: resource.namespace().unwrap_or_default(),
            name: resource.name_any(),
            uid: resource.uid().unwrap_or_default(),
        }
    }

    /// Returns the labels of an object of `component`.
    pub fn labels(&self, component: Component) -> BTreeMap<String, String> {
        let mut all = selector(component, &self.name);
        all.insert(KEY_MANAGED_BY.to_owned(), OPERATOR.to_owned());
        all.insert(OWNER_UID.to_owned(), self.uid.clone());
        all
    }

    /// Returns the annotation that leads from an object back to the resource.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        [(
            OWNER.to_owned(),
            format!("{}/{}/{}", self.kind, self.namespace, self.name),
        )]
        .into()
    }

    /// Returns the reference by which Kubernetes deletes an object with its resource; only within a namespace.
    pub fn reference(&self) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
        k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
            api_version: format!("{GROUP}/{}", crate::crd::VERSION),
            kind: self.kind.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }

    /// Returns the metadata of an object in the resource's namespace that goes with the resource.
    pub fn meta(&self, name: String, component: Component) -> kube::core::ObjectMeta {
        kube::core::ObjectMeta {
            owner_references: Some(vec![self.reference()]),
            ..self.kept_meta(name, component)
        }
    }

    /// Returns the metadata of an object in the resource's namespace that outlives the resource.
    pub fn kept_meta(&self, name: String, component: Component) -> kube::core::ObjectMeta {
        kube::core::ObjectMeta {
            name: Some(name),
            namespace: Some(self.namespace.clone()),
            labels: Some(self.labels(component)),
            annotations: Some(self.annotations()),
            ..kube::core::ObjectMeta::default()
        }
    }
}
