//! Registration of a machine, which needs no token.

use http::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::error::Error;
use crate::lapi::Settings;
use crate::transport::{Endpoint, Request, Transport};

/// Who registers.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Name of the machine.
    pub login: String,
    /// Its password, at most 72 bytes.
    pub password: SecretString,
    /// Token of automatic registration, 32 to 255 characters; empty for none.
    pub token: SecretString,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// Stored; an administrator has to validate it.
    Pending,
    /// Stored and validated by the token.
    Validated,
}

#[derive(Serialize)]
struct Body<'a> {
    machine_id: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    registration_token: &'a str,
}

/// Registers a machine.
///
/// # Errors
/// `Error::Api` with status 403 when the name is taken or registration is closed, 401 for a wrong token, 422 for a short one.
pub async fn register(
    endpoint: &Endpoint,
    registration: &Registration,
    settings: &Settings,
) -> Result<Registered, Error> {
    let transport = Transport::new(endpoint, &settings.user_agent, &settings.limits)?;
    let Registration {
        login,
        password,
        token,
    } = registration;
    let body = Body {
        machine_id: login,
        password: password.expose_secret(),
        registration_token: token.expose_secret(),
    };
    let answer = transport
        .send(&Request::new(Method::POST, "v1/watchers").json(&body)?)
        .await?;
    Ok(if answer.status == StatusCode::ACCEPTED {
        Registered::Validated
    } else {
        Registered::Pending
    })
}
