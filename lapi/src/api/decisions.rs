//! Decisions for bouncers that ask per visitor, and their end by hand. Upstream: `controllers/v1/decisions.go`.

use http::{Method, StatusCode};
use wire::range::Range;
use wire::stream::Deleted;

use super::answer::{self, Answer, Failure};
use super::query::parse_bool;
use super::{Api, Call};
use crate::live::Filter;
use crate::stamp::Stamp;
use crate::store::decisions::Selection;

/// `GET` and `HEAD /v1/decisions`.
pub(super) async fn list(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let bouncer = api.bouncer(call).await?;
    let filter = Filter::from_query(&call.query).map_err(|error| Failure::internal(error.to_string()))?;
    let now = Stamp(call.now).nanoseconds();
    let found = api
        .store
        .live()
        .decisions(|decisions| decisions.find(&filter, now));
    api.metrics.decisions(&bouncer.name, !found.is_empty());
    if call.method == Method::HEAD {
        return Ok(answer::head_ok());
    }
    if bouncer.cursor().is_none() {
        api.pulls.asked(bouncer.id, call.now);
    }
    if found.is_empty() {
        // Exactly these four bytes, which bouncers compare. Upstream: `controllers/v1/decisions.go: GetDecision`.
        return Ok(answer::json_bytes(StatusCode::OK, "null"));
    }
    let mut out = Vec::with_capacity(found.len() * 128);
    for (index, record) in found.iter().enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        record.write_json(now, false, &mut out);
    }
    out.push(b']');
    Ok(answer::json_bytes(StatusCode::OK, out))
}

/// `DELETE /v1/decisions`.
pub(super) async fn delete(api: &Api, call: &Call) -> Result<Answer, Failure> {
    // npm's crowdsec-client sends its filter as a body, which nobody reads: that would end every ban.
    let has_body = !matches!(call.header(http::header::CONTENT_LENGTH), "" | "0")
        || !call.header(http::header::TRANSFER_ENCODING).is_empty();
    if call.query.firsts().next().is_none() && has_body {
        return Err(Failure::bad_request(
            "the filter belongs in the query, not in the body: nothing deleted",
        ));
    }
    let selection = selection(call)?;
    let count = api.store.expire_decisions(selection).await?;
    Ok(answer::json(
        StatusCode::OK,
        &Deleted {
            count: count.to_string(),
        },
    ))
}

/// `DELETE /v1/decisions/:decision_id`.
pub(super) async fn delete_one(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let id = call
        .parameter
        .parse()
        .map_err(|_parse| Failure::bad_request("decision_id must be valid integer"))?;
    let count = api.store.expire_decision(id).await?;
    Ok(answer::json(
        StatusCode::OK,
        &Deleted {
            count: count.to_string(),
        },
    ))
}

fn selection(call: &Call) -> Result<Selection, Failure> {
    let mut wanted = Selection::default();
    let mut contains = true;
    let mut network = None;
    for (key, value) in call.query.firsts() {
        let text = || Some(value.to_owned());
        match key {
            "contains" => {
                contains = parse_bool(value).ok_or_else(|| {
                    let reason = format!("strconv.ParseBool: parsing \"{value}\": invalid syntax");
                    Failure::internal(format!("invalid contains value : {reason}: unable to parse type"))
                })?;
            }
            "scopes" => wanted.scope = text(),
            "uuid" => wanted.uuids = call.query.all("uuid").map(ToOwned::to_owned).collect(),
            "origin" => wanted.origin = text(),
            "value" => wanted.value = text(),
            "type" => wanted.kind = text(),
            "scenario" => wanted.scenario = text(),
            "ip" | "range" => {
                network = Some(Range::parse(value).map_err(|error| {
                    let text =
                        format!("unable to convert '{value}' to int: {error}: invalid ip address / range");
                    Failure::internal(text)
                })?);
            }
            _ => {
                return Err(Failure::internal(format!(
                    "'{key}' doesn't exist: invalid filter"
                )));
            }
        }
    }
    wanted.range = network.map(|range| (range, contains));
    Ok(wanted)
}
