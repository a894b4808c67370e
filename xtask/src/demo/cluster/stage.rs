//! The stage: operator by Helm, Traefik with a web pod behind it, the four resources, two clients.

use std::time::Instant;

use anyhow::{Context, Result};
use e2e::binary::{Binary, workspace_dir};
use e2e::cluster::traefik::Traefik;
use e2e::cluster::{Cluster, images};

use super::clients::Clients;
use super::{EDGE, ENGINE, SHOP, narrate};

const CLASS: &str = "crowdsec-demo";
const NODE_PORT: u16 = 30080;
const RELEASE: &str = "crowdsec-operator";

/// What `README.md` promises a user: this is all there is to write.
const RESOURCES: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {name: main, namespace: crowdsec}
spec: {}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: LogProcessor
metadata: {name: nodes, namespace: crowdsec}
spec: {engineRef: {name: main}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: Acquisition
metadata: {name: edge, namespace: traefik}
spec: {preset: traefik, target: {podSelector: {matchLabels: {app.kubernetes.io/name: traefik}}}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: traefik, namespace: traefik}
spec: {engineRef: {name: main, namespace: crowdsec}, integration: {type: Traefik}}
";

/// The resources with their namespaces, in the order in which they become ready.
const NAMES: &[(&str, &str)] = &[
    (ENGINE, "securityengine/main"),
    (ENGINE, "logprocessor/nodes"),
    (EDGE, "acquisition/edge"),
    (EDGE, "bouncer/traefik"),
];

/// Everything the story needs, running.
pub(super) struct Stage<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) clients: Clients<'a>,
}

impl<'a> Stage<'a> {
    /// Sets the stage, telling what happens.
    pub(super) fn set(cluster: &'a Cluster) -> Result<Stage<'a>> {
        narrate::step("packing the images: crowdsec (ours), Traefik, nginx");
        let binary = Binary::built()?;
        images::load_all(cluster, &binary)?;
        for (name, level) in [(ENGINE, "privileged"), (EDGE, "restricted"), (SHOP, "restricted")] {
            namespace(cluster, name, level)?;
        }
        let traefik = Traefik::start(cluster, EDGE, CLASS, NODE_PORT)?;
        traefik.publish(cluster, SHOP)?;
        narrate::step("Traefik is the ingress controller; an nginx pod is published through it");
        let clients = Clients::of(cluster, &traefik)?;
        install(cluster)?;
        apply(cluster)?;
        protect(cluster)?;
        Ok(Stage { cluster, clients })
    }

    /// Runs `kubectl` and tells what it printed.
    pub(super) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.cluster.kubectl(arguments)
    }

    /// Shows a `kubectl` command with what it prints.
    pub(super) fn show(&self, arguments: &[&str], lines: usize) -> Result<String> {
        let text = self.kubectl(arguments)?;
        narrate::quote(&format!("kubectl {}", arguments.join(" ")), &text, lines);
        Ok(text)
    }
}

fn namespace(cluster: &Cluster, name: &str, level: &str) -> Result<()> {
    cluster
        .kubectl(&["create", "namespace", name])
        .with_context(|| format!("the demo wants namespace {name} for itself"))?;
    let label = format!("pod-security.kubernetes.io/enforce={level}");
    cluster.kubectl(&["label", "namespace", name, &label]).map(drop)
}

fn install(cluster: &Cluster) -> Result<()> {
    narrate::chapter("helm install");
    let chart = workspace_dir()?.join("charts/crowdsec-operator");
    let (repository, tag) = images::OURS;
    let start = Instant::now();
    cluster.helm(&[
        "install",
        RELEASE,
        &chart.to_string_lossy(),
        "-n",
        ENGINE,
        "--set",
        &format!("image.repository={repository},image.tag={tag}"),
        "--wait",
        "--timeout",
        "180s",
    ])?;
    narrate::step(&format!(
        "helm install {RELEASE} charts/crowdsec-operator -n {ENGINE}: {} s until the operator was ready",
        start.elapsed().as_secs()
    ));
    Ok(())
}

fn apply(cluster: &Cluster) -> Result<()> {
    narrate::chapter("Four resources");
    narrate::quote("cat crowdsec.yaml", RESOURCES, 40);
    let start = Instant::now();
    narrate::quote("kubectl apply -f crowdsec.yaml", &cluster.apply(RESOURCES)?, 10);
    for (namespace, name) in NAMES {
        cluster.kubectl(&[
            "wait",
            "-n",
            namespace,
            name,
            "--for=condition=Ready",
            "--timeout=120s",
        ])?;
    }
    narrate::step(&format!(
        "all Ready {:.1} s after they were applied",
        start.elapsed().as_secs_f64()
    ));
    narrate::quote(
        "kubectl get crowdsec -A",
        &cluster.kubectl(&["get", "crowdsec", "-A"])?,
        20,
    );
    Ok(())
}

/// Puts the line that the Bouncer's status offers on the Ingress of the web pod.
fn protect(cluster: &Cluster) -> Result<()> {
    let annotation = cluster.kubectl(&[
        "get",
        "-n",
        EDGE,
        "bouncer/traefik",
        "-o",
        "jsonpath={.status.annotation}",
    ])?;
    let (key, value) = annotation
        .split_once(": ")
        .with_context(|| format!("the Bouncer offers no annotation: `{annotation}`"))?;
    let pair = format!("{}={}", key.trim(), value.trim().trim_matches('"'));
    cluster.kubectl(&["annotate", "-n", SHOP, "ingress/web", &pair])?;
    narrate::step(&format!("kubectl annotate -n {SHOP} ingress/web {pair}"));
    Ok(())
}

/// Ends a cluster of our own, or removes from a given one what the demo put there.
pub(super) fn take_down(cluster: &Cluster) -> Result<()> {
    let start = Instant::now();
    if cluster.own().is_some() {
        cluster.down()?;
        narrate::step(&format!(
            "cluster gone after {:.1} s",
            start.elapsed().as_secs_f64()
        ));
        return Ok(());
    }
    let uninstalled = cluster.helm(&["uninstall", RELEASE, "-n", ENGINE, "--wait", "--timeout", "180s"]);
    cluster.kubectl(&["delete", "namespace", "--ignore-not-found", ENGINE, EDGE, SHOP])?;
    Traefik::remove(cluster, CLASS)?;
    narrate::step(&format!(
        "release and namespaces gone after {} s",
        start.elapsed().as_secs()
    ));
    uninstalled.map(drop)
}
