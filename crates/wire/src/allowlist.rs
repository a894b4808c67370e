//! Addresses that must never be blocked. Upstream: `pkg/models/*allowlist*.go`.

use serde::{Deserialize, Serialize};

use crate::json::decode::go_struct;

/// `expiration` of an item that never expires.
pub const NEVER: &str = "0001-01-01T00:00:00.000Z";

/// One list, with its items where asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Allowlist {
    /// Identity given by the console.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub allowlist_id: String,
    /// Whether the console owns it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub console_managed: bool,
    /// RFC 3339 with milliseconds.
    pub created_at: String,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Empty unless asked for.
    pub items: Vec<Item>,
    /// Unique.
    pub name: String,
    /// RFC 3339 with milliseconds.
    pub updated_at: String,
}

/// An address or network of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// RFC 3339 with milliseconds.
    pub created_at: String,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// RFC 3339 with milliseconds; [`NEVER`] when it does not expire.
    pub expiration: String,
    /// Address or network.
    pub value: String,
}

/// Answer to a check of one value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// Whether a list holds it; omitted when not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allowlisted: bool,
    /// Item and list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Body of `POST /v1/allowlists/check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkCheck {
    /// Addresses or networks.
    pub targets: Vec<String>,
}

go_struct!(BulkCheck, "BulkCheckAllowlistRequest", {
    targets "targets" required;
});

/// Answer to a bulk check: only what is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkVerdict {
    /// One for every listed target.
    pub results: Vec<BulkResult>,
}

/// A listed target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkResult {
    /// Item and list, for each list.
    pub allowlists: Vec<String>,
    /// As asked.
    pub target: String,
}
