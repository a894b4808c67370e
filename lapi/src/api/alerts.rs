//! Alerts: posting, finding, deleting. Upstream: `controllers/v1/alerts.go`.

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use wire::alert::Alert;
use wire::range::Range;
use wire::stream::Deleted;
use wire::{json, scope};

use super::answer::{self, Answer, Body, Failure};
use super::query::{Query, parse_bool};
use super::{Api, Call, body};
use crate::ingest::profiles::history::History;
use crate::ingest::{self, Verdict};
use crate::store::alerts::AlertQuery;

/// `POST /v1/alerts`.
pub(super) async fn post(api: &Api, machine: &str, call: &Call, body: Body) -> Result<Answer, Failure> {
    let bytes = body::read(call, body, body::KNOWN).await?;
    let alerts = {
        let value = json::parse(&bytes).map_err(|error| Failure::bad_request(error.to_string()))?;
        let alerts: Vec<Alert> =
            json::decode_value(&value).map_err(|error| Failure::bad_request(error.to_string()))?;
        if let Some(text) = json::invalid::<Vec<Alert>>(&value) {
            return Err(Failure::internal(text));
        }
        alerts
    };
    let allowlists = api.store.live().allowlists();
    let history = History::new(api.store.live(), call.now);
    let mut drafts = Vec::with_capacity(alerts.len());
    let mut failed = None;
    for alert in alerts {
        let scenario = alert.scenario.clone();
        match ingest::decide(alert, machine, &api.profiles, &allowlists, &history, call.now) {
            Ok(Verdict::Store(draft)) => drafts.push(*draft),
            Ok(Verdict::Drop(reason)) => tracing::warn!(scenario, machine, "alert dropped: {reason}"),
            Err(error) => {
                tracing::error!(scenario, machine, "alert refused: {error}");
                failed = Some(error);
            }
        }
    }
    if let (Some(error), true) = (failed, drafts.is_empty()) {
        return Err(Failure::internal(error.to_string()));
    }
    let ids = api.store.add_alerts(Some(machine.to_owned()), drafts).await?;
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    Ok(answer::json(StatusCode::CREATED, &ids))
}

/// `GET` and `HEAD /v1/alerts`.
pub(super) async fn list(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let query = parse(&call.query, call.now)?;
    if call.method == Method::HEAD {
        return Ok(answer::head_ok());
    }
    let alerts = api.store.alerts(&query, call.now).await?;
    // Go writes an empty slice that was never made as null, and clients compare with it.
    Ok(answer::json(
        StatusCode::OK,
        &(!alerts.is_empty()).then_some(alerts),
    ))
}

/// `GET` and `HEAD /v1/alerts/:alert_id`.
pub(super) async fn get(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let query = AlertQuery {
        id: Some(id(call)?),
        ..AlertQuery::default()
    };
    let alert = api.store.alerts(&query, call.now).await?.pop();
    let alert = alert.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "object not found"))?;
    if call.method == Method::HEAD {
        return Ok(answer::head_ok());
    }
    Ok(answer::json(StatusCode::OK, &alert))
}

/// `DELETE /v1/alerts`.
pub(super) async fn delete(api: &Api, call: &Call) -> Result<Answer, Failure> {
    trusted(api, call)?;
    let mut query = parse(&call.query, call.now)?;
    query.limit = 0;
    let count = api.store.delete_alerts(query).await?;
    Ok(answer::json(
        StatusCode::OK,
        &Deleted {
            count: count.to_string(),
        },
    ))
}

/// `DELETE /v1/alerts/:alert_id`.
pub(super) async fn delete_one(api: &Api, call: &Call) -> Result<Answer, Failure> {
    trusted(api, call)?;
    let query = AlertQuery {
        id: Some(id(call)?),
        ..AlertQuery::default()
    };
    match api.store.delete_alerts(query).await? {
        0 => Err(Failure::internal("ent: alert not found")),
        count => Ok(answer::json(
            StatusCode::OK,
            &Deleted {
                count: count.to_string(),
            },
        )),
    }
}

fn id(call: &Call) -> Result<i64, Failure> {
    call.parameter
        .parse()
        .map_err(|_parse| Failure::bad_request("alert_id must be valid integer"))
}

fn trusted(api: &Api, call: &Call) -> Result<(), Failure> {
    let ranges = &api.settings.server.trusted_ips;
    if call.client.is_loopback() && ranges.is_empty()
        || ranges.iter().any(|range| range.contains(&call.client))
    {
        return Ok(());
    }
    let text = format!("access forbidden from this IP ({})", call.client);
    Err(Failure::new(StatusCode::FORBIDDEN, text))
}

/// Reads the filter; unknown parameters are refused here, unlike for bouncers.
fn parse(query: &Query, now: Timestamp) -> Result<AlertQuery, Failure> {
    let mut wanted = AlertQuery {
        limit: 100,
        ..AlertQuery::default()
    };
    let mut contains = true;
    let mut network = None;
    for (key, value) in query.firsts() {
        let text = || Some(value.to_owned());
        match key {
            "scope" => {
                let normal = scope::normalise(value);
                wanted.scope = Some(if scope::is_network(normal) { normal } else { value }.to_owned());
            }
            "value" => wanted.value = text(),
            "scenario" => wanted.scenario = text(),
            "ip" | "range" => {
                network = Some(Range::parse(value).map_err(|error| Failure::internal(error.to_string()))?);
            }
            "contains" => contains = boolean(value)?,
            "since" => wanted.since = Some(ago(value, now)?),
            "until" => wanted.until = Some(ago(value, now)?),
            "created_before" => wanted.created_before = Some(ago(value, now)?),
            "decision_type" => wanted.decision_type = text(),
            "origin" => wanted.origin = text(),
            "include_capi" => wanted.without_capi = value == "false",
            "has_active_decision" => wanted.has_active_decision = Some(boolean(value)?),
            "simulated" => wanted.without_simulated = value == "false",
            "kind" => wanted.kind = text(),
            "limit" => {
                let bad = |_parse| {
                    Failure::internal(format!("bad limit in parameters: [{value}]: unable to query"))
                };
                wanted.limit = value.parse().map_err(bad)?;
            }
            "sort" => wanted.ascending = value == "ASC",
            "with_decisions" => wanted.without_decisions = value == "false",
            _ => {
                let text = format!("filter parameter '{key}' is unknown (={value}): invalid filter");
                return Err(Failure::internal(text));
            }
        }
    }
    wanted.range = network.map(|range| (range, contains));
    if wanted.origin.is_some() {
        wanted.without_capi = false;
    }
    Ok(wanted)
}

fn boolean(text: &str) -> Result<bool, Failure> {
    parse_bool(text).ok_or_else(|| {
        Failure::internal(format!(
            "'{text}' is not a boolean: strconv.ParseBool: parsing \"{text}\": invalid syntax: unable to parse type"
        ))
    })
}

fn ago(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let length = golang::duration::Duration::parse_days(text)
        .map_err(|error| Failure::internal(format!("while parsing duration: {error}")))?;
    Ok(now
        .checked_sub(SignedDuration::from_nanos(length.nanoseconds()))
        .unwrap_or(Timestamp::MIN))
}
