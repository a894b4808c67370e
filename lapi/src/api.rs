//! The HTTP interface: who asks (auth), what is asked (route), and the answer to the byte.
//!
//! Handlers read the live model and write through the store; none holds a lock while it waits.

pub mod admin;
pub mod alerts;
pub mod allowlists;
pub mod answer;
pub mod auth;
pub mod body;
pub mod decisions;
pub mod metrics;
pub mod peer;
pub mod query;
pub(crate) mod report;
pub mod route;
pub mod stream;
pub mod token;
pub mod usage;
pub mod watchers;

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt as _;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;

use crate::ingest::profiles::Profiles;
use crate::settings::Settings;
use crate::store::Store;
use answer::{Answer, Body, Failure};
use auth::Certificate;
use metrics::Metrics;
use query::Query;
use route::{Endpoint, Routed};
use token::Tokens;

/// What every request shares.
#[derive(Debug)]
pub struct Api {
    /// Database and live model.
    pub store: Store,
    /// What the configuration says.
    pub settings: Settings,
    /// Compiled profiles.
    pub profiles: Profiles,
    /// Counters.
    pub metrics: Metrics,
    pub(crate) tokens: Tokens,
    pub(crate) hashing: tokio::sync::Semaphore,
    pub(crate) admissions: tokio::sync::Mutex<()>,
    pub(crate) pulls: crate::pulls::Pulls,
    pub(crate) admin_token: [u8; 32],
    pub(crate) reports: report::Reports,
}

/// The far end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address; loopback for a unix socket.
    pub address: IpAddr,
    /// Its verified certificate.
    pub certificate: Option<Arc<Certificate>>,
}

/// One request, split into what handlers need.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) head: http::request::Parts,
    pub(crate) query: Query,
    pub(crate) parameter: String,
    pub(crate) client: IpAddr,
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) now: Timestamp,
    pub(crate) template: &'static str,
}

impl Call {
    /// Returns a header's text; empty when absent or no text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.head
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Splits the user agent at its slash; `None` unless there is exactly one.
    pub(crate) fn agent(&self) -> Option<(&str, &str)> {
        self.header(USER_AGENT)
            .split_once('/')
            .filter(|(_, version)| !version.contains('/'))
    }
}

impl Api {
    /// Answers one request; a panic in a handler becomes an empty 500 and harms nothing else.
    pub async fn answer(self: &Arc<Self>, peer: Peer, request: Request<Incoming>) -> Answer {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        let method = head.method.clone();
        let path = head.uri.path().to_owned();
        let client = peer::real_address(&self.settings, peer.address, &head.headers);
        let agent = head
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let version = head.version;
        let routed = route::find(&method, &path);
        let template = routed.template();
        let answer = match routed {
            Routed::To(endpoint, template, parameter) => {
                let query = Query::parse(head.uri.query().unwrap_or_default());
                let call = Call {
                    method: method.clone(),
                    query,
                    head,
                    parameter,
                    client,
                    certificate: peer.certificate,
                    now: service::clock::now(),
                    template,
                };
                let handled =
                    AssertUnwindSafe(self.dispatch(endpoint, call, Body::Incoming(body))).catch_unwind();
                match Box::pin(handled).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(failure)) => failure.into_answer(),
                    Err(_panic) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
                }
            }
            Routed::Elsewhere(location) => answer::redirect(&method, &location, head.uri.query()),
            Routed::NotAllowed(allow) => answer::not_allowed(&allow),
            Routed::Nowhere => answer::empty(StatusCode::NOT_FOUND),
        };
        let elapsed = started.elapsed();
        self.metrics.request(template, &method, elapsed);
        tracing::info!(
            target: "access",
            "{client} - [{}] \"{method} {path} {version:?} {} {elapsed:?} \"{agent}\" \"",
            service::clock::now().strftime("%a, %d %b %Y %H:%M:%S UTC"),
            answer.status().as_u16()
        );
        answer
    }

    async fn dispatch(
        self: &Arc<Self>,
        endpoint: Endpoint,
        call: Call,
        body: Body,
    ) -> Result<Answer, Failure> {
        match endpoint {
            Endpoint::Health => Ok(answer::health()),
            Endpoint::Register => watchers::register(self, &call, body).await,
            Endpoint::Login => watchers::login(self, &call, body).await,
            Endpoint::Refresh => watchers::refresh(self, &call),
            Endpoint::Decisions => decisions::list(self, &call).await,
            Endpoint::Stream => stream::pull(self, &call).await,
            Endpoint::Usage => usage::store(self, &call, body).await,
            Endpoint::Admin => admin::serve(self, &call, body).await,
            _ => {
                let machine = self.machine(&call)?;
                self.metrics.machine(&machine, call.template, &call.method);
                self.for_machine(endpoint, &machine, call, body).await
            }
        }
    }

    async fn for_machine(
        self: &Arc<Self>,
        endpoint: Endpoint,
        machine: &str,
        call: Call,
        body: Body,
    ) -> Result<Answer, Failure> {
        let deletes = matches!(
            endpoint,
            Endpoint::DeleteAlerts
                | Endpoint::DeleteAlert
                | Endpoint::DeleteDecisions
                | Endpoint::DeleteDecision
        );
        if deletes && !self.store.may_delete_decisions(machine).await? {
            let text = format!("machine {machine} may not delete alerts and decisions");
            return Err(Failure::new(StatusCode::FORBIDDEN, text));
        }
        match endpoint {
            Endpoint::DeleteSelf => watchers::delete_self(self, machine).await,
            Endpoint::Heartbeat => watchers::heartbeat(self, machine).await,
            Endpoint::Report => report::store(self, machine, &call, body).await,
            Endpoint::PostAlerts => alerts::post(self, machine, &call, body).await,
            Endpoint::Alerts => alerts::list(self, &call).await,
            Endpoint::Alert => alerts::get(self, &call).await,
            Endpoint::DeleteAlerts => alerts::delete(self, &call).await,
            Endpoint::DeleteAlert => alerts::delete_one(self, &call).await,
            Endpoint::DeleteDecisions => decisions::delete(self, &call).await,
            Endpoint::DeleteDecision => decisions::delete_one(self, &call).await,
            Endpoint::Allowlists => Ok(allowlists::list(self, &call)),
            Endpoint::Allowlist => allowlists::get(self, &call),
            Endpoint::CheckAllowlist => allowlists::check(self, &call),
            Endpoint::CheckAllowlists => allowlists::check_many(self, &call, body).await,
            _ => Err(Failure::empty(StatusCode::NOT_FOUND)),
        }
    }

    /// Returns the machine whose token the request carries.
    pub(crate) fn machine(&self, call: &Call) -> Result<String, Failure> {
        let bearer = call.header(AUTHORIZATION);
        let token = token::of_request(bearer, call.header(http::header::COOKIE));
        let claims = self
            .tokens
            .check(token.as_deref(), call.now)
            .map_err(Failure::token)?;
        Ok(claims.id)
    }
}
