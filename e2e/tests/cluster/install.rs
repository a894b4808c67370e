//! Installing, uninstalling, installing again.

use std::time::Duration;

use crate::fixture::{self, Alone, Engine, OPERATOR, READY};

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
    ready();
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

#[test]
fn the_manifest_installs_the_same_without_helm() {
    let alone = Alone::take();
    let cluster = &alone.cluster;
    let manifest = e2e::binary::workspace_dir()
        .unwrap()
        .join("manifests/install.yaml");
    let (repository, tag) = e2e::cluster::images::OURS;
    let text = std::fs::read_to_string(manifest).unwrap();
    let text = with_image(&text, &format!("{repository}:{tag}"));
    cluster.apply(&text).unwrap();
    let place = cluster
        .get(&[
            "deployments",
            "-A",
            "-l",
            "app.kubernetes.io/name=crowdsec-operator",
        ])
        .unwrap();
    let home = place["items"][0]["metadata"]["namespace"].as_str().unwrap();
    let name = place["items"][0]["metadata"]["name"].as_str().unwrap();
    cluster
        .rolled_out(home, &format!("deployment/{name}"), Duration::from_secs(90))
        .unwrap();
    let engine = Engine::empty(cluster, "manifest");
    engine.namespace.apply(&engine.resources()).unwrap();
    engine
        .namespace
        .wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    engine
        .namespace
        .kubectl(&["delete", "securityengine,logprocessor", "--all", "--timeout=60s"])
        .unwrap();
    drop(engine);
    e2e::process::run_with_input(
        cluster.kubectl_command(&["delete", "--ignore-not-found", "--timeout=120s", "-f", "-"]),
        &text,
    )
    .unwrap();
}

/// Puts our image in the place of the released one, wherever the manifest names it.
fn with_image(manifest: &str, image: &str) -> String {
    let released = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("image: "))
        .unwrap()
        .trim_matches('"');
    manifest.replace(released, image)
}
