//! The real Prometheus Operator with a real Prometheus finds the Local API and every agent by itself.

use std::time::Duration;

use e2e::cluster::{Cluster, Own};
use e2e::process::run_command;
use serde_json::Value;

use crate::fixture::{Engine, Operated, READY};

const BOUNCER: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: edge}
spec: {engineRef: {name: main}, integration: {type: ForwardAuth, forwardAuth: {replicas: 1}}}
";

#[test]
fn prometheus_scrapes_the_local_api_and_every_agent() {
    let operated = Operated::shared();
    let Some(own) = operated.cluster.own() else {
        println!("skipped: the Prometheus Operator is put into a cluster of our own only");
        return;
    };
    let engine = Engine::start(&operated, "watched");
    let namespace = &engine.namespace;
    namespace.apply(BOUNCER).unwrap();
    namespace
        .wait_condition("bouncer/edge", "Ready", "True", READY)
        .unwrap();
    if !operated.cluster.serves("servicemonitors.monitoring.coreos.com") {
        let missing = namespace
            .wait_condition("securityengine/main", "Monitored", "False", READY)
            .unwrap();
        assert_eq!(missing.reason, "CrdMissing");
    }
    own.monitoring().unwrap();
    for object in ["securityengine/main", "logprocessor/nodes"] {
        namespace
            .wait_condition(object, "Monitored", "True", READY)
            .unwrap();
    }
    // Prometheus' reloader looks for changes every three minutes; at a start it takes what is there.
    let place = "monitoring";
    operated
        .cluster
        .kubectl(&["delete", "-n", place, "pod/prometheus-e2e-0"])
        .unwrap();
    operated
        .cluster
        .rolled_out(place, "statefulset/prometheus-e2e", READY)
        .unwrap();
    // Without a decision there is nothing to count.
    engine.cscli(&["decisions", "add", "--ip", "192.0.2.9", "--duration", "1h"]);
    let prometheus = Prometheus::find(&operated.cluster, own);
    let name = namespace.name();
    let agents = operated.cluster.get(&["nodes"]).unwrap()["items"]
        .as_array()
        .unwrap()
        .len();
    let mut expected: Vec<String> = vec![format!("{name}/nodes-agent"); agents];
    expected.extend([
        "main-lapi-metrics".to_owned(),
        format!("{name}/edge-forward-auth"),
    ]);
    expected.sort_unstable();
    let limit = Duration::from_secs(200);
    operated
        .cluster
        .wait_for(&format!("these targets to be up: {expected:?}"), limit, || {
            let query = format!("up{{namespace=\"{name}\"}} == 1");
            Ok((prometheus.jobs(&query)? == expected).then_some(()))
        })
        .unwrap();
    for (series, job) in [
        ("cs_active_decisions", "main-lapi-metrics"),
        ("cs_lapi_route_requests_total", "main-lapi-metrics"),
        ("cs_info", "main-lapi-metrics"),
        ("cs_info", "nodes-agent"),
        ("cs_forward_auth_last_pull_timestamp_seconds", "edge-forward-auth"),
    ] {
        let query = format!("{series}{{namespace=\"{name}\", job=~\".*{job}\"}}");
        operated
            .cluster
            .wait_for(&query, limit, || {
                Ok((!prometheus.jobs(&query)?.is_empty()).then_some(()))
            })
            .unwrap();
    }
}

/// Where Prometheus answers.
struct Prometheus<'a> {
    own: &'a Own,
    url: String,
}

impl<'a> Prometheus<'a> {
    fn find(cluster: &Cluster, own: &'a Own) -> Prometheus<'a> {
        let pod = ["get", "-n", "monitoring", "pod/prometheus-e2e-0"];
        let address = cluster
            .kubectl(&[&pod[..], &["-o", "jsonpath={.status.podIP}"]].concat())
            .unwrap();
        Prometheus {
            own,
            url: format!("http://{address}:9090/api/v1/query"),
        }
    }

    /// The label `job` of all series that an expression gives, sorted.
    fn jobs(&self, expression: &str) -> anyhow::Result<Vec<String>> {
        let expression = format!("query={expression}");
        let arguments = [
            "-sS",
            "-f",
            "-m",
            "5",
            "-G",
            &self.url,
            "--data-urlencode",
            &expression,
        ];
        let answer: Value = serde_json::from_str(&run_command(self.own.inside("curl", &arguments))?)?;
        let mut jobs: Vec<String> = answer["data"]["result"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|series| series["metric"]["job"].as_str().map(str::to_owned))
            .collect();
        jobs.sort_unstable();
        Ok(jobs)
    }
}
