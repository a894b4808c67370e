//! What the administrator sees after an attack: decisions, the alert, metrics.

use anyhow::{Result, ensure};

use super::narrate;
use super::timeline::Watch;

/// Shows decisions, the newest alert and the metrics of the engine that `watch` looks at.
pub(super) fn look_around(watch: &Watch<'_>) -> Result<()> {
    narrate::chapter("What the administrator sees");
    narrate::quote("cscli decisions list", &watch.cscli(&["decisions", "list"])?, 20);
    let alerts: serde_json::Value = serde_json::from_str(&watch.cscli(&["alerts", "list", "-o", "json"])?)?;
    let id = alerts[0]["id"].to_string();
    narrate::quote(
        &format!("cscli alerts inspect {id}"),
        &watch.cscli(&["alerts", "inspect", &id])?,
        40,
    );
    let url = format!("http://127.0.0.1:{}/metrics", watch.installation.ports().metrics);
    let metrics = e2e::engine::fetch(&url, &[], watch.namespace)?;
    let wanted = [
        "cs_filesource_hits_total",
        "cs_parser_hits_ok_total",
        "cs_bucket_overflowed_total",
        "cs_active_decisions",
    ];
    let lines: Vec<&str> = metrics
        .lines()
        .filter(|l| wanted.iter().any(|w| l.starts_with(w)))
        .collect();
    ensure!(!lines.is_empty(), "/metrics shows none of {wanted:?}");
    narrate::quote(&format!("curl {url}"), &lines.join("\n"), 20);
    Ok(())
}
