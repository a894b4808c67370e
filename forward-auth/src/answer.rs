//! The listener that ingress controllers ask: every request is a question, its body is not read.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::address;
use crate::args::OnFailure;
use crate::metrics::Metrics;
use crate::state::{Known, State};

/// Connections at a time; more wait in the listen queue.
const CONNECTIONS: usize = 10_000;
/// Longest time for a request's head.
const HEAD: Duration = Duration::from_secs(5);
/// How long requests under way may take after the stop.
const GRACE: Duration = Duration::from_secs(5);
/// Pause after an error of `accept`, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Header of a refusal with the remediation.
const DECISION: &str = "x-crowdsec-decision";

/// How questions are answered.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Ranges of proxies that are believed.
    pub trusted: Vec<IpNet>,
    /// What a client gets while no decisions are known.
    pub on_failure: OnFailure,
    /// Status of a refusal.
    pub deny_status: StatusCode,
    /// Age of the last pull after which decisions count as unknown.
    pub stale_after: Option<Duration>,
}

/// What answering needs.
#[derive(Debug)]
pub struct Answerer {
    /// How questions are answered.
    pub policy: Policy,
    /// The decisions.
    pub state: Arc<State>,
    /// Counters.
    pub metrics: Metrics,
}

/// Binds an address; `[::]` stands for every address, also on a host without IPv6.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(cause)
            if address.ip() == IpAddr::from([0_u16; 8]) && cause.kind() != io::ErrorKind::AddrInUse =>
        {
            TcpListener::bind((IpAddr::from([0_u8; 4]), address.port())).await
        }
        answer => answer,
    }
}

/// Answers until the stop, then lets requests under way end.
pub async fn serve(listener: TcpListener, answerer: Arc<Answerer>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_ended) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (answerer, stop) = (Arc::clone(&answerer), stop.clone());
                connections.spawn(async move {
                    let _slot = slot;
                    connection(stream, peer.ip(), answerer, stop).await;
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    // Whoever still asks after that is cut off.
    drop(tokio::time::timeout(GRACE, ended).await);
}

async fn connection(stream: TcpStream, peer: IpAddr, answerer: Arc<Answerer>, stop: CancellationToken) {
    // Answers are one small packet each; to wait for more would double their time.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let response = answerer.answer(peer, request.headers());
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

impl Answerer {
    /// Answers a question.
    pub fn answer(&self, peer: IpAddr, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let text = |value: &'_ HeaderValue| value.to_str().ok().map(str::to_owned);
        let forwarded: Vec<String> = headers
            .get_all("x-forwarded-for")
            .iter()
            // A value that is no text is unknown, not absent.
            .map(|value| text(value).unwrap_or_default())
            .collect();
        let real = headers.get("x-real-ip").and_then(|value| value.to_str().ok());
        let forwarded = forwarded.iter().map(String::as_str);
        let client = address::client(peer, forwarded, real, &self.policy.trusted);
        match self
            .state
            .ask(client, self.policy.stale_after, service::clock::now())
        {
            Known::Clean => {
                self.metrics.answered(client.is_ipv6(), None);
                Response::new(Full::default())
            }
            Known::Refused(verdict) => {
                self.metrics.answered(client.is_ipv6(), Some(&verdict.origin));
                self.refusal(&verdict.kind)
            }
            Known::Nothing => {
                self.metrics.unknown();
                match self.policy.on_failure {
                    OnFailure::Allow => Response::new(Full::default()),
                    OnFailure::Deny => self.refusal("unknown"),
                }
            }
        }
    }

    fn refusal(&self, kind: &str) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from("Access refused.\n"));
        *response.status_mut() = self.policy.deny_status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(kind) = HeaderValue::from_str(kind) {
            headers.insert(DECISION, kind);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::decision::Decision;

    fn answerer(on_failure: OnFailure, is_known: bool) -> Answerer {
        let state = Arc::new(State::default());
        if is_known {
            state.update(true, |decisions| {
                let ban = Decision {
                    id: 1,
                    duration: Some("1h".into()),
                    origin: Some("crowdsec".into()),
                    scope: Some("Ip".into()),
                    type_: Some("ban".into()),
                    value: Some("192.0.2.1".into()),
                    ..Decision::default()
                };
                decisions.add(&ban, service::clock::now());
            });
        }
        Answerer {
            policy: Policy {
                trusted: vec!["10.0.0.0/8".parse().unwrap()],
                on_failure,
                deny_status: StatusCode::FORBIDDEN,
                stale_after: None,
            },
            state,
            metrics: Metrics::new(&prometheus::Registry::new()).unwrap(),
        }
    }

    fn asked(answerer: &Answerer, peer: &str, forwarded: &str) -> (u16, Option<String>) {
        let mut headers = HeaderMap::new();
        if !forwarded.is_empty() {
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        }
        let response = answerer.answer(peer.parse().unwrap(), &headers);
        let decision = response
            .headers()
            .get(DECISION)
            .map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), decision)
    }

    #[test]
    fn a_banned_client_is_refused_and_another_passes() {
        let answerer = answerer(OnFailure::Deny, true);
        assert_eq!(
            asked(&answerer, "10.0.0.1", "192.0.2.1"),
            (403, Some("ban".into()))
        );
        assert_eq!(asked(&answerer, "10.0.0.1", "192.0.2.2"), (200, None));
        assert_eq!(asked(&answerer, "192.0.2.1", ""), (403, Some("ban".into())));
        let window = answerer.metrics.take_window();
        assert_eq!(window.processed["ipv4"], 3);
        assert_eq!(window.dropped[&("crowdsec".to_owned(), "ipv4")], 2);
    }

    #[test]
    fn nobody_gets_past_by_naming_somebody_else() {
        let answerer = answerer(OnFailure::Allow, true);
        assert_eq!(asked(&answerer, "192.0.2.1", "198.51.100.7").0, 403);
        assert_eq!(asked(&answerer, "10.0.0.1", "198.51.100.7, 192.0.2.1").0, 403);
    }

    #[test]
    fn while_nothing_is_known_the_policy_answers() {
        assert_eq!(
            asked(&answerer(OnFailure::Allow, false), "10.0.0.1", "192.0.2.1").0,
            200
        );
        let closed = answerer(OnFailure::Deny, false);
        assert_eq!(
            asked(&closed, "10.0.0.1", "192.0.2.9"),
            (403, Some("unknown".into()))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn decisions_that_are_too_old_are_not_known() {
        let mut answerer = answerer(OnFailure::Deny, true);
        answerer.policy.stale_after = Some(Duration::from_secs(60));
        assert_eq!(asked(&answerer, "10.0.0.1", "192.0.2.9").0, 200);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(
            asked(&answerer, "10.0.0.1", "192.0.2.9"),
            (403, Some("unknown".into()))
        );
    }
}
