//! The alert as it goes to the Local API: one for each source of an overflow.

use wire::alert::{Alert as WireAlert, Event as WireEvent, Meta, Source as WireSource};

use crate::{
    event::{Alert, Event, RuntimeAlert, Source},
    overflow::event_timestamp,
};

/// Returns the alerts of `overflow` to post, one per source, in the order of the sources' keys.
///
/// An alert shows its source as it is after the post-overflow stages. Upstream: `output.go: dedupAlerts`.
pub fn to_wire(overflow: &RuntimeAlert) -> Vec<WireAlert> {
    let Some(first) = overflow.alert() else {
        return Vec::new();
    };
    if overflow.sources.len() <= 1 {
        return vec![wire_alert(overflow, first, first.source.as_ref())];
    }
    overflow
        .sources
        .values()
        .map(|source| wire_alert(overflow, first, Some(source)))
        .collect()
}

fn wire_alert(overflow: &RuntimeAlert, alert: &Alert, source: Option<&Source>) -> WireAlert {
    WireAlert {
        capacity: alert.capacity,
        events: Some(alert.events.iter().map(|event| wire_event(event)).collect()),
        events_count: alert.events_count,
        kind: alert.kind.to_string(),
        leakspeed: alert.leakspeed.to_string(),
        message: alert.message.to_string(),
        meta: alert
            .meta
            .iter()
            .map(|(key, value)| Meta {
                key: key.to_string(),
                value: value.to_string(),
            })
            .collect(),
        remediation: alert.remediation,
        scenario: alert.scenario.to_string(),
        scenario_hash: alert.scenario_hash.to_string(),
        scenario_version: alert.scenario_version.to_string(),
        simulated: alert.simulated,
        source: source.map(|source| wire_source(overflow, source)),
        start_at: alert.start_at.to_string(),
        stop_at: alert.stop_at.to_string(),
        ..WireAlert::default()
    }
}

/// Returns `event` as an alert shows it: its `Meta` sorted by key, and its time.
pub fn wire_event(event: &Event) -> WireEvent {
    let meta = event.meta.sorted();
    WireEvent {
        meta: Some(
            meta.into_iter()
                .map(|(key, value)| Meta {
                    key: key.to_owned(),
                    value: value.to_owned(),
                })
                .collect(),
        ),
        timestamp: event_timestamp(event),
    }
}

fn wire_source(overflow: &RuntimeAlert, source: &Source) -> WireSource {
    let (scope, value) = overflow.identity(source);
    WireSource {
        as_name: source.as_name.to_string(),
        as_number: source.as_number.to_string(),
        cn: source.cn.to_string(),
        ip: source.ip.to_string(),
        latitude: source.latitude,
        longitude: source.longitude,
        range: source.range.to_string(),
        scope: Some(scope.to_owned()),
        value: Some(value.to_owned()),
    }
}
