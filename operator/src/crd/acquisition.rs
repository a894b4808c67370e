//! `Acquisition`: pods of one namespace whose logs are read, owned by the team that owns the pods.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which logs are read and how their lines are understood.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "crowdsec-operator.dev",
    version = "v1alpha1",
    kind = "Acquisition",
    plural = "acquisitions",
    shortname = "acq",
    category = "crowdsec",
    namespaced,
    status = "AcquisitionStatus",
    derive = "PartialEq",
    doc = "Logs of containers to read: pods of this namespace, and the parser that understands their lines.",
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Accepted\")].status"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Pods", type_ = "integer", json_path = ".status.matchedPods"),
    printcolumn(name = "Read", type_ = "integer", json_path = ".status.linesRead"),
    printcolumn(name = "Parsed", type_ = "integer", json_path = ".status.linesParsed"),
    printcolumn(name = "Last Line", type_ = "date", json_path = ".status.lastLine"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.preset) != has(self.type)")
    .message("give either a preset or a type"))]
pub struct AcquisitionSpec {
    /// The containers.
    pub target: Target,
    /// A program whose logs are known: it sets the type. Excludes `type`.
    pub preset: Option<Preset>,
    /// Label `type` of each line, by which parsers know it, such as `nginx`. Excludes `preset`.
    #[schemars(length(min = 1, max = 253))]
    pub r#type: Option<String>,
    /// Further labels of each line.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How a line is wrapped in the log file.
    #[serde(default)]
    pub format: LogFormat,
}

/// Containers of pods in the Acquisition's own namespace; no other namespace can be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Labels of the pods. An empty selector matches every pod of the namespace.
    pub pod_selector: LabelSelector,
    /// Names of the containers; all of a pod's when left out.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub containers: Vec<String>,
}

/// Programs whose logs are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Traefik's access log, as text or JSON.
    Traefik,
    /// The ingress controller of the Kubernetes project.
    IngressNginx,
    /// nginx' access and error log.
    Nginx,
    /// Caddy's access log.
    Caddy,
    /// OpenSSH's server.
    Sshd,
}

impl Preset {
    /// Returns the label `type` that the hub's parsers know the program's lines by.
    pub fn line_type(self) -> &'static str {
        match self {
            Self::Traefik => "traefik",
            // The hub's nginx parser reads the ingress controller's lines too.
            Self::IngressNginx | Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Sshd => "sshd",
        }
    }
}

/// How a line is wrapped in the log file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Recognised line by line.
    #[default]
    Auto,
    /// As a container runtime writes it: time, stream, tag, text.
    Cri,
    /// Not at all.
    Plain,
}

/// What the operator saw last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcquisitionStatus {
    /// Generation of the spec that this status is about.
    pub observed_generation: Option<i64>,
    /// `Accepted`, `Ready`, `Progressing`, `Degraded`, `ReadingLogs`, `ParsingLogs`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The LogProcessors that read for it, as `namespace/name`.
    #[serde(default)]
    pub log_processors: Vec<String>,
    /// Number of pods that match.
    pub matched_pods: Option<i32>,
    /// Lines read since the agents' start.
    pub lines_read: Option<i64>,
    /// Lines that a parser understood.
    pub lines_parsed: Option<i64>,
    /// When the last line was read.
    pub last_line: Option<String>,
}
