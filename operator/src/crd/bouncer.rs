//! `Bouncer`: a key for the Local API where it is needed, and the means to enforce decisions.

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::common::{EngineRef, Peer};

/// Whose key it is, where the key goes, and what enforces with it.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "crowdsec-operator.dev",
    version = "v1alpha1",
    kind = "Bouncer",
    plural = "bouncers",
    shortname = "bnc",
    category = "crowdsec",
    namespaced,
    status = "BouncerStatus",
    derive = "PartialEq",
    doc = "A registered bouncer: its key in a Secret, the network path to the Local API and, when asked, the middleware that refuses banned clients.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Engine", type_ = "string", json_path = ".spec.engineRef.name"),
    printcolumn(name = "Integration", type_ = "string", json_path = ".spec.integration.type"),
    printcolumn(name = "Secret", type_ = "string", json_path = ".status.secretName"),
    printcolumn(name = "Last Pull", type_ = "date", json_path = ".status.lastPull"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct BouncerSpec {
    /// The engine whose decisions are enforced. It cannot be changed: the key belongs to it.
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("a key belongs to its engine: delete the Bouncer and create it again"))]
    pub engine_ref: EngineRef,
    /// A Secret with a key of your own; without it a key is made and put into the Secret `<name>-bouncer`.
    pub key_secret: Option<KeySecret>,
    /// When a new key takes the place of the old one. A key of your own is never rotated by the operator.
    #[serde(default)]
    pub rotation: Rotation,
    /// Further Secrets that receive the key, also in other namespaces that the engine allows.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub secret_copies: Vec<SecretCopy>,
    /// What enforces.
    #[serde(default)]
    pub integration: Integration,
    /// Who may connect: to the Local API with this key or, with an integration, to the forward-auth Service. Every
    /// pod of the Bouncer's own namespace when left out.
    pub network_peer: Option<Peer>,
    /// Whether the registration at the Local API goes with the Bouncer (`Delete`) or stays (`Retain`).
    #[serde(default)]
    pub reclaim_policy: ReclaimPolicy,
}

/// A key in a Secret of the Bouncer's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeySecret {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the Secret.
    #[serde(default = "api_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Rotation of the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// Age at which a key is replaced, such as `30d`; never when left out.
    #[schemars(regex(pattern = r"^([0-9]+(s|m|h|d))+$"))]
    pub interval: Option<String>,
    /// How long the old key stays valid beside the new one.
    #[serde(default = "overlap")]
    #[schemars(regex(pattern = r"^([0-9]+(s|m|h|d))+$"))]
    pub overlap: String,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            interval: None,
            overlap: overlap(),
        }
    }
}

/// A Secret that receives the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretCopy {
    /// Namespace of the Secret.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Name of the Secret; one that exists and is not the operator's is left alone.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the Secret.
    #[serde(default = "api_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// What enforces decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.forwardAuth) || has(self.type) && self.type != 'None'")
    .message("forwardAuth goes with type: ForwardAuth or type: Traefik"))]
pub struct Integration {
    /// `None`: the key alone. `ForwardAuth`: a Service that ingress controllers ask. `Traefik`: that Service and the
    /// Middleware that asks it.
    #[serde(default)]
    pub r#type: IntegrationType,
    /// The Service that is asked.
    pub forward_auth: Option<ForwardAuth>,
}

/// Kinds of integration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IntegrationType {
    /// The key alone, for a bouncer that somebody else runs.
    #[default]
    None,
    /// A Service that answers 200 or 403, for nginx' `auth_request`, Gateway API's `ExternalAuth` and the like.
    ForwardAuth,
    /// The same with Traefik's Middleware.
    Traefik,
}

/// The Service that ingress controllers ask about each client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardAuth {
    /// Number of pods.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: i32,
    /// Image; the operator's own image when left out.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Requests and limits of the container.
    pub resources: Option<ResourceRequirements>,
    /// Ranges of the proxies whose `X-Forwarded-For` is believed; private and loopback ranges when left out.
    #[schemars(length(max = 256))]
    pub trusted_proxies: Option<Vec<String>>,
    /// Answer while no decisions are known: `Open` lets clients pass, `Closed` refuses them.
    #[serde(default)]
    pub failure_policy: FailurePolicy,
    /// Status of a refusal.
    #[serde(default = "forbidden")]
    #[schemars(range(min = 400, max = 599))]
    pub deny_status: i32,
    /// Time between two pulls of decisions.
    #[serde(default = "update_interval")]
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m))+$"))]
    pub update_interval: String,
}

impl Default for ForwardAuth {
    fn default() -> Self {
        Self {
            replicas: two(),
            image: None,
            resources: None,
            trusted_proxies: None,
            failure_policy: FailurePolicy::default(),
            deny_status: forbidden(),
            update_interval: update_interval(),
        }
    }
}

/// What a client gets while no decisions are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FailurePolicy {
    /// The page: an outage of ours does not take sites down.
    #[default]
    Open,
    /// The refusal.
    Closed,
}

/// What becomes of the registration when the Bouncer is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReclaimPolicy {
    /// It is deleted too.
    #[default]
    Delete,
    /// It stays, and with it the key works on.
    Retain,
}

/// What the operator saw last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BouncerStatus {
    /// Generation of the spec that this status is about.
    pub observed_generation: Option<i64>,
    /// `Accepted`, `Ready`, `Progressing`, `Degraded`, `Registered`, `SecretSynced`, `Integrated`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Number of the key in use, counted from 1.
    pub key_version: Option<i64>,
    /// When the key in use was made.
    pub rotated_at: Option<String>,
    /// When decisions were last pulled with any valid key.
    pub last_pull: Option<String>,
    /// Name of the Secret with the key.
    pub secret_name: Option<String>,
    /// Name of the Middleware to refer to, as `namespace-name@kubernetescrd`.
    pub middleware: Option<String>,
    /// Annotation to paste into an Ingress.
    pub annotation: Option<String>,
}

fn api_key() -> String {
    "api-key".into()
}

fn overlap() -> String {
    "1h".into()
}

fn two() -> i32 {
    2
}

fn forbidden() -> i32 {
    403
}

fn update_interval() -> String {
    "1s".into()
}
