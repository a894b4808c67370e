//! The Local API as a machine sees it: register, log in, report alerts, ask about them.

mod query;
mod register;

use std::sync::Mutex as StdMutex;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::retry::Retry;
use crate::token::Token;
use crate::transport::{Answer, Endpoint, Limits, Request, Transport};

pub use query::Allowlisted;
pub use register::{Registered, Registration, register};

/// Request header with one content key per alert, in order, joined by commas; upstream ignores it.
///
/// Our Local API stores an alert whose key it has seen within 24 h once (`docs/compatibility.md`).
pub const CONTENT_KEYS: HeaderName = HeaderName::from_static("x-crowdsec-content-keys");

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Name of the machine; empty when a client certificate says it.
    pub login: String,
    /// Its password; empty with a client certificate.
    pub password: SecretString,
    /// Installed scenarios, told to the Local API at each login.
    pub scenarios: Vec<String>,
}

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// See [`crate::transport::user_agent`].
    pub user_agent: String,
    /// Repetitions inside one call.
    pub retry: Retry,
    /// Time and size limits.
    pub limits: Limits,
}

/// A machine's client: logs in when needed, keeps the token, repeats what is worth repeating.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    login: String,
    password: SecretString,
    scenarios: StdMutex<Vec<String>>,
    retry: Retry,
    /// Held across a login, so that many callers make one.
    token: Mutex<Option<Token>>,
}

/// What became of a batch of alerts.
#[derive(Debug)]
pub enum Pushed {
    /// Stored; ids in the order of the alerts. Alerts on an allowlist have none, so there may be fewer.
    Stored(Vec<String>),
    /// Refused for what it holds: sending it again cannot help. The first field is the status.
    Refused(StatusCode, String),
    /// Not stored as far as we know, for a reason that may pass: no answer, overload, not logged in.
    Unavailable(Error),
}

#[derive(Serialize)]
struct Login<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    machine_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    password: &'a str,
    scenarios: &'a [String],
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LoggedIn {
    token: String,
}

/// A refused token is dropped and the request repeated this often (upstream: `pkg/apiclient/auth_jwt.go`).
const RELOGINS: u32 = 2;

impl Client {
    /// Makes a client; nothing is sent before the first call.
    pub fn new(endpoint: &Endpoint, credentials: Credentials, settings: Settings) -> Result<Self, Error> {
        let Credentials {
            login,
            password,
            scenarios,
        } = credentials;
        let Settings {
            user_agent,
            retry,
            limits,
        } = settings;
        Ok(Self {
            transport: Transport::new(endpoint, &user_agent, &limits)?,
            login,
            password,
            scenarios: StdMutex::new(scenarios),
            retry,
            token: Mutex::new(None),
        })
    }

    /// Returns the name this client logs in with; empty with a client certificate.
    pub fn machine(&self) -> &str {
        &self.login
    }

    /// Replaces the scenarios told at the next login (after a reload).
    pub fn set_scenarios(&self, scenarios: Vec<String>) {
        *self
            .scenarios
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = scenarios;
    }

    /// Logs in, whether or not there is a token, repeating as [`Retry`] says.
    ///
    /// # Errors
    /// `Error::Api` with status 401 or 403 means that the credentials are wrong.
    pub async fn login(&self) -> Result<(), Error> {
        let mut token = self.token.lock().await;
        *token = None;
        *token = Some(self.log_in().await?);
        Ok(())
    }

    /// Stores alerts (`wire::alert::Alert`, or their JSON as it is kept elsewhere); `keys` are their content keys, one each and in order, or none at all.
    pub async fn push_alerts<T: Serialize + Sync>(&self, alerts: &[T], keys: &[String]) -> Pushed {
        match self.try_push(alerts, keys).await {
            Ok(ids) => Pushed::Stored(ids),
            Err(Error::Api { status, body }) if is_final(status, &body) => {
                Pushed::Refused(status, Error::Api { status, body }.to_string())
            }
            Err(error @ Error::Body { .. }) => Pushed::Refused(StatusCode::BAD_REQUEST, error.chain()),
            Err(error) => Pushed::Unavailable(error),
        }
    }

    async fn try_push<T: Serialize + Sync>(
        &self,
        alerts: &[T],
        keys: &[String],
    ) -> Result<Vec<String>, Error> {
        let mut request = Request::new(Method::POST, "v1/alerts").json(alerts)?;
        if !keys.is_empty()
            && let Ok(value) = HeaderValue::from_str(&keys.join(","))
        {
            request.headers.insert(CONTENT_KEYS, value);
        }
        let answer = self.call(request).await?;
        // The alerts are stored: an answer that cannot be read must not make the caller send them again.
        Ok(answer.json().unwrap_or_default())
    }

    /// Tells the Local API that this machine lives.
    pub async fn heartbeat(&self) -> Result<(), Error> {
        self.call(Request::new(Method::GET, "v1/heartbeat"))
            .await
            .map(drop)
    }

    /// Reports what each source gives. Upstream's Local API has no such route: that is `Ok(false)`.
    pub async fn report(&self, report: &wire::report::Report) -> Result<bool, Error> {
        let request = Request::new(Method::POST, "v1/watchers/report").json(report)?;
        match self.call(request).await {
            Ok(_) => Ok(true),
            Err(Error::Api {
                status: StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reports usage metrics. An older Local API has no such route: that is `Ok(false)`.
    pub async fn usage_metrics<T: Serialize + Sync + ?Sized>(&self, metrics: &T) -> Result<bool, Error> {
        let request = Request::new(Method::POST, "v1/usage-metrics").json(metrics)?;
        match self.call(request).await {
            Ok(_) => Ok(true),
            Err(Error::Api {
                status: StatusCode::NOT_FOUND,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes this machine (`unregister_on_exit`).
    pub async fn unregister(&self) -> Result<(), Error> {
        self.call(Request::new(Method::DELETE, "v1/watchers/self"))
            .await
            .map(drop)
    }

    /// Sends a request with a token, renewing it as upstream does (`pkg/apiclient/auth_jwt.go`).
    async fn call(&self, mut request: Request<'_>) -> Result<Answer, Error> {
        let (mut relogins, mut waits) = (0, 0);
        loop {
            let bearer = self.bearer().await?;
            request.headers.insert(AUTHORIZATION, bearer.clone());
            let error = match self.transport.send(&request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.status() {
                Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                    self.forget(&bearer).await;
                    if relogins == RELOGINS {
                        return Err(error);
                    }
                    relogins += 1;
                }
                Some(status) if is_busy(status) => {
                    let Some(wait) = self.retry.wait(waits) else {
                        return Err(error);
                    };
                    waits += 1;
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(error),
            }
        }
    }

    async fn bearer(&self) -> Result<HeaderValue, Error> {
        let mut slot = self.token.lock().await;
        if !slot.as_ref().is_some_and(|token| token.is_fresh(Instant::now())) {
            *slot = None;
            *slot = Some(self.log_in().await?);
        }
        let text = slot.as_ref().map_or("", |token| token.value.expose_secret());
        bearer(text).ok_or_else(|| Error::Api {
            status: StatusCode::UNAUTHORIZED,
            body: "the token given at login does not fit in a header".to_owned(),
        })
    }

    /// Drops the token that was refused, unless another caller has already replaced it.
    async fn forget(&self, refused: &HeaderValue) {
        let mut slot = self.token.lock().await;
        let current = slot
            .as_ref()
            .and_then(|token| bearer(token.value.expose_secret()));
        if current.as_ref() == Some(refused) {
            *slot = None;
        }
    }

    async fn log_in(&self) -> Result<Token, Error> {
        let scenarios = self
            .scenarios
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let body = Login {
            machine_id: &self.login,
            password: self.password.expose_secret(),
            scenarios: &scenarios,
        };
        let request = Request::new(Method::POST, "v1/watchers/login").json(&body)?;
        let mut waits = 0;
        loop {
            let error = match self.transport.send(&request).await {
                Ok(answer) => return Ok(Token::new(answer.json::<LoggedIn>()?.token, Instant::now())),
                Err(error) => error,
            };
            let is_worth_repeating = match &error {
                Error::Unreachable { .. } => true,
                Error::Api { status, .. } => is_busy(*status) || *status == StatusCode::INTERNAL_SERVER_ERROR,
                _ => false,
            };
            let Some(wait) = self.retry.wait(waits).filter(|_| is_worth_repeating) else {
                return Err(error);
            };
            waits += 1;
            tracing::debug!(
                error = error.chain(),
                wait_ms = wait.as_millis(),
                "login will be repeated"
            );
            tokio::time::sleep(wait).await;
        }
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Upstream answers 500 to an alert that fails validation; any other 500 may pass.
fn is_final(status: StatusCode, body: &str) -> bool {
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS => false,
        StatusCode::INTERNAL_SERVER_ERROR => body.contains("validation failure"),
        other => other.is_client_error(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_alerts_hold_is_refused_for_good() {
        let check = |status: u16, body: &str, expected: bool| {
            assert_eq!(
                is_final(StatusCode::from_u16(status).unwrap(), body),
                expected,
                "{status} {body}"
            );
        };
        check(400, "", true);
        check(413, "", true);
        check(422, "", true);
        check(401, "", false);
        check(403, "", false);
        check(404, "", false);
        check(429, "", false);
        check(500, "database is locked", false);
        check(
            500,
            r#"{"message":"validation failure list:\n0.capacity in body is required"}"#,
            true,
        );
        check(503, "", false);
    }
}
