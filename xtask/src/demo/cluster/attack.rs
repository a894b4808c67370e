//! The attack, and its four times as the containers' own logs tell them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::wait;
use jiff::Timestamp;

use super::clients::{ATTACKER, Who};
use super::stage::Stage;
use super::{EDGE, ENGINE, narrate};

/// The longest way from the line to the refusal.
const BUDGET: Duration = Duration::from_secs(2);
/// Missing pages that `starter/http-probing` lets pass are one fewer.
const PROBES: u32 = 11;

/// Attacks until the ingress refuses, and tells the times.
pub(super) fn play(stage: &Stage<'_>) -> Result<()> {
    narrate::chapter("An attack on the ingress");
    let get = |who, path: &str| stage.clients.get(who, path);
    let (visitor, attacker) = (get(Who::Visitor, "/")?, get(Who::Attacker, "/")?);
    narrate::step(&format!("before: visitor {visitor}, attacker {attacker}"));
    ensure!(
        visitor == "200" && attacker == "200",
        "both should get the page before the attack"
    );
    narrate::step(&format!(
        "the attacker asks for {PROBES} pages that do not exist, then for the start page until he is refused"
    ));
    for number in 1..=PROBES {
        get(Who::Attacker, &format!("/admin/{number}.php"))?;
    }
    wait::until(
        "the attacker to be refused",
        wait::PATIENCE,
        Duration::from_millis(20),
        || Ok((get(Who::Attacker, "/")? == "403").then_some(())),
    )?;
    let visitor = get(Who::Visitor, "/")?;
    narrate::step(&format!("now: visitor {visitor}, attacker 403"));
    ensure!(visitor == "200", "the visitor gets {visitor}");
    tell(stage)
}

/// Lets the attacker in again and shows that it took effect.
pub(super) fn forgive(stage: &Stage<'_>) -> Result<()> {
    narrate::chapter("The administrator forgives");
    stage.show(
        &[
            "exec",
            "-n",
            ENGINE,
            "deploy/main-lapi",
            "--",
            "cscli",
            "decisions",
            "delete",
            "--ip",
            ATTACKER,
        ],
        5,
    )?;
    wait::until(
        "the attacker to be let in",
        wait::PATIENCE,
        Duration::from_millis(50),
        || Ok((stage.clients.get(Who::Attacker, "/")? == "200").then_some(())),
    )?;
    narrate::step("the attacker gets 200 again");
    Ok(())
}

/// Reads the times from the logs of Traefik, agents and Local API, and tells them.
fn tell(stage: &Stage<'_>) -> Result<()> {
    let traefik = log(stage, EDGE, "app.kubernetes.io/name=traefik")?;
    let agents = log(stage, ENGINE, "app.kubernetes.io/component=agent")?;
    let api = log(stage, ENGINE, "app.kubernetes.io/component=lapi")?;
    let last_probe = format!("/admin/{PROBES}.php");
    let line = first(&traefik, &[ATTACKER, &last_probe], None).context("Traefik logged no last probe")?;
    let alert = first(&agents, &[ATTACKER, "performed"], None).context("no agent logged an alert")?;
    let decision = first(&api, &["POST /v1/alerts", " 201 "], Some(alert))
        .context("the Local API logged no accepted alert")?;
    let refused = first(&traefik, &[ATTACKER, "\" 403 "], None).context("Traefik logged no refusal")?;
    for (what, at) in [
        ("line written", line),
        ("alert", alert),
        ("decision", decision),
        ("refused", refused),
    ] {
        narrate::step(&format!(
            "{what:<14} {at}  (+{} ms)",
            at.duration_since(line).as_millis()
        ));
    }
    let whole = refused.duration_since(line).unsigned_abs();
    ensure!(
        whole <= BUDGET,
        "line to refusal took {} ms, more than {} ms",
        whole.as_millis(),
        BUDGET.as_millis()
    );
    Ok(())
}

/// Lines of all pods with a label, each after the instant at which the container wrote it.
fn log(stage: &Stage<'_>, namespace: &str, label: &str) -> Result<String> {
    stage.kubectl(&["logs", "-n", namespace, "-l", label, "--timestamps", "--tail=-1"])
}

/// When the first line with all `words` was written, at `since` or later.
fn first(log: &str, words: &[&str], since: Option<Timestamp>) -> Option<Timestamp> {
    log.lines()
        .filter(|line| words.iter().all(|word| line.contains(word)))
        .filter_map(|line| line.split_once(' ')?.0.parse::<Timestamp>().ok())
        .find(|at| since.is_none_or(|since| *at >= since))
}
