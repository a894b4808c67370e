//! Machines register, log in, renew their token, say that they live, and leave. Upstream: `controllers/v1/machines.go`, `middlewares/v1/jwt.go`.

use std::net::IpAddr;

use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE};
use subtle::ConstantTimeEq as _;
use wire::json;
use wire::watcher::{Login, Registration, Token};

use super::answer::{self, Answer, Body, Failure};
use super::{Api, Call, body, token};
use crate::store::alerts::query::rfc3339;
use crate::store::machines::{MachineRow, NewMachine, hash_password};

/// The machine rows of certificates have a password nobody knows.
const TLS: &str = "tls";
const WRONG: &str = "incorrect Username or Password";

/// `POST /v1/watchers`.
pub(super) async fn register(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    let server = &api.settings.server;
    if server.disable_remote_registration && !call.client.is_loopback() {
        return Err(Failure::forbidden());
    }
    let bytes = body::read(call, body, body::ANONYMOUS).await?;
    let value = json::parse(&bytes).map_err(|error| Failure::bad_request(error.to_string()))?;
    let wanted: Registration =
        json::decode_value(&value).map_err(|error| Failure::bad_request(error.to_string()))?;
    if let Some(text) = json::invalid::<Registration>(&value) {
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let validated = auto_registered(api, call.client, &wanted.registration_token)?;
    let password_hash = hash(api, wanted.password).await?;
    api.store
        .add_machine(NewMachine {
            machine_id: wanted.machine_id,
            password_hash,
            ip_address: call.client.to_string(),
            validated,
            force: false,
            auth_type: "password",
        })
        .await?;
    Ok(answer::empty(if validated {
        StatusCode::ACCEPTED
    } else {
        StatusCode::CREATED
    }))
}

/// Says whether the token admits the machine without a person.
fn auto_registered(api: &Api, client: IpAddr, token: &str) -> Result<bool, Failure> {
    let Some(auto) = api
        .settings
        .server
        .auto_registration
        .as_ref()
        .filter(|_| !token.is_empty())
    else {
        return Ok(false);
    };
    let refuse = |text| Err(Failure::new(StatusCode::UNAUTHORIZED, text));
    if !bool::from(auto.token.expose().as_bytes().ct_eq(token.as_bytes())) {
        return refuse("invalid token for auto registration");
    }
    if !auto.allowed_ranges.iter().any(|range| range.contains(&client)) {
        return refuse("IP not in allowed range for auto registration");
    }
    Ok(true)
}

/// `POST /v1/watchers/login`.
pub(super) async fn login(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    let bytes = body::read(call, body, body::ANONYMOUS)
        .await
        .map_err(|_failure| Failure::unauthorized("missing: http: request body too large"))?;
    let missing = |error: json::DecodeError| Failure::unauthorized(format!("missing: {error}"));
    let value = json::parse(&bytes).map_err(missing)?;
    let login: Login = json::decode_value(&value).map_err(missing)?;
    let machine = if let Some(certificate) = &call.certificate {
        let tls = api.settings.server.tls.as_ref();
        if !tls.is_some_and(|tls| certificate.is_in(&tls.agents_allowed_ou)) {
            tracing::warn!(
                name = certificate.common_name,
                "client certificate has no unit that agents may have"
            );
            return Err(Failure::unauthorized(WRONG));
        }
        by_certificate(api, certificate.name_at(call.client)).await?
    } else {
        if let Some(text) = json::invalid::<Login>(&value) {
            return Err(Failure::unauthorized(text));
        }
        by_password(api, &login).await?
    };
    note_login(api, call, &machine, &login.scenarios).await?;
    Ok(token_answer(api, call, &machine.machine_id))
}

async fn by_password(api: &Api, login: &Login) -> Result<MachineRow, Failure> {
    let machine = api
        .store
        .machine(&login.machine_id)
        .await
        .map_err(|error| Failure::unauthorized(error.to_string()))?
        .ok_or_else(|| Failure::unauthorized("ent: machine not found"))?;
    if machine.auth_type != "password" {
        return Err(Failure::unauthorized(format!(
            "machine {} attempted to auth with password but it is configured to use {}",
            machine.machine_id, machine.auth_type
        )));
    }
    if !machine.is_validated {
        return Err(Failure::unauthorized(format!(
            "machine {} not validated",
            machine.machine_id
        )));
    }
    let (password, stored) = (login.password.clone(), machine.password.clone());
    let verified = on_hashing_thread(api, move || bcrypt::verify(password, &stored).unwrap_or(false)).await?;
    if verified {
        Ok(machine)
    } else {
        Err(Failure::unauthorized(WRONG))
    }
}

async fn by_certificate(api: &Api, name: String) -> Result<MachineRow, Failure> {
    let wrong = |error: crate::store::StoreError| {
        tracing::error!("login by certificate: {error}");
        Failure::unauthorized(WRONG)
    };
    if api.store.machine(&name).await.map_err(wrong)?.is_none() {
        let password_hash = hash(api, crate::store::bouncers::generate_key()).await?;
        let new = NewMachine {
            machine_id: name.clone(),
            password_hash,
            ip_address: String::new(),
            validated: true,
            force: false,
            auth_type: TLS,
        };
        match api.store.add_machine(new).await {
            // Another request of the same machine was first.
            Ok(()) | Err(crate::store::StoreError::Exists(_)) => {}
            Err(error) => return Err(wrong(error)),
        }
    }
    let machine = api
        .store
        .machine(&name)
        .await
        .map_err(wrong)?
        .filter(|machine| machine.auth_type == TLS);
    machine.ok_or_else(|| Failure::unauthorized(WRONG))
}

/// Stores scenarios, address and version; a user agent of another form than `name/version` is refused after that.
async fn note_login(
    api: &Api,
    call: &Call,
    machine: &MachineRow,
    scenarios: &[String],
) -> Result<(), Failure> {
    let mut columns = Vec::new();
    let joined = scenarios.join(",");
    if !joined.is_empty() && joined != machine.scenarios {
        columns.push(("scenarios", Some(joined)));
    }
    let client = call.client.to_string();
    if client != machine.ip_address {
        columns.push(("ip_address", Some(client)));
    }
    let agent = call.agent();
    if let Some((_, version)) = agent.filter(|(_, version)| *version != machine.version) {
        columns.push(("version", Some(version.to_owned())));
    }
    if !columns.is_empty() {
        api.store
            .update_machine(&machine.machine_id, columns)
            .await
            .map_err(|error| Failure::unauthorized(error.to_string()))?;
    }
    match agent {
        Some(_) => Ok(()),
        None => Err(Failure::unauthorized(WRONG)),
    }
}

/// `GET /v1/refresh_token`.
pub(super) fn refresh(api: &Api, call: &Call) -> Result<Answer, Failure> {
    let token = token::of_request(call.header(AUTHORIZATION), call.header(COOKIE));
    let claims = api
        .tokens
        .check_refresh(token.as_deref(), call.now)
        .map_err(Failure::token)?;
    Ok(token_answer(api, call, &claims.id))
}

fn token_answer(api: &Api, call: &Call, machine: &str) -> Answer {
    let (token, end) = api.tokens.make(machine, call.now);
    answer::json(
        StatusCode::OK,
        &Token {
            code: 200,
            expire: rfc3339(end),
            token,
        },
    )
}

/// `DELETE /v1/watchers/self`.
pub(super) async fn delete_self(api: &Api, machine: &str) -> Result<Answer, Failure> {
    api.store.delete_machine(machine).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// `GET /v1/heartbeat`.
pub(super) async fn heartbeat(api: &Api, machine: &str) -> Result<Answer, Failure> {
    api.store.heartbeat(machine).await?;
    Ok(answer::empty(StatusCode::OK))
}

async fn hash(api: &Api, password: String) -> Result<String, Failure> {
    on_hashing_thread(api, move || hash_password(&password))
        .await?
        .map_err(|error| Failure::bad_request(error.to_string()))
}

/// Runs slow hashing beside the serving threads, a few at a time.
async fn on_hashing_thread<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let gone = || Failure::internal("hashing a password");
    let _permit = api.hashing.acquire().await.map_err(|_closed| gone())?;
    tokio::task::spawn_blocking(work).await.map_err(|_panic| gone())
}
