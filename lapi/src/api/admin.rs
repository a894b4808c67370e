//! The admin interface: bouncers and machines by name, idempotent, for an operator that stays off the database.
//!
//! Additive to upstream. A credential of its own opens it; keys of bouncers and tokens of machines do not.

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use wire::admin::{Bouncer, Machine, Node, PutBouncer, PutMachine, Status};

use super::answer::{self, Answer, Body, Failure};
use super::{Api, Call, body};
use crate::store::alerts::query::rfc3339;
use crate::store::bouncers::{BouncerRow, NewBouncer};
use crate::store::machines::{MachineRow, NewMachine};
use crate::store::{StoreError, bouncers};

/// How far back [`Status::alert_sources`] looks.
const ALERTS_OF: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Serves everything below `/admin/v1`.
pub(super) async fn serve(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    authorise(api, call)?;
    let name = call.parameter.as_str();
    match (call.template, &call.method) {
        ("/admin/v1/status", _) => status(api, call).await,
        ("/admin/v1/bouncers", _) => {
            let all: Vec<_> = api
                .store
                .bouncers()
                .await?
                .into_iter()
                .map(bouncer_state)
                .collect();
            Ok(answer::json(StatusCode::OK, &all))
        }
        ("/admin/v1/machines", _) => {
            let limited = api.store.limited_machines().await?;
            let all = api.store.machines().await?.into_iter();
            let all: Vec<_> = all
                .map(|row| {
                    let may_delete = !limited.contains(&row.id);
                    machine_state(row, may_delete)
                })
                .collect();
            Ok(answer::json(StatusCode::OK, &all))
        }
        ("/admin/v1/bouncers/:name", &Method::PUT) => put_bouncer(api, call, body).await,
        ("/admin/v1/bouncers/:name", &Method::DELETE) => gone(api.store.delete_bouncer(name).await),
        ("/admin/v1/bouncers/:name", _) => {
            let found = api.store.bouncer(name).await?.map(bouncer_state);
            found.map_or_else(
                || Err(missing()),
                |state| Ok(answer::json(StatusCode::OK, &state)),
            )
        }
        ("/admin/v1/machines/:name", &Method::PUT) => put_machine(api, call, body).await,
        ("/admin/v1/machines/:name", &Method::DELETE) => gone(api.store.delete_machine(name).await),
        _ => {
            let found = api.store.machine(name).await?.ok_or_else(missing)?;
            let may_delete = api.store.may_delete_decisions(name).await?;
            Ok(answer::json(StatusCode::OK, &machine_state(found, may_delete)))
        }
    }
}

/// Compares the bearer token with the stored hash in constant time; 401 without one, 403 with any other credential.
fn authorise(api: &Api, call: &Call) -> Result<(), Failure> {
    let given = call.header(AUTHORIZATION);
    if given.is_empty() && call.header("x-api-key").is_empty() && call.certificate.is_none() {
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "admin token required"));
    }
    let token = given.strip_prefix("Bearer ").unwrap_or_default();
    let right = bool::from(
        Sha256::digest(token.as_bytes())
            .as_slice()
            .ct_eq(&api.admin_token),
    );
    if right && !token.is_empty() {
        Ok(())
    } else {
        Err(Failure::forbidden())
    }
}

fn missing() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "object not found")
}

/// Deleting what is not there is done already.
fn gone(result: Result<(), StoreError>) -> Result<Answer, Failure> {
    match result {
        Ok(()) | Err(StoreError::Missing(_)) => Ok(answer::empty(StatusCode::NO_CONTENT)),
        Err(StoreError::Exists(message)) => Err(Failure::new(StatusCode::CONFLICT, message)),
        Err(error) => Err(error.into()),
    }
}

async fn status(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let now = crate::stamp::Stamp(call.now).nanoseconds();
    let active: i64 = api.store.live().decisions(|all| all.count(now)).values().sum();
    let nodes = nodes(api).await?;
    let status = Status {
        active_decisions: u64::try_from(active).unwrap_or(0),
        bouncers: api.store.bouncers().await?.len() as u64,
        machines: nodes.len() as u64,
        nodes,
        alert_sources: api.store.alert_sources(call.now - ALERTS_OF).await?,
    };
    Ok(answer::json(StatusCode::OK, &status))
}

/// Returns the machines by name, each with its last report.
async fn nodes(api: &Api) -> Result<Vec<Node>, Failure> {
    let mut nodes: Vec<Node> = api
        .store
        .machines()
        .await?
        .into_iter()
        .map(|row| {
            let (reported_at, report) = api
                .reports
                .of(&row.machine_id)
                // One of before was its namesake's.
                .filter(|(at, _)| row.created_at.is_none_or(|made| made <= *at))
                .map_or_else(Default::default, |(at, report)| (Some(rfc3339(at)), report));
            Node {
                machine: row.machine_id,
                last_heartbeat: row.last_heartbeat.map(rfc3339),
                reported_at,
                version: report.version,
                started: report.started,
                sources: report.sources,
            }
        })
        .collect();
    nodes.sort_by(|one, other| one.machine.cmp(&other.machine));
    Ok(nodes)
}

async fn read<T: for<'de> Deserialize<'de>>(call: &Call, body: Body) -> Result<T, Failure> {
    let bytes = body::read(call, body, body::ANONYMOUS).await?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::bad_request(error.to_string()))
}

async fn put_bouncer(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    let wanted: PutBouncer = read(call, body).await?;
    let hash = wanted.key_sha512.to_ascii_lowercase();
    if hash.len() != 128 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::bad_request("key_sha512 must be 128 hexadecimal digits"));
    }
    let name = call.parameter.clone();
    let new = NewBouncer {
        name,
        key_hash: hash,
        ip_address: String::new(),
        auth_type: "api-key",
        auto_created: false,
    };
    let made = api
        .store
        .write(move |tx| Box::pin(async move { bouncers::put(tx, &new).await }))
        .await?;
    Ok(answer::empty(if made {
        StatusCode::CREATED
    } else {
        StatusCode::NO_CONTENT
    }))
}

async fn put_machine(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    let wanted: PutMachine = read(call, body).await?;
    if !wanted.password_bcrypt.starts_with("$2") || wanted.password_bcrypt.len() != 60 {
        return Err(Failure::bad_request("password_bcrypt must be a bcrypt hash"));
    }
    let known = api.store.machine(&call.parameter).await?.is_some();
    let new = NewMachine {
        machine_id: call.parameter.clone(),
        password_hash: wanted.password_bcrypt,
        ip_address: String::new(),
        validated: true,
        force: true,
        auth_type: "password",
    };
    api.store.put_machine(new, wanted.may_delete_decisions).await?;
    Ok(answer::empty(if known {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::CREATED
    }))
}

fn bouncer_state(row: BouncerRow) -> Bouncer {
    Bouncer {
        name: row.name,
        ip_address: row.ip_address,
        kind: row.kind,
        version: row.version,
        auth_type: row.auth_type,
        auto_created: row.auto_created,
        last_pull: row.last_pull.map(rfc3339),
        created_at: row.created_at.map(rfc3339),
    }
}

fn machine_state(row: MachineRow, may_delete_decisions: bool) -> Machine {
    Machine {
        name: row.machine_id,
        ip_address: row.ip_address,
        version: row.version,
        auth_type: row.auth_type,
        validated: row.is_validated,
        may_delete_decisions,
        last_heartbeat: row.last_heartbeat.map(rfc3339),
        last_push: row.last_push.map(rfc3339),
    }
}
