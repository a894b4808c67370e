//! What an overflow event carries (`evt.Overflow`): the alert being built, its sources and where they came from.

use std::{collections::BTreeMap, sync::Arc};

use super::Event;
use crate::Text;

/// The overflow part of an event. Upstream: `pkg/pipeline`, `RuntimeAlert`.
#[derive(Debug, Clone, Default)]
pub struct RuntimeAlert {
    /// Key of the bucket that overflowed.
    pub mapkey: Text,
    /// Identity of the bucket instance.
    pub bucket_id: Text,
    /// Whether a post-overflow whitelisted the overflow.
    pub whitelisted: bool,
    /// Whether the overflow is poured into the scenarios again.
    pub reprocess: bool,
    /// Scope and value of every source, shared by `sources` and by the source of each alert: a post-overflow that
    /// rewrites `evt.Overflow.Alert.Source.Value` changes what `Sources` says too.
    pub identities: Vec<Identity>,
    /// Sources by the value they had when the bucket overflowed.
    pub sources: BTreeMap<Text, Source>,
    /// One alert per source (`APIAlerts`); the first is what expressions see as `Alert`.
    pub alerts: Vec<Alert>,
}

/// Scope and value of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `Ip`, `Range` or the scenario's own word.
    pub scope: Text,
    /// The address, range or other value.
    pub value: Text,
}

/// Who did it. Upstream: `models.Source`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Source {
    /// Index into [`RuntimeAlert::identities`].
    pub identity: usize,
    /// Address; empty for a scope other than `Ip` and `Range`.
    pub ip: Text,
    /// Network of the address, in CIDR form.
    pub range: Text,
    /// Name of the autonomous system.
    pub as_name: Text,
    /// Number of the autonomous system.
    pub as_number: Text,
    /// ISO country code.
    pub cn: Text,
    /// Degrees north.
    pub latitude: f32,
    /// Degrees east.
    pub longitude: f32,
}

/// An alert as scenarios and post-overflows see it. Upstream: `models.Alert`.
#[derive(Debug, Clone, Default)]
pub struct Alert {
    /// Bucket capacity.
    pub capacity: i32,
    /// Events poured, which may be more than `events` holds.
    pub events_count: i32,
    /// Leak speed as Go prints a duration (`10s`).
    pub leakspeed: Text,
    /// One sentence for people.
    pub message: Text,
    /// Name of the scenario.
    pub scenario: Text,
    /// Hash of the scenario's file.
    pub scenario_hash: Text,
    /// Version of the scenario.
    pub scenario_version: Text,
    /// `crowdsec`.
    pub kind: Text,
    /// First event, RFC 3339 with nanoseconds.
    pub start_at: Text,
    /// Overflow, RFC 3339 with nanoseconds.
    pub stop_at: Text,
    /// Whether the scenario is in simulation.
    pub simulated: bool,
    /// Whether the scenario's labels ask for a remediation.
    pub remediation: bool,
    /// Labels of the scenario.
    pub labels: Vec<Text>,
    /// Context values (`alertcontext`), by key.
    pub meta: Vec<(Text, Text)>,
    /// Who did it; `None` for an alert without a source.
    pub source: Option<Source>,
    /// Kept events, oldest first.
    pub events: Vec<Arc<Event>>,
}

impl RuntimeAlert {
    /// Returns the alert that expressions see as `evt.Overflow.Alert`.
    pub fn alert(&self) -> Option<&Alert> {
        self.alerts.first()
    }

    /// Returns scope and value of `source`; both empty when it has none.
    pub fn identity(&self, source: &Source) -> (&str, &str) {
        self.identities
            .get(source.identity)
            .map_or(("", ""), |identity| (&*identity.scope, &*identity.value))
    }
}
