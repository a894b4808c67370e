//! `cscli decisions add`: one alert of kind `cscli` that carries its decision.

use client::lapi::{Client, Pushed};
use jiff::Timestamp;
use wire::alert::{Alert, Source};
use wire::decision::Decision;

use crate::alerts::check_address;
use crate::context::Context;
use crate::decisions::AddArgs;
use crate::error::{Error, client_text};

pub(super) fn run(ctx: &Context, args: AddArgs) -> Result<(), Error> {
    check_address(args.ip.as_deref(), args.range.as_deref())?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (scope, value) = match (given(args.ip), given(args.range), given(args.value)) {
        (Some(ip), _, _) => ("Ip".to_owned(), ip),
        (_, Some(range), _) => ("Range".to_owned(), range),
        (_, _, Some(value)) => (wire::scope::normalise(&args.scope).to_owned(), value),
        _ => {
            return Err(Error::new(
                "missing arguments, a value is required (--ip, --range or --scope and --value)",
            ));
        }
    };
    check_duration(&args.duration)?;
    let client = ctx.lapi()?;
    if !args.bypass_allowlist {
        refuse_allowlisted(ctx, &client, &scope, &value)?;
    }
    let reason =
        given(args.reason).unwrap_or_else(|| format!("manual '{}' from '{}'", args.kind, client.machine()));
    let decision = Decision {
        duration: Some(args.duration),
        origin: Some("cscli".to_owned()),
        scenario: Some(reason.clone()),
        scope: Some(scope.clone()),
        type_: Some(args.kind),
        value: Some(value.clone()),
        ..Decision::default()
    };
    let alert = alert(&reason, &scope, &value, decision, service::clock::now());
    if push(ctx, &client, &[alert])? == 0 {
        return Err(Error::new(
            "the Local API did not keep the decision: its value is on an allowlist, or not valid for its scope",
        ));
    }
    ctx.out.info("Decision successfully added");
    Ok(())
}

/// Refuses what the Local API would drop.
pub(super) fn check_duration(text: &str) -> Result<(), Error> {
    golang::duration::Duration::parse_days(text)
        .map(drop)
        .map_err(|error| {
            Error::new(format!(
                "decision duration '{text}': {error}: unable to parse duration"
            ))
        })
}

/// Upstream asks first, so that the person learns why instead of wondering where the decision is.
fn refuse_allowlisted(ctx: &Context, client: &Client, scope: &str, value: &str) -> Result<(), Error> {
    if !wire::scope::is_network(scope) {
        return Ok(());
    }
    match ctx.wait(client.check_allowlist(value)) {
        Ok(answer) if answer.allowlisted => Err(Error::new(format!(
            "{value} is allowlisted by item {}, use --bypass-allowlist to add the decision anyway",
            answer.reason
        ))),
        Ok(_) => Ok(()),
        // An older Local API has no such route, and then nothing is allowlisted.
        Err(error) if error.status().is_some_and(|status| status.as_u16() == 404) => Ok(()),
        Err(error) => Err(Error::new(client_text(&error))),
    }
}

/// Sends alerts and turns a refusal into a sentence; returns how many were kept.
pub(super) fn push(ctx: &Context, client: &Client, alerts: &[Alert]) -> Result<usize, Error> {
    match ctx.wait(client.push_alerts(alerts, &[])) {
        Pushed::Stored(ids) => Ok(ids.len()),
        Pushed::Refused(_, text) => Err(Error::new(api_error(&text))),
        Pushed::Unavailable(error) => Err(Error::new(client_text(&error))),
    }
}

fn api_error(text: &str) -> String {
    if text.starts_with("API error") {
        text.to_owned()
    } else {
        format!("API error: {text}")
    }
}

fn alert(reason: &str, scope: &str, value: &str, decision: Decision, now: Timestamp) -> Alert {
    let time = golang::time::Time::from_timestamp(now).rfc3339();
    let is_address = scope == wire::scope::IP;
    let source = Source {
        ip: if is_address {
            value.to_owned()
        } else {
            String::new()
        },
        scope: Some(scope.to_owned()),
        value: Some(value.to_owned()),
        ..Source::default()
    };
    Alert {
        decisions: Some(vec![decision]),
        events: Some(Vec::new()),
        events_count: 1,
        kind: "cscli".to_owned(),
        leakspeed: "0".to_owned(),
        message: reason.to_owned(),
        remediation: true,
        scenario: reason.to_owned(),
        source: Some(source),
        start_at: time.clone(),
        stop_at: time,
        ..Alert::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alert_of_a_manual_decision_says_who_and_names_the_source() {
        let decision = Decision {
            value: Some("192.0.2.1".into()),
            ..Decision::default()
        };
        let now: Timestamp = "2026-11-24T23:38:15.5Z".parse().unwrap();
        let alert = alert("manual 'ban' from 'm'", "Ip", "192.0.2.1", decision, now);
        assert_eq!(alert.start_at, "2026-11-24T23:38:15Z");
        assert_eq!(alert.source.unwrap().ip, "192.0.2.1");
        assert!(alert.remediation);
    }
}
