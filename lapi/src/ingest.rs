//! What becomes of a posted alert: decided here without database, clock or network, stored elsewhere.
//!
//! Upstream: `pkg/apiserver/controllers/v1/alerts.go`, `pkg/database/alerts.go`.

pub mod profiles;
mod shrink;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use wire::alert::Alert;
use wire::decision::Decision;
use wire::range::Range;
use wire::{origin, scope};

use crate::live::Allowlists;
use profiles::{ProfileError, Profiles};

/// An alert ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The alert; its own decisions and events are not used, the ones below are.
    pub alert: Alert,
    /// Start, UTC.
    pub started_at: Timestamp,
    /// Overflow, UTC.
    pub stopped_at: Timestamp,
    /// Events as their rows hold them.
    pub events: Vec<StoredEvent>,
    /// Decisions to store.
    pub decisions: Vec<Decided>,
    /// Recognises a retry; `None` for alerts made by hand, which may repeat.
    pub content_key: Option<String>,
    /// Names of the notifications its profiles ask for.
    pub notifications: Vec<String>,
}

/// An event as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// When it happened.
    pub time: Timestamp,
    /// Its facts as JSON, at most 8,191 bytes; empty when they cannot be made to fit.
    pub serialized: String,
}

/// A decision as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// End.
    pub until: Timestamp,
    /// Scenario or reason.
    pub scenario: String,
    /// Remediation.
    pub kind: String,
    /// Addresses; all zero for scopes without.
    pub range: Range,
    /// Canonical scope.
    pub scope: String,
    /// Value.
    pub value: String,
    /// Who took it.
    pub origin: String,
    /// The alert's flag, as upstream stores it.
    pub simulated: bool,
    /// Identity.
    pub uuid: Uuid,
}

/// What becomes of one alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Store it.
    Store(Box<Draft>),
    /// Drop it; says why, for the log.
    Drop(String),
}

/// Decides on one alert of a machine.
///
/// `host` answers what profiles ask about earlier decisions. A profile that fails (and does not say what then) fails this alert alone.
pub fn decide(
    mut alert: Alert,
    machine: &str,
    profiles: &Profiles,
    allowlists: &Allowlists,
    host: &dyn expr::Host,
    now: Timestamp,
) -> Result<Verdict, ProfileError> {
    let content_key = content_key(machine, &alert);
    normalise_scopes(&mut alert);
    machine.clone_into(&mut alert.machine_id);
    alert.uuid = Uuid::new_v4().to_string();
    let mut given = alert.decisions.take().unwrap_or_default();
    if given.is_empty()
        && let Some(reason) = allowlisted(&alert, allowlists, now)
    {
        return Ok(Verdict::Drop(format!("source is allowlisted by {reason}")));
    }
    let by_hand = !given.is_empty();
    given.retain(|decision| may_be_taken(decision, allowlists, now));
    if by_hand && given.is_empty() {
        return Ok(Verdict::Drop("all its decisions are allowlisted".to_owned()));
    }
    let outcome = profiles.decide(&alert, by_hand, host)?;
    let decisions = if by_hand { given } else { outcome.decisions };
    let started_at = time_or(&alert.start_at, now);
    let stopped_at = time_or(&alert.stop_at, now);
    let wanted = decisions.len();
    let mut kept = Vec::with_capacity(wanted);
    for decision in decisions {
        match decided(decision, &alert, stopped_at) {
            Ok(one) => kept.push(one),
            Err(reason) => tracing::warn!(scenario = alert.scenario, "decision dropped: {reason}"),
        }
    }
    if kept.is_empty() && wanted > 0 {
        return Ok(Verdict::Drop("none of its decisions is valid".to_owned()));
    }
    let events = alert.events.take().unwrap_or_default();
    let events = events.into_iter().map(|event| StoredEvent {
        time: time_or(&event.timestamp, now),
        serialized: shrink::event_meta(event.meta.unwrap_or_default()),
    });
    let events = events.collect();
    shrink::alert_meta(&mut alert.meta);
    Ok(Verdict::Store(Box::new(Draft {
        started_at,
        stopped_at,
        events,
        decisions: kept,
        content_key: content_key.filter(|_| !by_hand),
        notifications: outcome.notifications,
        alert,
    })))
}

fn normalise_scopes(alert: &mut Alert) {
    let source = alert.source.iter_mut().filter_map(|source| source.scope.as_mut());
    let decisions = alert
        .decisions
        .iter_mut()
        .flatten()
        .filter_map(|decision| decision.scope.as_mut());
    for text in source.chain(decisions) {
        scope::normalise(text).to_owned().clone_into(text);
    }
}

fn allowlisted(alert: &Alert, allowlists: &Allowlists, now: Timestamp) -> Option<String> {
    let source = alert.source.as_ref()?;
    if !scope::is_network(source.scope.as_deref()?) {
        return None;
    }
    let range = Range::parse(source.value.as_deref()?).ok()?;
    let reasons = allowlists.reasons(&range, now);
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Checks a pushed decision against the allowlists; `cscli` has done that itself, or was told not to.
fn may_be_taken(decision: &Decision, allowlists: &Allowlists, now: Timestamp) -> bool {
    let made_by_cscli = matches!(
        decision.origin.as_deref(),
        Some(origin::CSCLI | origin::CSCLI_IMPORT)
    );
    if made_by_cscli || !decision.scope.as_deref().is_some_and(scope::is_network) {
        return true;
    }
    let value = decision.value.as_deref().unwrap_or_default();
    let Ok(range) = Range::parse(value) else {
        return true;
    };
    let reasons = allowlists.reasons(&range, now);
    if !reasons.is_empty() {
        tracing::warn!(
            "decision on {value} dropped: allowlisted by {}",
            reasons.join(", ")
        );
    }
    reasons.is_empty()
}

/// Turns a decision of the wire into a row; the end counts from the overflow, not from now.
fn decided(decision: Decision, alert: &Alert, stopped_at: Timestamp) -> Result<Decided, String> {
    let text = decision.duration.unwrap_or_default();
    let length = golang::duration::Duration::parse_days(&text).map_err(|error| error.to_string())?;
    let until = stopped_at
        .checked_add(SignedDuration::from_nanos(length.nanoseconds()))
        .map_err(|_overflow| format!("duration {text} is too long"))?;
    let scope = decision.scope.unwrap_or_default();
    let value = decision.value.unwrap_or_default();
    let range = if scope::is_network(&scope) {
        Range::parse(&value).map_err(|error| error.to_string())?
    } else {
        Range::default()
    };
    Ok(Decided {
        until,
        scenario: decision.scenario.unwrap_or_default(),
        kind: decision.type_.unwrap_or_default(),
        range,
        scope,
        value,
        origin: decision.origin.unwrap_or_else(|| origin::CROWDSEC.to_owned()),
        simulated: alert.simulated,
        uuid: Uuid::new_v4(),
    })
}

/// Reads RFC 3339; anything else stands for now, as upstream has it.
fn time_or(text: &str, now: Timestamp) -> Timestamp {
    text.parse().unwrap_or(now)
}

/// Hashes everything a retry would repeat.
fn content_key(machine: &str, alert: &Alert) -> Option<String> {
    let content = serde_json::to_vec(&(machine, alert)).ok()?;
    Some(hex::encode(Sha256::digest(&content)))
}

#[cfg(test)]
mod tests;
