//! What an administrator sees: states, conditions, events, a scrape, and connections that are refused.

use anyhow::{Context, Result, ensure};
use e2e::cluster::namespace::Namespace;
use e2e::cluster::probe::{Probe, Reach};

use super::clients::ATTACKER;
use super::stage::Stage;
use super::{EDGE, ENGINE, SHOP, narrate};

/// States, conditions, events and decisions.
pub(super) fn around(stage: &Stage<'_>) -> Result<()> {
    narrate::chapter("What the administrator sees");
    stage.show(&["get", "crowdsec", "-A"], 20)?;
    let conditions =
        "jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{\"\\n\"}{end}";
    for (namespace, name) in [
        (ENGINE, "securityengine/main"),
        (ENGINE, "logprocessor/nodes"),
        (EDGE, "acquisition/edge"),
        (EDGE, "bouncer/traefik"),
    ] {
        let text = stage.kubectl(&["get", "-n", namespace, name, "-o", conditions])?;
        narrate::quote(&format!("conditions of {name}"), &text, 12);
    }
    stage.show(&["events", "-n", ENGINE, "--for", "securityengine/main"], 10)?;
    let decisions = stage.show(
        &[
            "exec",
            "-n",
            ENGINE,
            "deploy/main-lapi",
            "--",
            "cscli",
            "decisions",
            "list",
        ],
        12,
    )?;
    ensure!(
        decisions.contains(ATTACKER),
        "cscli does not list the decision on {ATTACKER}"
    );
    Ok(())
}

/// A scrape that is let through and a connection that is not.
pub(super) fn at_the_network(stage: &Stage<'_>) -> Result<()> {
    narrate::chapter("Who may reach what");
    let observer = Namespace::create(stage.cluster, "observer", &[])?;
    let prometheus = Probe::start(
        &observer,
        "prometheus",
        &[("app.kubernetes.io/name", "prometheus")],
    )?;
    let metrics = format!("main-lapi-metrics.{ENGINE}.svc:6060");
    prometheus.expect(&metrics, Reach::Open)?;
    let text = prometheus.get(&format!("http://{metrics}/metrics"))?;
    let wanted = ["cs_active_decisions", "cs_lapi_route_requests_total", "cs_alerts"];
    let shown: Vec<&str> = text
        .lines()
        .filter(|line| wanted.iter().any(|w| line.starts_with(w)))
        .collect();
    narrate::quote(
        &format!("prometheus: GET http://{metrics}/metrics"),
        &shown.join("\n"),
        8,
    );
    ensure!(!shown.is_empty(), "the scrape shows none of {wanted:?}");
    let api = format!("main-lapi.{ENGINE}.svc:8080");
    let stranger = Probe::start(&observer, "stranger", &[])?;
    if stage.cluster.own().is_none() && stranger.dial(&api)? == Reach::Open {
        narrate::step(
            "this cluster's network does not enforce NetworkPolicies: a stranger reaches the Local API",
        );
        return Ok(());
    }
    stranger
        .expect(&api, Reach::Closed)
        .context("a pod without business reaches the Local API")?;
    narrate::step(&format!(
        "a pod in another namespace → {api}: refused by the NetworkPolicy"
    ));
    narrate::step(&format!(
        "the bouncer in {EDGE} and the agents reach it; {SHOP} does not"
    ));
    Ok(())
}
