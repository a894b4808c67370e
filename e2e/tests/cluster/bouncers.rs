//! Keys: made, rotated, kept, refused.

use std::time::Duration;

use e2e::cluster::namespace::Namespace;

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
    let engine = Engine::start(&operated, "rotation");
    let namespace = &engine.namespace;
    let bouncer = |interval: &str| {
        format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {{name: web}}
spec: {{engineRef: {{name: main}}, rotation: {{interval: {interval}, overlap: 1h}}}}
"
        )
    };
    namespace.apply(&bouncer("30d")).unwrap();
    namespace
        .wait_condition("bouncer/web", "Ready", "True", READY)
        .unwrap();
    let key = || {
        namespace
            .kubectl(&[
                "get",
                "secret/web-bouncer",
                "-o",
                "go-template={{index .data \"api-key\" | base64decode}}",
            ])
            .unwrap()
    };
    let first = key();
    assert!(first.len() >= 32, "a key of {} characters", first.len());
    namespace.apply(&bouncer("1m")).unwrap();
    operated
        .cluster
        .wait_for("another key in the Secret", Duration::from_secs(120), || {
            Ok((key() != first).then_some(()))
        })
        .unwrap();
    let row = format!("{}:web:", namespace.name());
    let rows = engine.names("bouncers", "name");
    assert!(
        rows.iter().filter(|r| r.starts_with(&row)).count() >= 2,
        "{rows:?}"
    );
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
