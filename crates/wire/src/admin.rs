//! The admin interface of our Local API, `/admin/v1`; upstream has none. The server and the operator share these shapes.

use serde::{Deserialize, Serialize};

use crate::report::Source;

/// Answer to `GET /admin/v1/status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Decisions in force.
    pub active_decisions: u64,
    /// Registered bouncers.
    pub bouncers: u64,
    /// Registered machines.
    pub machines: u64,
    /// Machines in the order of their names, with what they said last.
    pub nodes: Vec<Node>,
    /// Addresses that alerts of the last hour came from, newest first, at most [`MOST_ALERT_SOURCES`].
    pub alert_sources: Vec<AlertSource>,
}

/// The most entries of [`Status::alert_sources`].
pub const MOST_ALERT_SOURCES: usize = 200;

/// One machine and its last report; it has none after a restart of the Local API until the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Name of the machine.
    pub machine: String,
    /// RFC 3339.
    pub last_heartbeat: Option<String>,
    /// When the report came, RFC 3339.
    pub reported_at: Option<String>,
    /// Version of the agent, as it reported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// When the agent started, RFC 3339, as it reported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started: String,
    /// What it reads.
    pub sources: Vec<Source>,
}

/// How many alerts one address caused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertSource {
    /// The address.
    pub value: String,
    /// Alerts.
    pub count: u64,
}

/// One of `GET /admin/v1/bouncers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bouncer {
    /// Name.
    pub name: String,
    /// Address of its last request; empty before the first.
    pub ip_address: String,
    /// Kind of program, from its user agent.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its version.
    pub version: String,
    /// `api-key` or `tls`.
    pub auth_type: String,
    /// Whether the Local API made the row for a second address of one key.
    pub auto_created: bool,
    /// RFC 3339.
    pub last_pull: Option<String>,
    /// RFC 3339.
    pub created_at: Option<String>,
}

/// One of `GET /admin/v1/machines`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Name.
    pub name: String,
    /// Address of its last log-in; empty before the first.
    pub ip_address: String,
    /// Version.
    pub version: String,
    /// `password` or `tls`.
    pub auth_type: String,
    /// Whether it may log in.
    pub validated: bool,
    /// Whether it may delete alerts and decisions, as every machine of upstream may.
    pub may_delete_decisions: bool,
    /// RFC 3339.
    pub last_heartbeat: Option<String>,
    /// RFC 3339.
    pub last_push: Option<String>,
}

/// Body of `PUT /admin/v1/bouncers/:name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutBouncer {
    /// SHA-512 of the key, lower-case hexadecimal: the key itself never travels.
    pub key_sha512: String,
}

/// Body of `PUT /admin/v1/machines/:name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutMachine {
    /// bcrypt hash of the password.
    pub password_bcrypt: String,
    /// Whether it may delete alerts and decisions; agents need not.
    #[serde(default)]
    pub may_delete_decisions: bool,
}
