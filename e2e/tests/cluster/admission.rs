//! Pod security: everything is `restricted` but the agents, whose exception is exactly what is documented.

use e2e::cluster::namespace::Namespace;
use serde_json::Value;

use crate::fixture::{Engine, Operated, READY};

#[test]
fn an_engine_and_a_forward_auth_bouncer_run_where_restricted_is_enforced() {
    let operated = Operated::shared();
    let labels = ["pod-security.kubernetes.io/enforce=restricted"];
    let namespace = Namespace::create(&operated.cluster, "strict", &labels).unwrap();
    namespace
        .apply(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {name: main}
spec: {}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: edge}
spec: {engineRef: {name: main}, integration: {type: ForwardAuth}}
",
        )
        .unwrap();
    for object in ["securityengine/main", "bouncer/edge"] {
        namespace.wait_condition(object, "Ready", "True", READY).unwrap();
    }
}

#[test]
fn an_agent_needs_root_to_read_logs_and_nothing_more() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "agent");
    let pods = engine
        .namespace
        .objects(&["pods", "-l", "app.kubernetes.io/component=agent"])
        .unwrap();
    let spec = &pods[0]["spec"];
    for container in containers(spec) {
        let context = &container["securityContext"];
        assert_eq!(context["readOnlyRootFilesystem"], true, "{context}");
        assert_eq!(context["allowPrivilegeEscalation"], false, "{context}");
        assert_eq!(
            context["capabilities"]["drop"],
            serde_json::json!(["ALL"]),
            "{context}"
        );
        assert_eq!(context["capabilities"]["add"], Value::Null, "{context}");
        assert_ne!(context["privileged"], true, "{context}");
    }
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        assert_ne!(spec[field], true, "{field}");
    }
    let hosts: Vec<&str> = spec["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|volume| volume["hostPath"]["path"].as_str())
        .collect();
    assert!(
        hosts
            .iter()
            .all(|path| *path == "/var/log" || path.starts_with("/var/lib/crowdsec-operator/")),
        "{hosts:?}"
    );
}

#[test]
fn the_operator_works_with_roles_alone_when_its_namespaces_are_named() {
    let alone = crate::fixture::Alone::take();
    let cluster = &alone.cluster;
    let engine = Engine::empty(cluster, "scoped");
    let namespace = &engine.namespace;
    let watched = format!("watchNamespaces={{{}}}", namespace.name());
    crate::fixture::install(cluster, "scoped-operator", &["--set", &watched]);
    namespace
        .apply("apiVersion: crowdsec-operator.dev/v1alpha1\nkind: SecurityEngine\nmetadata: {name: main}\nspec: {}\n")
        .unwrap();
    namespace
        .wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    let roles = cluster.kubectl(&["get", "clusterroles", "-o", "name"]).unwrap();
    assert!(!roles.contains("scoped-operator"), "{roles}");
    crate::fixture::uninstall(cluster, "scoped-operator");
}

fn containers(spec: &Value) -> Vec<&Value> {
    ["initContainers", "containers"]
        .iter()
        .filter_map(|key| spec[*key].as_array())
        .flatten()
        .collect()
}
