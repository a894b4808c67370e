//! Parts of a spec that several kinds share.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{NetworkPolicyEgressRule, NetworkPolicyIngressRule};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A reference to the SecurityEngine that alerts and keys go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EngineRef {
    /// Name of the SecurityEngine.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the SecurityEngine; the namespace of this object when left out. Another namespace works only when
    /// that engine's `allowedNamespaces` permits it.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// When images are pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImagePullPolicy {
    /// At each start of a container.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Never; the image is on the node.
    Never,
}

impl ImagePullPolicy {
    /// Returns the word that a container's `imagePullPolicy` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// Which namespaces may refer to an engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.selector) == (has(self.from) && self.from == 'Selector')")
    .message("selector goes with from: Selector, and only with it"))]
pub struct AllowedNamespaces {
    /// `All` namespaces, the `Same` one as the engine's, or those a `Selector` matches.
    #[serde(default)]
    pub from: AllowedFrom,
    /// Labels of the namespaces that may refer to the engine, with `from: Selector`.
    pub selector: Option<LabelSelector>,
}

/// How `allowedNamespaces` is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AllowedFrom {
    /// Every namespace; who may create objects there is the cluster's own RBAC.
    #[default]
    All,
    /// The engine's namespace alone.
    Same,
    /// Namespaces whose labels match `selector`.
    Selector,
}

/// How the Prometheus Operator finds the metrics on port 6060.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// Whether a ServiceMonitor or PodMonitor is made. Without those kinds in the cluster nothing is made and the
    /// condition `Monitored` says so.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Time between two scrapes, such as `30s`; Prometheus' own default when left out.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h))+$"))]
    pub interval: Option<String>,
    /// Labels of the monitor object, for a Prometheus that selects its monitors by label.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Whether `/debug/pprof` answers on port 6060 too.
    #[serde(default)]
    pub debug: bool,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: None,
            labels: BTreeMap::new(),
            debug: false,
        }
    }
}

/// Which connections the pods may have. With policies on, whatever is not listed in `docs/network.md` is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// Whether a NetworkPolicy is made.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Who may scrape port 6060; any pod labelled `app.kubernetes.io/name: prometheus` in any namespace when left out.
    pub prometheus: Option<Peer>,
    /// Further ingress rules, as in a NetworkPolicy. A rule must name its peers: a rule without `from` would admit
    /// everybody and is refused.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.all(rule, has(rule.from) && size(rule.from) > 0)")
        .message("an ingress rule must name its peers in from; an empty from would admit everybody"))]
    pub extra_ingress: Vec<NetworkPolicyIngressRule>,
    /// Further egress rules, as in a NetworkPolicy. A rule must name its peers.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.all(rule, has(rule.to) && size(rule.to) > 0)")
        .message("an egress rule must name its peers in to; an empty to would permit everything"))]
    pub extra_egress: Vec<NetworkPolicyEgressRule>,
    /// Where the API server is, when its addresses cannot be read from the Service `kubernetes`.
    pub api_server: Option<ApiServer>,
}

impl Default for NetworkPolicySpec {
    fn default() -> Self {
        Self {
            enabled: true,
            prometheus: None,
            extra_ingress: Vec::new(),
            extra_egress: Vec::new(),
            api_server: None,
        }
    }
}

/// Addresses of the API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiServer {
    /// Ranges such as `10.0.0.1/32`, each with any port.
    #[schemars(length(min = 1, max = 32))]
    pub cidrs: Vec<String>,
}

/// Pods, by the labels of their namespace and their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.namespaceSelector) || has(self.podSelector)")
    .message("a peer needs a namespaceSelector, a podSelector or both"))]
pub struct Peer {
    /// Labels of the namespaces; the object's own namespace when left out, every namespace when empty.
    pub namespace_selector: Option<LabelSelector>,
    /// Labels of the pods; every pod of those namespaces when left out.
    pub pod_selector: Option<LabelSelector>,
}

/// What is laid over the pods this object makes, after everything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodTemplate {
    /// Further labels of the pods.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Further annotations of the pods.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// A part of a PodSpec (`kubectl explain pod.spec`), merged as `kubectl patch` does: lists with names by name. The
    /// security context that the pods have by themselves stays.
    pub spec: Option<PodSpecPart>,
}

/// A part of a PodSpec as it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodSpecPart(pub serde_json::Map<String, serde_json::Value>);

impl JsonSchema for PodSpecPart {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PodSpecPart".into()
    }

    // The whole schema of a PodSpec would be ten times the rest of the definition; the API server checks it anyway.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
    }
}

/// The default of switches that are on.
pub(crate) fn yes() -> bool {
    true
}
