//! An alert: what a scenario saw, as agents post it and as the Local API answers it.
//!
//! Upstream: `pkg/models/alert.go`, `event.go`, `source.go`, `meta.go`.

use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::json::decode::go_struct;
use crate::json::whole_or_float;

/// An alert, with its events and the decisions taken on it.
///
/// The order of the fields is the order of upstream's JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// Tokens of the bucket that overflowed; 0 for a trigger.
    pub capacity: i32,
    /// When the Local API stored the alert, RFC 3339; empty in a post.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    /// Decisions carried by (post) or taken on (answer) this alert; `None` is `null` on the wire.
    pub decisions: Option<Vec<Decision>>,
    /// Queued events of the bucket; `None` is `null` on the wire.
    pub events: Option<Vec<Event>>,
    /// Events poured into the bucket, not the number of `events`.
    pub events_count: i32,
    /// Row id in the Local API's database; 0 (omitted) in a post.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: i64,
    /// `crowdsec`, `cscli`, `waf`, `capi`, …; omitted when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Never stored by the Local API; `None` is `null` on the wire.
    pub labels: Option<Vec<String>>,
    /// Leak speed as a Go duration, `10s`.
    pub leakspeed: String,
    /// Login of the machine that raised it; `N/A` for an orphan.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine_id: String,
    /// One sentence for people.
    pub message: String,
    /// The alert context.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<Meta>,
    /// Whether the scenario asks for a remediation.
    #[serde(skip_serializing_if = "is_false")]
    pub remediation: bool,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 of the scenario's file; empty for a custom one.
    pub scenario_hash: String,
    /// Version of the scenario; `?` when tainted.
    pub scenario_version: String,
    /// Whether simulation was on for the scenario.
    pub simulated: bool,
    /// Who did it.
    pub source: Option<Source>,
    /// First event, RFC 3339.
    pub start_at: String,
    /// Overflow, RFC 3339.
    pub stop_at: String,
    /// Identity given by the Local API; ignored in a post.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uuid: String,
}

/// One event of an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Sorted by key.
    pub meta: Option<Vec<Meta>>,
    /// RFC 3339 in a post; Go's `Time.String()` form in an answer.
    pub timestamp: String,
}

/// A key and its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Name of the fact.
    pub key: String,
    /// The fact; in an alert's context a JSON list of strings.
    pub value: String,
}

/// The origin of an alert.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Name of the autonomous system.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub as_name: String,
    /// Number of the autonomous system.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub as_number: String,
    /// ISO code of the country.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cn: String,
    /// Address, when the scope has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// Degrees north.
    #[serde(skip_serializing_if = "is_zero_f32", serialize_with = "whole_or_float")]
    pub latitude: f32,
    /// Degrees east.
    #[serde(skip_serializing_if = "is_zero_f32", serialize_with = "whole_or_float")]
    pub longitude: f32,
    /// Network of the address, CIDR.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub range: String,
    /// `Ip`, `Range`, `Country`, `AS` or a scope of the scenario's own.
    pub scope: Option<String>,
    /// Value within the scope.
    pub value: Option<String>,
}

go_struct!(Alert, "Alert", {
    capacity "capacity" required;
    created_at "created_at";
    decisions "decisions";
    events "events" required;
    events_count "events_count" required;
    id "id";
    kind "kind";
    labels "labels";
    leakspeed "leakspeed" required;
    machine_id "machine_id";
    message "message" required;
    meta "meta";
    remediation "remediation";
    scenario "scenario" required;
    scenario_hash "scenario_hash" required;
    scenario_version "scenario_version" required;
    simulated "simulated" required;
    source "source" required;
    start_at "start_at" required;
    stop_at "stop_at" required;
    uuid "uuid";
});

go_struct!(Event, "Event", {
    meta "meta" required;
    timestamp "timestamp" required;
});

go_struct!(Meta, "MetaItems0", {
    key "key";
    value "value";
});

go_struct!(Source, "Source", {
    as_name "as_name";
    as_number "as_number";
    cn "cn";
    ip "ip";
    latitude "latitude";
    longitude "longitude";
    range "range";
    scope "scope" required;
    value "value" required;
});

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero_f32(n: &f32) -> bool {
    *n == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(b: &bool) -> bool {
    !*b
}
