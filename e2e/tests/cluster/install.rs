//! Installing, uninstalling, installing again.

use std::time::{Duration, Instant};

use crate::fixture::{self, Alone, Engine, OPERATOR, READY};

/// How soon an engine is Ready of which nothing was there; this case has the cluster for itself.
const PROMISE: Duration = Duration::from_secs(60);

#[test]
fn uninstalling_leaves_the_volume_and_the_secrets_and_a_new_install_goes_on_with_them() {
    let alone = Alone::take();
    let cluster = &alone.cluster;
    fixture::install(cluster, OPERATOR, &[]);
    let engine = Engine::empty(cluster, "install");
    let namespace = &engine.namespace;
    let ready = || {
        namespace.apply(&engine.resources()).unwrap();
        for object in ["securityengine/main", "logprocessor/nodes"] {
            namespace.wait_condition(object, "Ready", "True", READY).unwrap();
        }
    };
    let applied = Instant::now();
    ready();
    let took = applied.elapsed();
    println!("an engine with an empty spec and its agents were Ready after {took:?}");
    assert!(
        took < PROMISE,
        "Ready after {took:?} on a node with nothing else to do"
    );
    engine.cscli(&["decisions", "add", "--ip", "192.0.2.7", "--duration", "1h"]);
    let secret = |name: &str| {
        namespace
            .kubectl(&["get", "secret", name, "-o", "jsonpath={.data}"])
            .unwrap()
    };
    let before = secret("main-lapi");

    fixture::uninstall(cluster, OPERATOR);

    let left = namespace
        .kubectl(&[
            "get",
            "all,configmaps,secrets,pvc,networkpolicies,roles,rolebindings,serviceaccounts",
            "-o",
            "name",
        ])
        .unwrap();
    let mut left: Vec<&str> = left
        .lines()
        .filter(|name| !["configmap/kube-root-ca.crt", "serviceaccount/default"].contains(name))
        .collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            "persistentvolumeclaim/main-lapi-data",
            "secret/main-lapi",
            "secret/nodes-agent"
        ]
    );
    assert!(!cluster.serves("securityengines.crowdsec-operator.dev"));
    for kind in ["clusterroles", "clusterrolebindings"] {
        let all = cluster.kubectl(&["get", kind, "-o", "name"]).unwrap();
        assert!(!all.contains("crowdsec"), "{all}");
    }

    fixture::install(cluster, OPERATOR, &[]);
    ready();
    assert_eq!(secret("main-lapi"), before);
    assert!(engine.cscli(&["decisions", "list"]).contains("192.0.2.7"));
    drop(engine);
    fixture::uninstall(cluster, OPERATOR);
}
