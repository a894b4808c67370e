//! A decision: what to do about a source, and for how long.
//!
//! Upstream: `pkg/models/decision.go`.

use serde::{Deserialize, Serialize};

use crate::json::decode::go_struct;

/// A decision as agents post it and bouncers receive it.
///
/// The order of the fields is the order of upstream's JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// Go duration in whole seconds, `3h59m58s`; negative once expired.
    pub duration: Option<String>,
    /// Row id; omitted when 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: i64,
    /// `crowdsec`, `cscli`, `cscli-import`, `CAPI`, `lists`, …
    pub origin: Option<String>,
    /// Scenario, or the reason given by hand.
    pub scenario: Option<String>,
    /// `Ip`, `Range`, `Country`, `AS` or a custom scope.
    pub scope: Option<String>,
    /// Present in answers about alerts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<bool>,
    /// `ban`, `captcha` or a custom remediation.
    #[serde(rename = "type")]
    pub type_: Option<String>,
    /// End as RFC 3339; Central API messages only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// Identity given by the Local API; stream answers only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uuid: String,
    /// Address, range, country code, …
    pub value: Option<String>,
}

go_struct!(Decision, "Decision", {
    duration "duration" required;
    id "id";
    origin "origin" required;
    scenario "scenario" required;
    scope "scope" required;
    simulated "simulated";
    type_ "type" required;
    until "until";
    uuid "uuid";
    value "value" required;
});

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}
