//! The samples work as they are shipped.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::binary::workspace_dir;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::speaker::{request, speak};
use e2e::cluster::{Cluster, traefik};

use crate::fixture::Operated;

/// Five engines start at once on two cores.
const READY: Duration = Duration::from_secs(120);
/// The kinds of the samples.
const KINDS: &str = "securityengines,logprocessors,acquisitions,bouncers";

#[test]
fn every_sample_applies_and_becomes_ready() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    traefik::serve_kinds(cluster).unwrap();
    let privileged = ["pod-security.kubernetes.io/enforce=privileged"];
    let _home = Namespace::named(cluster, "crowdsec", &privileged).unwrap();
    let edges = ["traefik", "ingress-nginx"].map(|name| Namespace::named(cluster, name, &[]).unwrap());
    let line = request("203.0.113.91", "/");
    let traefik_line = format!(
        "{} 1 \"web@kubernetes\" \"http://10.0.0.1:80\" 1ms\n",
        line.trim_end()
    );
    for (namespace, app, container, line) in [
        (
            edges[0].name(),
            "app.kubernetes.io/name: traefik",
            "traefik",
            &traefik_line,
        ),
        (
            edges[1].name(),
            "app.kubernetes.io/name: ingress-nginx",
            "controller",
            &line,
        ),
        ("default", "app: shop", "shop", &line),
    ] {
        let (key, value) = app.split_once(": ").unwrap();
        let namespace = Namespace::lent(cluster, namespace);
        speak(&namespace, "speaker", &[(key, value)], &[(container, line)]).unwrap();
    }
    let samples = workspace_dir().unwrap().join("manifests/samples");
    let folder = samples.to_str().unwrap();
    let applied = cluster.kubectl(&["apply", "-f", folder]).unwrap();
    let files = std::fs::read_dir(&samples).unwrap().count();
    assert!(applied.lines().count() >= files, "{applied}");

    let outcome = cluster.wait_for("every sample to be Ready", READY, || {
        Ok(unready(cluster)?.is_empty().then_some(()))
    });
    assert!(
        outcome.is_ok(),
        "{:#?}\n{}",
        unready(cluster),
        cluster
            .kubectl(&["get", KINDS, "-A", "-o", "yaml"])
            .unwrap_or_default()
    );

    cluster
        .kubectl(&["delete", "-f", folder, "--timeout=60s"])
        .unwrap();
    cluster
        .kubectl(&["delete", "-n", "default", "pod/speaker", "configmap/speaker"])
        .unwrap();
}

/// Names of objects in the samples' namespaces that are not Ready.
fn unready(cluster: &Cluster) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for namespace in ["crowdsec", "traefik", "ingress-nginx", "default"] {
        let list = cluster.get(&["-n", namespace, KINDS])?;
        for object in list["items"].as_array().into_iter().flatten() {
            let conditions = object["status"]["conditions"].as_array();
            let is_ready = conditions
                .into_iter()
                .flatten()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            if !is_ready {
                names.insert(format!(
                    "{namespace}: {} {}",
                    object["kind"], object["metadata"]["name"]
                ));
            }
        }
    }
    Ok(names)
}
