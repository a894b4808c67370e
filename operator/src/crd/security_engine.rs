//! `SecurityEngine`: a Local API with its database and policy.

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::common::{AllowedNamespaces, ImagePullPolicy, Monitoring, NetworkPolicySpec, PodTemplate};

/// What the Local API should be; `spec: {}` is a complete, safe installation.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "crowdsec-operator.dev",
    version = "v1alpha1",
    kind = "SecurityEngine",
    plural = "securityengines",
    shortname = "se",
    category = "crowdsec",
    namespaced,
    status = "SecurityEngineStatus",
    derive = "PartialEq",
    doc = "A Local API that stores alerts and decisions and answers bouncers, with its database, policies and monitoring.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".status.endpoint"),
    printcolumn(name = "Decisions", type_ = "integer", json_path = ".status.activeDecisions"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct SecurityEngineSpec {
    /// Image of the Local API; the operator's own image when left out.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// When the image is pulled; Kubernetes' own default when left out.
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Number of Local API pods: 1, or 0 to stop it and keep its data.
    #[serde(default = "one")]
    #[schemars(range(min = 0))]
    #[x_kube(validation = Rule::new("self <= 1")
        .message("the database is SQLite, which serves one Local API: replicas is 0 or 1"))]
    pub replicas: i32,
    /// Requests and limits of the Local API's container.
    pub resources: Option<ResourceRequirements>,
    /// Where the database lies.
    #[serde(default)]
    pub storage: Storage,
    /// How long alerts are kept.
    #[serde(default)]
    pub retention: Retention,
    /// Whether the Local API speaks TLS.
    #[serde(default)]
    pub tls: Tls,
    /// Metrics.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Connections.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,
    /// Laid over the Local API's pods.
    #[serde(default)]
    pub pod_template: PodTemplate,
    /// Which namespaces may refer to this engine from LogProcessors, Acquisitions and Bouncers.
    #[serde(default)]
    pub allowed_namespaces: AllowedNamespaces,
    /// While true the operator changes nothing that belongs to this object.
    #[serde(default)]
    pub paused: bool,
}

/// The volume of the database. It outlives the SecurityEngine: who wants it gone deletes the claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.existingClaim) || !has(self.size) && !has(self.storageClassName)")
        .message("existingClaim excludes size and storageClassName: the claim has its own"),
    validation = Rule::new("has(self.existingClaim) || (has(self.storageClassName) ? has(oldSelf.storageClassName) && self.storageClassName == oldSelf.storageClassName : !has(oldSelf.storageClassName)) || has(oldSelf.existingClaim)")
        .message("storageClassName of a claim cannot be changed; make a new claim and name it in existingClaim")
)]
pub struct Storage {
    /// Size of the claim that is made; 1Gi when left out. It can grow where the storage class permits it, never shrink.
    pub size: Option<Quantity>,
    /// Storage class of the claim that is made; the cluster's default class when left out.
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    /// A claim that exists already, in the same namespace; used as it is.
    #[schemars(length(min = 1, max = 253))]
    pub existing_claim: Option<String>,
}

/// How many alerts are kept, and for how long; what exceeds either is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Number of alerts.
    #[serde(default = "max_items")]
    #[schemars(range(min = 1))]
    pub max_items: i32,
    /// Age of an alert, such as `7d` or `36h`.
    #[serde(default = "max_age")]
    #[schemars(regex(pattern = r"^([0-9]+(s|m|h|d))+$"))]
    pub max_age: String,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_items: max_items(),
            max_age: max_age(),
        }
    }
}

/// Encryption of the Local API's port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// `Off`, or `SelfManaged`: an authority and a certificate that the operator makes and renews.
    #[serde(default)]
    pub mode: TlsMode,
}

/// Where the Local API's certificate comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsMode {
    /// Plain HTTP, kept inside the cluster by the NetworkPolicy.
    #[default]
    Off,
    /// The operator's own authority, one for each engine, in the Secret `<name>-lapi-tls`.
    SelfManaged,
}

/// What the operator saw last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityEngineStatus {
    /// Generation of the spec that this status is about.
    pub observed_generation: Option<i64>,
    /// `Ready`, `Progressing`, `Degraded`, `ClientIPPreserved`, `Monitored`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// URL at which bouncers reach the Local API.
    pub endpoint: Option<String>,
    /// Number of decisions that hold now.
    pub active_decisions: Option<i64>,
    /// Number of registered bouncers.
    pub bouncers: Option<i64>,
    /// Number of registered machines.
    pub machines: Option<i64>,
}

fn one() -> i32 {
    1
}

fn max_items() -> i32 {
    5000
}

fn max_age() -> String {
    "7d".into()
}
