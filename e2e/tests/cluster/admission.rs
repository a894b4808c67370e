//! Pod security: everything is `restricted` but the agents, whose exception is exactly what is documented.

use e2e::cluster::Cluster;
use e2e::cluster::namespace::Namespace;
use serde_json::Value;

use crate::fixture::{Engine, FORWARD_AUTH, OPERATOR, Operated, READY};

#[test]
fn an_engine_and_a_forward_auth_bouncer_run_where_restricted_is_enforced() {
    let operated = Operated::shared();
    let labels = ["pod-security.kubernetes.io/enforce=restricted"];
    let namespace = Namespace::create(&operated.cluster, "strict", &labels).unwrap();
    namespace
        .apply(&format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {{name: main}}
spec: {{}}
---
{FORWARD_AUTH}"
        ))
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

/// The agents' exception, by level and in the API server's own words; `docs/install.md` says why.
const EXCEPTION: [(&str, &str); 2] = [
    ("baseline", "hostPath volumes"),
    (
        "restricted",
        "restricted volume types, runAsNonRoot != true, runAsUser=0",
    ),
];

#[test]
fn the_api_server_finds_nothing_but_agents_that_restricted_forbids() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "levels");
    let namespace = &engine.namespace;
    namespace.apply(FORWARD_AUTH).unwrap();
    namespace
        .wait_condition("bouncer/edge", "Ready", "True", READY)
        .unwrap();
    for (level, exception) in EXCEPTION {
        assert_eq!(forbidden(&operated.cluster, OPERATOR, level), [""; 0]);
        let pods = forbidden(&operated.cluster, namespace.name(), level);
        assert!(!pods.is_empty(), "the API server finds nothing against agents");
        for line in pods {
            // Pods with the same faults share a line: the first is named, the others are counted.
            let (pod, faults) = line.split_once(": ").unwrap();
            assert!(pod.starts_with("nodes-agent-"), "{line}");
            assert_eq!(faults, exception);
        }
    }
}

/// The pods of a namespace that would violate a level of Pod Security, each with its faults.
fn forbidden(cluster: &Cluster, namespace: &str, level: &str) -> Vec<String> {
    let label = format!("pod-security.kubernetes.io/enforce={level}");
    let output = cluster
        .kubectl_command(&[
            "label",
            "namespace",
            namespace,
            "--dry-run=server",
            "--overwrite",
            &label,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text.lines()
        .filter_map(|line| line.strip_prefix("Warning: "))
        .filter(|line| !line.starts_with("existing pods in namespace"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_operator_does_its_work_with_the_shipped_roles_alone() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    let engine = Engine::start(&operated, "rights");
    engine.namespace.apply(FORWARD_AUTH).unwrap();
    engine
        .namespace
        .wait_condition("bouncer/edge", "Ready", "True", READY)
        .unwrap();
    let deployment = format!("deployment/{OPERATOR}");
    let log = cluster
        .kubectl(&["logs", "-n", OPERATOR, &deployment, "--tail=-1"])
        .unwrap();
    let refused: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("forbidden: User"))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let account = format!("--as=system:serviceaccount:{OPERATOR}:{OPERATOR}");
    let may = |words: &[&str]| {
        let words = [&["auth", "can-i", "-A", &account][..], words].concat();
        cluster.kubectl(&words).is_ok()
    };
    assert!(may(&["get", "secrets"]) && may(&["create", "deployments.apps"]));
    for words in [
        &["*", "*"][..],
        &["list", "secrets"],
        &["create", "pods"],
        &["create", "pods", "--subresource=exec"],
        &["get", "nodes", "--subresource=proxy"],
        &["delete", "persistentvolumeclaims"],
        &["create", "clusterrolebindings.rbac.authorization.k8s.io"],
        &["escalate", "roles.rbac.authorization.k8s.io"],
        &["bind", "roles.rbac.authorization.k8s.io"],
        &["impersonate", "users"],
    ] {
        assert!(!may(words), "the operator may {words:?}");
    }
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
