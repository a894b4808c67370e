//! The four times of the story: line written, alert, decision, refused.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::engine::Installation;
use e2e::netns::Namespace;
use e2e::wait;
use jiff::Timestamp;
use service::clock;

use super::narrate;

/// When each step was seen.
#[derive(Debug)]
pub(super) struct Timeline {
    /// The web or SSH server wrote the line that tipped the scale.
    pub(super) line: Timestamp,
    /// The scenario overflowed (the alert's own `stop_at`).
    pub(super) alert: Timestamp,
    /// The Local API answered the decision to a bouncer.
    pub(super) decision: Timestamp,
    /// The bouncer had it enforced.
    pub(super) enforced: Timestamp,
}

/// The longest way from line to enforcement that the demo accepts, besides the bouncer's own polling.
const BUDGET: Duration = Duration::from_secs(1);

impl Timeline {
    /// Watches the Local API for a ban of `address` and the bouncer for its enforcement.
    ///
    /// `log` is the file whose last change is the triggering line.
    pub(super) fn watch(
        watch: &Watch<'_>,
        log: &Path,
        mut enforced: impl FnMut() -> Result<bool>,
    ) -> Result<Timeline> {
        let decision = wait::until(
            &format!("a decision on {}", watch.address),
            wait::PATIENCE,
            Duration::from_millis(5),
            || Ok(watch.decision()?.then(clock::now)),
        )?;
        let enforced = wait::until(
            &format!("the bouncer to enforce it on {}", watch.address),
            wait::PATIENCE,
            Duration::from_millis(10),
            || Ok(enforced()?.then(clock::now)),
        )?;
        let alert = watch.overflow()?;
        // sshd writes one more line right after the one that tips the scale.
        let line = Timestamp::try_from(std::fs::metadata(log)?.modified()?)?.min(alert);
        Ok(Timeline {
            line,
            alert,
            decision,
            enforced,
        })
    }

    /// Tells the times and fails when the way was too long; `polling` is the bouncer's own interval.
    pub(super) fn tell(&self, polling: Duration) -> Result<()> {
        let since = |at: Timestamp| at.duration_since(self.line).as_millis();
        narrate::step(&format!("line written     {}", self.line));
        narrate::step(&format!(
            "alert            {}  (+{} ms)",
            self.alert,
            since(self.alert)
        ));
        narrate::step(&format!(
            "decision         {}  (+{} ms)",
            self.decision,
            since(self.decision)
        ));
        narrate::step(&format!(
            "refused          {}  (+{} ms)",
            self.enforced,
            since(self.enforced)
        ));
        let whole = self.enforced.duration_since(self.line).unsigned_abs();
        let limit = BUDGET + polling;
        ensure!(
            whole <= limit,
            "line to refusal took {} ms, more than {} ms",
            whole.as_millis(),
            limit.as_millis()
        );
        narrate::step(&format!(
            "from line to refusal {} ms, of which the bouncer's own polling interval may be {} ms",
            whole.as_millis(),
            polling.as_millis()
        ));
        Ok(())
    }
}

/// Where and for whom to look.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) installation: &'a Installation<'a>,
    pub(super) namespace: Option<&'a Namespace>,
    pub(super) key: &'a str,
    pub(super) address: &'a str,
    /// Alerts before this are another chapter's.
    pub(super) since: Timestamp,
}

/// `… at 2026-11-25 02:47:42.787 +0000 UTC`, the end of an alert's message.
fn message_time(message: &str) -> Option<Timestamp> {
    let (_, end) = message.rsplit_once(" at ")?;
    let utc = end.strip_suffix(" +0000 UTC")?;
    format!("{}Z", utc.replace(' ', "T")).parse().ok()
}

impl Watch<'_> {
    /// Whether a bouncer asking for the address is told to refuse it.
    fn decision(&self) -> Result<bool> {
        let url = format!(
            "http://127.0.0.1:{}/v1/decisions?ip={}",
            self.installation.ports().api,
            self.address
        );
        let body = e2e::engine::fetch(&url, &[&format!("X-Api-Key: {}", self.key)], self.namespace)?;
        Ok(body.trim() != "null")
    }

    /// When the first scenario on the address overflowed.
    ///
    /// The answer's `stop_at` has whole seconds; the alert's message ends with the same instant in full.
    fn overflow(&self) -> Result<Timestamp> {
        let text = self.cscli(&["alerts", "list", "--ip", self.address, "-o", "json"])?;
        let alerts: serde_json::Value =
            serde_json::from_str(&text).context("reading cscli alerts list -o json")?;
        let messages = alerts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|a| a["message"].as_str());
        let newest = messages
            .filter_map(message_time)
            .filter(|at| *at >= self.since)
            .min();
        newest.with_context(|| format!("no alert on {} tells when it was raised: {alerts}", self.address))
    }

    /// Runs `cscli` where the engine runs.
    pub(super) fn cscli(&self, arguments: &[&str]) -> Result<String> {
        let command = self.installation.cscli_command(arguments);
        e2e::process::run_command(match self.namespace {
            Some(namespace) => namespace.wrap(&command),
            None => command,
        })
    }
}
