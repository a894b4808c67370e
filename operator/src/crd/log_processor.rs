//! `LogProcessor`: agents on the nodes that read logs and raise alerts.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::DaemonSetUpdateStrategy;
use k8s_openapi::api::core::v1::{Affinity, ResourceRequirements, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::crd::common::{EngineRef, ImagePullPolicy, Monitoring, NetworkPolicySpec, PodTemplate, yes};

/// Which agents should run, where, and what they read.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "crowdsec-operator.dev",
    version = "v1alpha1",
    kind = "LogProcessor",
    plural = "logprocessors",
    shortname = "lp",
    category = "crowdsec",
    namespaced,
    status = "LogProcessorStatus",
    derive = "PartialEq",
    doc = "Agents on every node that read logs of containers and of the node and send alerts to a SecurityEngine.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Engine", type_ = "string", json_path = ".spec.engineRef.name"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".status.desired"),
    printcolumn(name = "Registered", type_ = "integer", json_path = ".status.registered"),
    printcolumn(name = "Read", type_ = "integer", json_path = ".status.lines.read"),
    printcolumn(name = "Parsed", type_ = "integer", json_path = ".status.lines.parsed"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct LogProcessorSpec {
    /// The engine that alerts go to.
    pub engine_ref: EngineRef,
    /// Image of the agents; the operator's own image when left out.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// When the image is pulled; Kubernetes' own default when left out.
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Requests and limits of an agent's container.
    pub resources: Option<ResourceRequirements>,
    /// What is read.
    #[serde(default)]
    pub sources: Sources,
    /// Parsers and scenarios.
    #[serde(default)]
    pub hub: Hub,
    /// Which taints the agents live with; all of them when left out, so that control-plane nodes are covered.
    #[schemars(length(max = 64))]
    pub tolerations: Option<Vec<Toleration>>,
    /// Labels of the nodes that get an agent; every node when left out.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Scheduling rules, as in a pod.
    pub affinity: Option<Affinity>,
    /// Priority class of the agents.
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// Labels of the Acquisitions that count; all of them when left out.
    pub acquisition_selector: Option<LabelSelector>,
    /// Labels of the namespaces whose Acquisitions count; all that the engine allows when left out.
    pub acquisition_namespace_selector: Option<LabelSelector>,
    /// How agents are replaced, as in a DaemonSet.
    pub update_strategy: Option<DaemonSetUpdateStrategy>,
    /// Metrics.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Connections.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,
    /// Laid over the agents' pods.
    #[serde(default)]
    pub pod_template: PodTemplate,
    /// SELinux type of the agents, such as `container_logreader_t`, where the node's policy needs one to read `/var/log`.
    #[schemars(length(min = 1, max = 253))]
    pub se_linux_type: Option<String>,
    /// While true the operator changes nothing that belongs to this object.
    #[serde(default)]
    pub paused: bool,
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.containerLogs || size(self.nodeFiles) > 0")
    .message("nothing would be read: set containerLogs or name nodeFiles"))]
pub struct Sources {
    /// Whether logs of containers are read, those that Acquisitions select.
    #[serde(default = "yes")]
    pub container_logs: bool,
    /// Files of the node, below `/var/log`; the node's log of log-ins when left out.
    #[serde(default = "auth_logs")]
    #[schemars(length(max = 64))]
    pub node_files: Vec<NodeFiles>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            container_logs: true,
            node_files: auth_logs(),
        }
    }
}

/// Files of a node that hold the same kind of lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeFiles {
    /// Paths or globs below `/var/log`; those that do not exist on a node are waited for.
    // Without a length the API server takes the rule for too expensive and refuses the definition.
    #[schemars(length(min = 1, max = 64), inner(length(max = 256)))]
    #[x_kube(validation = Rule::new("self.all(path, path.startsWith('/var/log/') && !path.contains('..'))")
        .message("the agents see /var/log only: a path begins with /var/log/ and has no .."))]
    pub paths: Vec<String>,
    /// Label `type` of each line, by which parsers know it, such as `syslog`.
    #[schemars(length(min = 1, max = 253))]
    pub r#type: String,
    /// Further labels of each line.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Which parsers and scenarios the agents have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hub {
    /// Collections, such as `crowdsecurity/traefik`; all of the built-in set when nothing at all is named here.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub collections: Vec<String>,
    /// Parsers besides those of the collections.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub parsers: Vec<String>,
    /// Scenarios besides those of the collections.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub scenarios: Vec<String>,
    /// URL of a hub to install them from; the set inside the image when left out.
    #[schemars(regex(pattern = r"^https?://"))]
    pub index: Option<String>,
}

/// What the operator saw last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogProcessorStatus {
    /// Generation of the spec that this status is about.
    pub observed_generation: Option<i64>,
    /// `Ready`, `Progressing`, `Degraded`, `Registered`, `ReadingLogs`, `ParsingLogs`, `Monitored`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Number of nodes that should have an agent.
    pub desired: Option<i32>,
    /// Number of agents that are ready.
    pub ready: Option<i32>,
    /// Number of nodes whose machine is registered at the Local API.
    pub registered: Option<i32>,
    /// Number of pods that Acquisitions select.
    pub matched_pods: Option<i32>,
    /// Number of nodes whose agents reported in the last minute.
    pub nodes: Option<i32>,
    /// Lines since the agents' start, all nodes together.
    pub lines: Option<Lines>,
}

/// Numbers of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lines {
    /// Lines read.
    pub read: i64,
    /// Lines that a parser understood.
    pub parsed: i64,
}

fn auth_logs() -> Vec<NodeFiles> {
    vec![NodeFiles {
        paths: vec!["/var/log/auth.log".into(), "/var/log/secure".into()],
        r#type: "syslog".into(),
        labels: BTreeMap::new(),
    }]
}
