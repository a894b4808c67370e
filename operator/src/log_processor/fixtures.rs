//! Small resources for tests; the uid and names differ from the product's, so that swapped fields show.

use std::collections::BTreeMap;
use std::sync::Arc;

use golang::yaml::Dialect;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use wire::admin::Node;
use wire::report::Source;

use crate::cluster::store::Key;
use crate::context::Defaults;
use crate::crd::acquisition::Acquisition;
use crate::crd::log_processor::LogProcessor;
use crate::labels::Owner;
use crate::log_processor::observe::{LocalApi, Observed};
use crate::log_processor::select::Candidate;
use crate::network::policy::ApiServer;

fn json(text: &str) -> Value {
    golang::yaml::from_str(text, Dialect::V3Known).unwrap()
}

/// The LogProcessor `watch/nodes` with a spec in YAML.
pub(crate) fn processor(spec: &str) -> LogProcessor {
    let mut processor = LogProcessor::new("nodes", serde_json::from_value(json(spec)).unwrap());
    processor.metadata.namespace = Some("watch".into());
    processor.metadata.uid = Some("11111111-2222".into());
    processor.metadata.generation = Some(3);
    processor
}

/// An Acquisition with a spec in YAML.
pub(crate) fn acquisition(namespace: &str, name: &str, spec: &str) -> Acquisition {
    let mut acquisition = Acquisition::new(name, serde_json::from_value(json(spec)).unwrap());
    acquisition.metadata.namespace = Some(namespace.into());
    acquisition.metadata.uid = Some(format!("{namespace}-{name}"));
    acquisition.metadata.generation = Some(2);
    acquisition
}

/// An Acquisition of traefik's pods in an allowed namespace.
pub(crate) fn candidate(namespace: &str, name: &str) -> Candidate {
    let spec = "{preset: traefik, target: {podSelector: {matchLabels: {app.kubernetes.io/name: traefik}}}}";
    Candidate {
        acquisition: Arc::new(acquisition(namespace, name, spec)),
        namespace_labels: BTreeMap::from([("kubernetes.io/metadata.name".into(), namespace.into())]),
        allowed: true,
    }
}

/// The time of all tests.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// The Local API of the engine `crowdsec/main`.
pub(crate) fn local_api() -> LocalApi {
    LocalApi {
        key: Key::new("crowdsec", "main"),
        url: "http://main-lapi.crowdsec.svc:8080/".into(),
        ca: None,
        ready: true,
    }
}

/// A cluster with one Acquisition and the Prometheus Operator.
pub(crate) fn observed() -> Observed {
    Observed {
        candidates: vec![candidate("traefik", "edge")],
        api_server: vec![ApiServer {
            cidr: "10.99.0.1/32".into(),
            port: Some(6443),
        }],
        serves_pod_monitor: true,
        defaults: Defaults {
            image: "registry.example/crowdsec:1".into(),
            ..Defaults::default()
        },
    }
}

/// The resource's name for its objects.
pub(crate) fn owner() -> Owner {
    Owner::of(&processor("{engineRef: {name: main}}"))
}

/// A pod of the agents with a spec and a status in YAML.
pub(crate) fn pod(spec: &str, status: &str) -> Pod {
    let mut spec = json(spec);
    spec["containers"] = serde_json::json!([]);
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": "nodes-agent-x", "namespace": "watch"},
        "spec": spec,
        "status": json(status),
    }))
    .unwrap()
}

/// What an agent said some seconds ago.
pub(crate) fn node(machine: &str, seconds: i64, sources: Vec<Source>) -> Node {
    Node {
        machine: machine.into(),
        reported_at: Some((now() - SignedDuration::from_secs(seconds)).to_string()),
        sources,
        ..Node::default()
    }
}

/// A source with one open file.
pub(crate) fn source(name: &str, read: u64, parsed: u64, error: &str) -> Source {
    Source {
        name: name.into(),
        kind: "traefik".into(),
        files: 1,
        read,
        parsed,
        last_line: if read > 0 {
            "2027-01-15T08:00:00Z".into()
        } else {
            String::new()
        },
        error: error.into(),
    }
}
