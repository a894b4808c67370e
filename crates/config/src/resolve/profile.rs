//! `profiles.yaml`. Upstream: `pkg/csprofiles`.

use std::time::Duration;

use crate::raw;
use crate::resolve::Findings;
use crate::resolved::profile::{DecisionTemplate, OnError, OnSuccess, Profile};

/// Upstream: `csprofiles.go`, the duration that is checked when none is written.
const DURATION: Duration = Duration::from_secs(4 * 3600);

pub(crate) fn resolve(raw: raw::Profile, line: usize, found: &mut Findings<'_>) -> Profile {
    let on_success = match raw.on_success.as_deref() {
        None | Some("" | "continue") => OnSuccess::Continue,
        Some("break") => OnSuccess::Break,
        Some(other) => {
            found.problem(
                "on_success",
                format!("invalid 'on_success': {other}"),
                "use continue or break",
            );
            OnSuccess::Continue
        }
    };
    let on_error = match raw.on_error.as_deref() {
        None | Some("") => OnError::Refuse,
        Some("apply") => OnError::Apply,
        Some("continue") => OnError::Continue,
        Some("ignore") => OnError::Ignore,
        Some("break") => OnError::Break,
        Some(other) => {
            let cure = "use apply, continue, ignore or break";
            found.problem("on_error", format!("invalid 'on_error': {other}"), cure);
            OnError::Refuse
        }
    };
    if let Some(other) = raw.on_failure.as_deref()
        && !["", "continue", "break", "apply"].contains(&other)
    {
        found.problem(
            "on_failure",
            format!("invalid 'on_failure': {other}"),
            "remove it, it has no effect",
        );
    }
    let decisions = raw.decisions.unwrap_or_default();
    Profile {
        name: raw.name.unwrap_or_default(),
        debug: raw.debug.unwrap_or(false),
        filters: raw.filters.unwrap_or_default(),
        decisions: decisions
            .into_iter()
            .enumerate()
            .map(|(index, entry)| decision(entry, index, found))
            .collect(),
        duration_expr: raw.duration_expr.filter(|text| !text.is_empty()),
        on_success,
        on_failure: raw.on_failure,
        on_error,
        notifications: raw.notifications.unwrap_or_default(),
        file: found.file.to_owned(),
        line,
    }
}

fn decision(raw: raw::Decision, index: usize, found: &mut Findings<'_>) -> DecisionTemplate {
    let field = |key: &str| format!("decisions[{index}].{key}");
    let kind = raw.r#type.unwrap_or_default();
    if kind.is_empty() {
        found.problem(
            &field("type"),
            "the decision has no type",
            "add type: ban or type: captcha",
        );
    }
    let length = found.days(&field("duration"), raw.duration.as_deref());
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    DecisionTemplate {
        kind,
        duration: raw.duration.unwrap_or_default(),
        length: length.unwrap_or(DURATION),
        scope: given(raw.scope),
        origin: given(raw.origin),
        simulated: raw.simulated.unwrap_or(false),
    }
}
