//! Allowlists, read only: `cscli` and the console write them. Upstream: `controllers/v1/allowlist.go`.

use http::{Method, StatusCode};
use jiff::Timestamp;
use wire::allowlist::{Allowlist, BulkCheck, BulkResult, BulkVerdict, Item, NEVER, Verdict};
use wire::json;
use wire::range::Range;

use super::answer::{self, Answer, Body, Failure};
use super::{Api, Call, body};
use crate::live::allowlists::List;

/// `GET /v1/allowlists`.
pub(super) fn list(api: &Api, call: &Call) -> Answer {
    let lists = api.store.live().allowlists();
    let all: Vec<Allowlist> = lists.lists.iter().map(|list| shape(list, call)).collect();
    answer::json(StatusCode::OK, &all)
}

/// `GET /v1/allowlists/:allowlist_name`.
pub(super) fn get(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let lists = api.store.live().allowlists();
    match lists.named(&call.parameter) {
        Some(list) => Ok(answer::json(StatusCode::OK, &shape(list, call))),
        None => Err(Failure::internal(format!(
            "allowlist '{}' not found",
            call.parameter
        ))),
    }
}

fn shape(list: &List, call: &Call) -> Allowlist {
    let items = list
        .items
        .iter()
        .filter(|_| call.query.get("with_content") == Some("true"));
    Allowlist {
        allowlist_id: list.console_id.clone(),
        console_managed: list.from_console,
        created_at: millis(list.created_at),
        description: list.description.clone(),
        items: items
            .filter(|item| item.is_current(call.now))
            .map(|item| Item {
                created_at: millis(item.created_at),
                description: item.comment.clone(),
                expiration: item.expires_at.map_or_else(|| NEVER.to_owned(), millis),
                value: item.value.clone(),
            })
            .collect(),
        name: list.name.clone(),
        updated_at: millis(list.updated_at),
    }
}

fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `GET` and `HEAD /v1/allowlists/check/:ip_or_range`.
pub(super) fn check(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let reasons = reasons(api, &call.parameter, call.now)?;
    if call.method == Method::HEAD {
        let status = if reasons.is_empty() {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::OK
        };
        return Ok(answer::empty(status));
    }
    let verdict = Verdict {
        allowlisted: !reasons.is_empty(),
        reason: reasons.join(", "),
    };
    Ok(answer::json(StatusCode::OK, &verdict))
}

/// `POST /v1/allowlists/check`.
pub(super) async fn check_many(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    let bytes = body::read(call, body, body::KNOWN).await?;
    let asked: BulkCheck = json::decode(&bytes).map_err(|error| Failure::bad_request(error.to_string()))?;
    if asked.targets.is_empty() {
        return Err(Failure::bad_request("targets list cannot be empty"));
    }
    let mut results = Vec::new();
    for target in asked.targets {
        let allowlists = reasons(api, &target, call.now)?;
        if !allowlists.is_empty() {
            results.push(BulkResult { allowlists, target });
        }
    }
    Ok(answer::json(StatusCode::OK, &BulkVerdict { results }))
}

fn reasons(api: &Api, text: &str, now: Timestamp) -> Result<Vec<String>, Failure> {
    let range = Range::parse(text).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(api.store.live().allowlists().reasons(&range, now))
}
