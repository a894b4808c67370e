//! `simulation.yaml`, `console.yaml`, context files and notification files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::raw::section;

section! {
    /// `simulation.yaml`.
    Simulation {
        /// Whether decisions are simulated.
        simulation: bool,
        /// Scenarios for which the opposite holds.
        exclusions: Vec<String>,
    }
}

/// `console.yaml`; unknown keys are ignored, as upstream does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Console {
    /// Decisions made by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_manual_decisions: Option<bool>,
    /// Alerts of tainted scenarios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_tainted: Option<bool>,
    /// Alerts of own scenarios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_custom: Option<bool>,
    /// Orders of the Polling API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_management: Option<bool>,
    /// Context of alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_context: Option<bool>,
}

/// A context file: each key with its expressions.
pub type Context = BTreeMap<String, Vec<String>>;

/// The keys that every notification has; the plugin's own keys are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notification {
    /// Plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Name by which profiles refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long alerts are collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_wait: Option<String>,
    /// How many alerts are collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_threshold: Option<i64>,
    /// How often sending is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retry: Option<i64>,
    /// How long one attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Template of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub own: BTreeMap<String, serde_json::Value>,
}
