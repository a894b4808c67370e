//! The listener on 6060: `/metrics`, `/debug/pprof/`, and `/livez` and `/readyz` for probes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, TEXT_FORMAT, profile};
use crate::ready::Ready;

/// Connections served at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// How long a client may take to send its request headers.
const HEADERS: Duration = Duration::from_secs(10);
/// How long the scrape hooks may take altogether.
const SCRAPE: Duration = Duration::from_secs(10);
/// The longest CPU profile.
const PROFILE: Duration = Duration::from_secs(600);
/// Pause after an error of `accept`, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the listener is and what it offers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host name or address of `prometheus.listen_addr`.
    pub host: String,
    /// `prometheus.listen_port`; 0 takes a free one.
    pub port: u16,
    /// Whether `/debug/pprof/` is served.
    pub debug: bool,
    /// What a failing bind does.
    pub on_bind_failure: Bind,
}

/// What happens when the address cannot be bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bind {
    /// A warning; the process works on without the listener, as upstream does.
    #[default]
    Warn,
    /// The process ends.
    Fail,
}

/// Why the listener does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be bound.
    #[error("listening on {host}:{port}")]
    Bind {
        /// The host as configured.
        host: String,
        /// The port as configured.
        port: u16,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// The listener; it outlives a reload, which only exchanges the metrics behind it.
#[derive(Clone, Debug)]
pub struct Server {
    settings: Settings,
    current: Arc<Mutex<Metrics>>,
    bound: Arc<Mutex<Option<SocketAddr>>>,
}

impl Server {
    /// Makes a server that shows `metrics`; nothing is bound yet.
    pub fn new(settings: Settings, metrics: Metrics) -> Self {
        Self {
            settings,
            current: Arc::new(Mutex::new(metrics)),
            bound: Arc::default(),
        }
    }

    /// Shows other metrics from now on, after a reload.
    pub fn show(&self, metrics: Metrics) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = metrics;
    }

    /// Returns the address in use once the server is bound.
    pub fn address(&self) -> Option<SocketAddr> {
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves from the moment `ready` is marked until `token` is cancelled.
    ///
    /// Kubernetes probes 6060, so nothing may answer there earlier.
    pub async fn run(self, ready: Ready, token: CancellationToken) -> Result<(), Error> {
        tokio::select! {
            biased;
            () = token.cancelled() => return Ok(()),
            () = ready.wait() => {}
        }
        self.serve(ready, token).await
    }

    /// Serves until `token` is cancelled; `/readyz` answers 503 until `ready` is marked.
    pub async fn serve(self, ready: Ready, token: CancellationToken) -> Result<(), Error> {
        let Settings {
            host,
            port,
            on_bind_failure,
            ..
        } = self.settings.clone();
        let listener = match bind(&host, port).await {
            Ok(listener) => listener,
            Err(cause) if on_bind_failure == Bind::Fail => return Err(Error::Bind { host, port, cause }),
            Err(cause) => {
                tracing::warn!("prometheus: listen tcp {host}:{port}: {cause}");
                return Ok(());
            }
        };
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = listener.local_addr().ok();
        let debug = self.settings.debug;
        accept(listener, router(self, ready, debug), &token).await;
        Ok(())
    }

    fn metrics(&self) -> Metrics {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Binds a host and port; the unspecified address of IPv6 stands for every address, also on a host without IPv6.
async fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((host, port)).await {
        Err(cause) if host == "::" && cause.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        answer => answer,
    }
}

async fn accept(listener: TcpListener, router: Router, token: &CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            biased;
            () = token.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let (router, token) = (router.clone(), token.clone());
                connections.spawn(async move {
                    serve(stream, router, token).await;
                    drop(slot);
                });
            }
            Err(_no_descriptor_or_gone) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, router: Router, token: CancellationToken) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::select! {
        () = token.cancelled() => {}
        // A client that breaks off is its own problem.
        _ended = connection => {}
    }
}

fn router(server: Server, ready: Ready, debug: bool) -> Router {
    let router = Router::new()
        .route("/metrics", get(scrape))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async move || readiness(&ready)));
    let router = if debug {
        router
            .route("/debug/pprof/", get(index))
            .route("/debug/pprof/cmdline", get(cmdline))
            .route("/debug/pprof/profile", get(cpu_profile))
    } else {
        router
    };
    router.with_state(server)
}

fn readiness(ready: &Ready) -> (StatusCode, &'static str) {
    if ready.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn scrape(State(server): State<Server>) -> Response {
    let metrics = server.metrics();
    match tokio::time::timeout(SCRAPE, metrics.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(_late) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "collecting the metrics took too long\n",
        )
            .into_response(),
    }
}

async fn index() -> Html<&'static str> {
    Html(
        "<html><head><title>/debug/pprof/</title></head><body>/debug/pprof/\n\
         <p><a href=profile?seconds=30>profile</a>: CPU profile, <tt>seconds</tt> long\n\
         <p><a href=cmdline>cmdline</a>: the command line\n</body></html>\n",
    )
}

async fn cmdline() -> impl IntoResponse {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        words.join("\0"),
    )
}

async fn cpu_profile(Query(query): Query<std::collections::BTreeMap<String, String>>) -> Response {
    let seconds = query.get("seconds").map_or(Ok(30), |text| text.parse::<u64>());
    let Some(length) = seconds
        .ok()
        .map(Duration::from_secs)
        .filter(|length| !length.is_zero() && *length <= PROFILE)
    else {
        return (
            StatusCode::BAD_REQUEST,
            format!("seconds must be between 1 and {}\n", PROFILE.as_secs()),
        )
            .into_response();
    };
    match profile::cpu(length).await {
        Ok(bytes) => (
            [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"profile\""),
            ],
            bytes,
        )
            .into_response(),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("could not enable CPU profiling: {error}\n"),
        )
            .into_response(),
    }
}
