//! Second step: one value with everything defaulted and checked; builders see nothing else. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::DaemonSetUpdateStrategy;
use k8s_openapi::api::core::v1::{Affinity, ResourceRequirements, Toleration};
use kube::ResourceExt as _;
use pods::Target;

use crate::crd::common::{ImagePullPolicy, Monitoring};
use crate::crd::log_processor::{Hub, LogProcessor, NodeFiles};
use crate::labels::{self, Component, Owner};
use crate::log_processor::observe::{LocalApi, Observed};
use crate::log_processor::select;
use crate::names;
use crate::network::Peer;
use crate::network::policy::{self, ApiServer, Peers};
use crate::overlay::Overlay;
use crate::problem::Problem;

/// What is installed when `hub` names nothing: everything in the program's own set that a node of Kubernetes needs.
const DEFAULT_COLLECTION: &str = "starter/kubernetes";

/// Everything that the objects of a LogProcessor are made of.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The resource.
    pub owner: Owner,
    /// The Local API that alerts go to.
    pub local_api: LocalApi,
    /// Image of the agents.
    pub image: String,
    /// When it is pulled; Kubernetes' default when none.
    pub pull_policy: Option<ImagePullPolicy>,
    /// Names of Secrets with registry credentials.
    pub pull_secrets: Vec<String>,
    /// Requests and limits.
    pub resources: Option<ResourceRequirements>,
    /// Whether containers are read.
    pub container_logs: bool,
    /// Files of the nodes.
    pub node_files: Vec<NodeFiles>,
    /// What is installed before an agent starts.
    pub hub: HubPlan,
    /// Containers that are read.
    pub targets: Vec<Target>,
    /// Where agents run and how they are replaced.
    pub scheduling: Scheduling,
    /// Metrics.
    pub monitoring: Monitoring,
    /// Whether the cluster takes a PodMonitor and one is wanted.
    pub pod_monitor: bool,
    /// Peers of the policy; none when no policy is wanted.
    pub peers: Option<Peers>,
    /// Laid over the pods.
    pub overlay: Overlay,
    /// SELinux type.
    pub se_linux_type: Option<String>,
}

/// Where agents run and how they are replaced.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduling {
    /// Taints they live with.
    pub tolerations: Vec<Toleration>,
    /// Labels of their nodes.
    pub node_selector: BTreeMap<String, String>,
    /// Rules.
    pub affinity: Option<Affinity>,
    /// Priority class.
    pub priority_class: Option<String>,
    /// As in a DaemonSet.
    pub update_strategy: Option<DaemonSetUpdateStrategy>,
}

/// What is installed, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubPlan {
    /// The hub; the program's own set when none.
    pub source: Option<HubSource>,
    /// Runs of `cscli`, each with a name and its words, in order.
    pub steps: Vec<(&'static str, Vec<String>)>,
}

/// A hub in the network, in the terms of `config.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSource {
    /// `cscli.__hub_url_template__`: branch, then path.
    pub template: String,
    /// `cscli.hub_branch`.
    pub branch: String,
    /// TCP port.
    pub port: u16,
}

impl Validated {
    /// Returns the name of an object that belongs to the resource.
    pub fn name(&self, part: &str) -> String {
        names::derived(&self.owner.name, part)
    }
}

/// Checks a resource; all problems are returned at once.
pub fn validate(
    processor: &LogProcessor,
    observed: &Observed,
    local_api: &LocalApi,
) -> Result<Validated, Vec<Problem>> {
    let spec = &processor.spec;
    let mut problems = Vec::new();
    let hub = hub(&spec.hub)
        .map_err(|found| problems.extend(found))
        .unwrap_or_default();
    let overlay = Overlay::of(&spec.pod_template)
        .map_err(|found| problems.extend(found))
        .unwrap_or_default();
    check_files(&spec.sources.node_files, &mut problems);
    let peers = spec
        .network_policy
        .enabled
        .then(|| peers(processor, observed, local_api, &hub, &mut problems));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Validated {
        owner: Owner::of(processor),
        local_api: local_api.clone(),
        image: spec
            .image
            .clone()
            .unwrap_or_else(|| observed.defaults.image.clone()),
        pull_policy: spec.image_pull_policy.or(observed.defaults.image_pull_policy),
        pull_secrets: observed.defaults.image_pull_secrets.clone(),
        resources: spec.resources.clone(),
        container_logs: spec.sources.container_logs,
        node_files: spec.sources.node_files.clone(),
        hub,
        targets: select::targets(processor, &observed.candidates),
        scheduling: Scheduling {
            tolerations: spec.tolerations.clone().unwrap_or_else(every_taint),
            node_selector: spec.node_selector.clone(),
            affinity: spec.affinity.clone(),
            priority_class: spec.priority_class_name.clone(),
            update_strategy: spec.update_strategy.clone(),
        },
        monitoring: spec.monitoring.clone(),
        pod_monitor: spec.monitoring.enabled && observed.serves_pod_monitor,
        peers,
        overlay,
        se_linux_type: spec.se_linux_type.clone(),
    })
}

fn every_taint() -> Vec<Toleration> {
    vec![Toleration {
        operator: Some("Exists".into()),
        ..Toleration::default()
    }]
}

fn peers(
    processor: &LogProcessor,
    observed: &Observed,
    local_api: &LocalApi,
    hub: &HubPlan,
    problems: &mut Vec<Problem>,
) -> Peers {
    let spec = &processor.spec.network_policy;
    let namespace = processor.namespace().unwrap_or_default();
    let mut peers = Peers {
        hub_port: hub.source.as_ref().map(|source| source.port.into()),
        extra_ingress: spec.extra_ingress.clone(),
        extra_egress: spec.extra_egress.clone(),
        ..Peers::default()
    };
    if processor.spec.sources.container_logs {
        peers.api_server = match &spec.api_server {
            Some(written) => written
                .cidrs
                .iter()
                .map(|cidr| ApiServer {
                    cidr: cidr.clone(),
                    port: None,
                })
                .collect(),
            None => observed.api_server.clone(),
        };
        if peers.api_server.is_empty() {
            problems.push(Problem::new(
                "networkPolicy.apiServer",
                "the addresses of the API server cannot be read here, and agents need it",
                "name them in cidrs, or set networkPolicy.enabled: false",
            ));
        }
    }
    peers.add(
        Peer::LocalApi,
        policy::pods_in(
            &local_api.key.namespace,
            labels::selector(Component::Lapi, &local_api.key.name),
        ),
    );
    peers.add(
        Peer::Prometheus,
        spec.prometheus
            .as_ref()
            .map_or_else(policy::any_prometheus, |peer| policy::named(peer, &namespace)),
    );
    peers
}

fn check_files(all: &[NodeFiles], problems: &mut Vec<Problem>) {
    for (index, files) in all.iter().enumerate() {
        for (at, path) in files.paths.iter().enumerate() {
            if path.contains('$') {
                problems.push(Problem::new(
                    format!("sources.nodeFiles[{index}].paths[{at}]"),
                    "a $ would be taken for a variable",
                    "write ? in its place",
                ));
            }
        }
    }
}

fn hub(spec: &Hub) -> Result<HubPlan, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut steps = Vec::new();
    let source = spec
        .index
        .as_deref()
        .and_then(|index| source(index).map_err(|problem| problems.push(problem)).ok());
    if source.is_some() {
        steps.push(("hub-index", vec!["hub".to_owned(), "update".to_owned()]));
    }
    let nothing_named = spec.collections.is_empty() && spec.parsers.is_empty() && spec.scenarios.is_empty();
    let by_default = nothing_named.then(|| vec![DEFAULT_COLLECTION.to_owned()]);
    let collections = by_default.as_ref().unwrap_or(&spec.collections);
    for (step, kind, items) in [
        ("hub-collections", "collections", collections),
        ("hub-parsers", "parsers", &spec.parsers),
        ("hub-scenarios", "scenarios", &spec.scenarios),
    ] {
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !is_item(item)) {
            problems.push(Problem::new(
                format!("hub.{kind}[{index}]"),
                format!("{item:?} is no name of an item"),
                "write author/name, as cscli lists it",
            ));
        }
        if !items.is_empty() {
            let mut words = vec![kind.to_owned(), "install".to_owned()];
            words.extend(items.iter().cloned());
            steps.push((step, words));
        }
    }
    if problems.is_empty() {
        Ok(HubPlan { source, steps })
    } else {
        Err(problems)
    }
}

/// Reads the URL of a hub's folder; the last part of its path stands for the branch.
fn source(index: &str) -> Result<HubSource, Problem> {
    let fault = |message: String| {
        let cure = "write the URL of the folder with .index.json, such as https://hub.example/main";
        Problem::new("hub.index", message, cure)
    };
    let url = url::Url::parse(index).map_err(|error| fault(format!("{index:?} is no URL ({error})")))?;
    if url.query().is_some() || url.fragment().is_some() || index.contains('%') || index.contains('$') {
        return Err(fault("the URL has a query, a fragment, a % or a $".to_owned()));
    }
    let folder = index.trim_end_matches(".index.json").trim_end_matches('/');
    let port = url
        .port_or_known_default()
        .ok_or_else(|| fault("the URL has no port".to_owned()))?;
    let (before, branch) = folder
        .rsplit_once('/')
        .filter(|(_, branch)| !branch.is_empty())
        .ok_or_else(|| fault("the URL has no host".to_owned()))?;
    Ok(HubSource {
        template: format!("{before}/%s/%s"),
        branch: branch.to_owned(),
        port,
    })
}

/// Says whether `text` is `author/name`, so that it can be no option of a command.
fn is_item(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/')
        .is_some_and(|(author, name)| is_part(author) && is_part(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_processor::fixtures::{local_api, observed, processor};
    use crate::problem;

    fn faults(spec: &str) -> String {
        validate(&processor(spec), &observed(), &local_api())
            .map_or_else(|found| problem::text(&found), |_| String::new())
    }

    #[track_caller]
    fn check_hub(written: &str, expected: &[&str]) {
        let spec: Hub =
            serde_json::from_value(golang::yaml::from_str(written, golang::yaml::Dialect::V3Known).unwrap())
                .unwrap();
        let steps: Vec<String> = hub(&spec)
            .unwrap()
            .steps
            .iter()
            .map(|(name, words)| format!("{name}: {}", words.join(" ")))
            .collect();
        assert_eq!(steps, expected);
    }

    #[test]
    fn the_built_in_set_is_installed_unless_something_is_named() {
        check_hub("{}", &["hub-collections: collections install starter/kubernetes"]);
        check_hub(
            "{index: 'https://hub.example/main', parsers: [a/b], scenarios: [c/d]}",
            &[
                "hub-index: hub update",
                "hub-parsers: parsers install a/b",
                "hub-scenarios: scenarios install c/d",
            ],
        );
    }

    #[test]
    fn a_hub_is_found_by_the_url_of_its_folder() {
        let check = |index: &str, template: &str, branch: &str, port: u16| {
            let expected = HubSource {
                template: template.to_owned(),
                branch: branch.to_owned(),
                port,
            };
            assert_eq!(source(index).unwrap(), expected, "{index}");
        };
        check(
            "https://cdn-hub.crowdsec.net/crowdsecurity/master",
            "https://cdn-hub.crowdsec.net/crowdsecurity/%s/%s",
            "master",
            443,
        );
        check("http://hub:8000/", "http://%s/%s", "hub:8000", 8000);
        check("https://h/a/b/.index.json", "https://h/a/%s/%s", "b", 443);
    }

    #[test]
    fn what_cannot_be_carried_out_is_told_with_field_and_cure() {
        let spec = "{engineRef: {name: main}, hub: {collections: ['--force', 'ok/ok'], index: 'https://h/?a=b'}, sources: {nodeFiles: [{paths: ['/var/log/$HOME'], type: x}]}}";
        insta::assert_snapshot!(faults(spec), @r#"spec.hub.index: the URL has a query, a fragment, a % or a $; write the URL of the folder with .index.json, such as https://hub.example/main · spec.hub.collections[0]: "--force" is no name of an item; write author/name, as cscli lists it · spec.sources.nodeFiles[0].paths[0]: a $ would be taken for a variable; write ? in its place"#);
    }

    #[test]
    fn a_policy_without_the_way_to_the_api_server_is_refused() {
        let observed = Observed {
            api_server: Vec::new(),
            ..observed()
        };
        let of = |spec: &str| validate(&processor(spec), &observed, &local_api());
        assert!(of("{engineRef: {name: main}}").is_err());
        assert!(of("{engineRef: {name: main}, networkPolicy: {enabled: false}}").is_ok());
        assert!(of("{engineRef: {name: main}, sources: {containerLogs: false}}").is_ok());
        let named = of("{engineRef: {name: main}, networkPolicy: {apiServer: {cidrs: [10.0.0.1/32]}}}");
        assert_eq!(named.unwrap().peers.unwrap().api_server[0].cidr, "10.0.0.1/32");
    }
}
