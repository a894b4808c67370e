//! The real Prometheus Operator with a real Prometheus finds the Local API and every agent by itself.

use std::time::Duration;

use e2e::cluster::Own;
use e2e::process::run_command;
use serde_json::Value;

use crate::fixture::{Engine, Operated, READY};

#[test]
fn prometheus_scrapes_the_local_api_and_every_agent() {
    let operated = Operated::shared();
    let Some(own) = operated.cluster.own() else {
        println!("skipped: the Prometheus Operator is put into a cluster of our own only");
        return;
    };
    let engine = Engine::start(&operated, "watched");
    let namespace = &engine.namespace;
    let missing = namespace
        .condition("securityengine/main", "Monitored")
        .unwrap()
        .unwrap();
    own.monitoring().unwrap();
    let address = operated
        .cluster
        .kubectl(&[
            "get",
            "-n",
            "monitoring",
            "pod/prometheus-e2e-0",
            "-o",
            "jsonpath={.status.podIP}",
        ])
        .unwrap();
    for object in ["securityengine/main", "logprocessor/nodes"] {
        let condition = namespace
            .wait_condition(object, "Monitored", "True", READY)
            .unwrap();
        assert_ne!(condition, missing);
    }
    // The reloader of Prometheus looks every 30 seconds.
    for series in [
        "cs_active_decisions",
        "cs_lapi_route_requests_total",
        "cs_info",
        "up",
    ] {
        let query = format!("{series}{{namespace=\"{}\"}}", namespace.name());
        operated
            .cluster
            .wait_for(&query, Duration::from_secs(90), || {
                Ok((!query_prometheus(own, &address, &query)?.is_empty()).then_some(()))
            })
            .unwrap();
    }
    let up = query_prometheus(
        own,
        &address,
        &format!("up{{namespace=\"{}\"}}", namespace.name()),
    )
    .unwrap();
    let down: Vec<&Value> = up.iter().filter(|target| target["value"][1] != "1").collect();
    assert!(down.is_empty(), "{down:#?}");
    let jobs = up
        .iter()
        .filter_map(|t| t["metric"]["job"].as_str())
        .collect::<Vec<_>>();
    assert!(
        jobs.len() >= 2,
        "one target for the Local API and one for each agent: {jobs:?}"
    );
}

fn query_prometheus(own: &Own, address: &str, query: &str) -> anyhow::Result<Vec<Value>> {
    let url = format!("http://{address}:9090/api/v1/query");
    let expression = format!("query={query}");
    let arguments = [
        "-sS",
        "-f",
        "-m",
        "5",
        "-G",
        &url,
        "--data-urlencode",
        &expression,
    ];
    let answer: Value = serde_json::from_str(&run_command(own.inside("curl", &arguments))?)?;
    Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
}
