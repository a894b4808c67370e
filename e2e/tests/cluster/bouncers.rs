//! Keys: made, rotated, kept, refused.

use std::time::Duration;

use e2e::cluster::namespace::Namespace;
use e2e::wait::PATIENCE;

use crate::fixture::{Engine, Operated, READY};

#[test]
fn a_deleted_bouncer_takes_its_row_along_unless_it_is_to_be_retained() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "reclaim");
    let namespace = &engine.namespace;
    for (name, policy) in [("gone", "Delete"), ("kept", "Retain")] {
        namespace
            .apply(&format!(
                "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {{name: {name}}}
spec: {{engineRef: {{name: main}}, reclaimPolicy: {policy}}}
"
            ))
            .unwrap();
        namespace
            .wait_condition(&format!("bouncer/{name}"), "Ready", "True", READY)
            .unwrap();
    }
    let row = |name: &str| format!("{}:{name}:", namespace.name());
    let rows = engine.names("bouncers", "name");
    for name in ["gone", "kept"] {
        assert!(rows.iter().any(|r| r.starts_with(&row(name))), "{rows:?}");
    }
    namespace
        .kubectl(&["delete", "bouncer", "gone", "kept", "--timeout=30s"])
        .unwrap();
    let rows = engine.names("bouncers", "name");
    assert!(!rows.iter().any(|r| r.starts_with(&row("gone"))), "{rows:?}");
    assert!(rows.iter().any(|r| r.starts_with(&row("kept"))), "{rows:?}");
}

#[test]
fn a_rotated_key_works_and_the_old_one_works_on_during_the_overlap() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    let Some(own) = cluster.own() else {
        println!("skipped: keys are tried from the node, which only a cluster of our own lets us do");
        return;
    };
    let engine = Engine::start(&operated, "rotation");
    let namespace = &engine.namespace;
    let bouncer = |interval: &str| {
        format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {{name: web}}
spec: {{engineRef: {{name: main}}, rotation: {{interval: {interval}, overlap: 30s}}}}
"
        )
    };
    namespace.apply(&bouncer("30d")).unwrap();
    namespace
        .wait_condition("bouncer/web", "Ready", "True", READY)
        .unwrap();
    let key = || {
        let template = "go-template={{index .data \"api-key\" | base64decode}}";
        namespace
            .kubectl(&["get", "secret/web-bouncer", "-o", template])
            .unwrap()
    };
    let address = namespace
        .kubectl(&["get", "service/main-lapi", "-o", "jsonpath={.spec.clusterIP}"])
        .unwrap();
    let answer = |key: &str| {
        let header = format!("X-Api-Key: {key}");
        let url = format!("http://{address}:8080/v1/decisions");
        own.status(&url, &header).unwrap()
    };
    let first = key();
    assert!(first.len() >= 32, "a key of {} characters", first.len());
    assert_eq!(answer(&first), "200");

    namespace.apply(&bouncer("1m")).unwrap();
    cluster
        .wait_for("another key in the Secret", Duration::from_secs(120), || {
            Ok((key() != first).then_some(()))
        })
        .unwrap();
    namespace.apply(&bouncer("30d")).unwrap();
    assert_eq!((answer(&first), answer(&key())), ("200".into(), "200".into()));
    let row = format!("{}:web:", namespace.name());
    let rows = || {
        let all = engine.names("bouncers", "name");
        all.into_iter().filter(|name| name.starts_with(&row)).count()
    };
    cluster
        .wait_for("the old key to end", Duration::from_secs(90), || {
            Ok((answer(&first) == "403").then_some(()))
        })
        .unwrap();
    assert_eq!(answer(&key()), "200");
    cluster
        .wait_for("one row to be left", PATIENCE, || Ok((rows() == 1).then_some(())))
        .unwrap();
}

#[test]
fn a_bouncer_in_a_namespace_that_is_not_allowed_is_refused_with_a_reason() {
    let operated = Operated::shared();
    let home = Namespace::create(&operated.cluster, "closed", &[]).unwrap();
    let other = Namespace::create(&operated.cluster, "guest", &[]).unwrap();
    home.apply(
        "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {name: main}
spec: {allowedNamespaces: {from: Same}}
",
    )
    .unwrap();
    home.wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    other
        .apply(&format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {{name: web}}
spec: {{engineRef: {{name: main, namespace: {}}}}}
",
            home.name()
        ))
        .unwrap();
    let condition = other
        .wait_condition("bouncer/web", "Accepted", "False", READY)
        .unwrap();
    assert_eq!(condition.reason, "NotAllowed", "{condition:?}");
    assert!(condition.message.contains("allowedNamespaces"), "{condition:?}");
    let secrets = other.kubectl(&["get", "secrets", "-o", "name"]).unwrap();
    assert_eq!(secrets.trim(), "", "no key for who is not allowed");
}
