//! An object in storage that our types cannot read, as an upgrade or a downgrade may leave one.

use std::time::Duration;

use e2e::cluster::Cluster;
use e2e::process::run_with_input;
use e2e::wait::PATIENCE;
use serde_json::{Value, json};

use crate::fixture::{self, Alone, Engine, OPERATOR, READY};

/// The definition whose schema is lifted for a moment.
const DEFINITION: &str = "crd/bouncers.crowdsec-operator.dev";

#[test]
fn a_malformed_object_is_told_and_does_not_stop_the_others() {
    let alone = Alone::take();
    let cluster = &alone.cluster;
    fixture::install(cluster, OPERATOR, &[]);
    let engine = Engine::empty(cluster, "malformed");
    let namespace = &engine.namespace;
    let schema = cluster.get(&[DEFINITION]).unwrap()["spec"]["versions"][0]["schema"].clone();
    set_schema(
        cluster,
        &json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}),
    );
    cluster
        .wait_for("the schema to be lifted", PATIENCE, || {
            Ok(namespace
                .apply(&bouncer("bad", "{engineRef: 7, rotation: [often]}"))
                .ok())
        })
        .unwrap();
    set_schema(cluster, &schema);

    // It lists them all at its start.
    let deployment = format!("deployment/{OPERATOR}");
    cluster
        .kubectl(&["rollout", "restart", "-n", OPERATOR, &deployment])
        .unwrap();
    cluster
        .rolled_out(OPERATOR, &deployment, Duration::from_secs(90))
        .unwrap();
    namespace.apply(&engine.resources()).unwrap();
    namespace
        .apply(&bouncer("good", "{engineRef: {name: main}}"))
        .unwrap();
    for object in ["securityengine/main", "logprocessor/nodes", "bouncer/good"] {
        namespace.wait_condition(object, "Ready", "True", READY).unwrap();
    }
    let message = cluster
        .wait_for("an event on the malformed one", PATIENCE, || {
            let events = namespace.objects(&["events", "--field-selector", "involvedObject.name=bad"])?;
            let warning = events.iter().find(|event| event["type"] == "Warning");
            Ok(warning.and_then(|event| event["message"].as_str().map(str::to_owned)))
        })
        .unwrap();
    assert!(
        message.contains("does not parse") && message.contains("EngineRef"),
        "{message}"
    );
    for words in [
        ["delete", "bouncers", "--all", "--timeout=30s"],
        [
            "delete",
            "securityengines,logprocessors",
            "--all",
            "--timeout=60s",
        ],
    ] {
        namespace.kubectl(&words).unwrap();
    }
    drop(engine);
    fixture::uninstall(cluster, OPERATOR);
}

fn bouncer(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {{name: {name}}}
spec: {spec}
"
    )
}

fn set_schema(cluster: &Cluster, schema: &Value) {
    let patch = json!([{"op": "replace", "path": "/spec/versions/0/schema", "value": schema}]).to_string();
    let words = ["patch", DEFINITION, "--type=json", "--patch-file=/dev/stdin"];
    run_with_input(cluster.kubectl_command(&words), &patch).unwrap();
}
