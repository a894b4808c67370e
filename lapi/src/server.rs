//! Listeners and connections: TCP with or without TLS, unix socket; HTTP/1.0, 1.1 and 2, bounded in number and time.

mod paced;
pub mod tls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Api, Peer};
use paced::Paced;

/// How long connections may take to end at a stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Says why nobody can connect.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address or path cannot be listened on.
    #[error("local API server stopped with error: listening on {address}")]
    Listen {
        /// Address or path.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Certificate, key or CA cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// Neither address nor socket.
    #[error("no listen_uri or listen_socket specified")]
    Nowhere,
}

/// The open listeners.
pub struct Listeners {
    tcp: Option<TcpListener>,
    unix: Option<(UnixListener, PathBuf)>,
    tls: Option<Arc<tls::Following>>,
}

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listeners")
            .field("tcp", &self.tcp)
            .field("unix", &self.unix)
            .finish_non_exhaustive()
    }
}

/// Binds an address; `[::]` stands for every address, also on a host without IPv6.
async fn bind(address: &str) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(cause) if cause.kind() != io::ErrorKind::AddrInUse => match address.strip_prefix("[::]:") {
            Some(port) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
            None => Err(cause),
        },
        answer => answer,
    }
}

impl Listeners {
    /// Opens what the configuration names.
    pub async fn open(server: &config::resolved::Server) -> Result<Self, ServerError> {
        if server.listen_uri.is_none() && server.listen_socket.is_none() {
            return Err(ServerError::Nowhere);
        }
        let tls = server
            .tls
            .as_ref()
            .map(tls::Following::load)
            .transpose()?
            .map(Arc::new);
        let tcp = match &server.listen_uri {
            Some(address) => {
                let bound = bind(address).await;
                Some(bound.map_err(|source| ServerError::Listen {
                    address: address.clone(),
                    source,
                })?)
            }
            None => None,
        };
        let unix = match &server.listen_socket {
            Some(path) => Some((listen_unix(path)?, path.clone())),
            None => None,
        };
        Ok(Self { tcp, unix, tls })
    }

    /// Returns the TCP address, with the port the system chose.
    pub fn address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok())
    }

    /// Serves until the token is cancelled, then lets requests under way end.
    pub async fn serve(self, api: Arc<Api>, token: CancellationToken) {
        let every = api.settings.limits.certificates;
        let following = self.tls.clone().map(|tls| tokio::spawn(tls.follow(every)));
        let server = Arc::new(Server::new(api, self.tls));
        let tcp = self
            .tcp
            .map(|tcp| tokio::spawn(Arc::clone(&server).accept_tcp(tcp, token.clone())));
        let unix = self.unix.map(|(unix, path)| {
            let accept = Arc::clone(&server).accept_unix(unix, token.clone());
            tokio::spawn(async move {
                accept.await;
                remove_socket(&path);
            })
        });
        for task in [tcp, unix].into_iter().flatten() {
            if task.await.is_err() {
                tracing::error!("a listener of the Local API ended badly");
            }
        }
        if let Some(following) = following {
            following.abort();
        }
        server.connections.close();
        if tokio::time::timeout(GRACE, server.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("connections were cut at the stop");
        }
    }
}

/// Opens the socket; a file left by a process that is gone is removed first.
fn listen_unix(path: &Path) -> Result<UnixListener, ServerError> {
    let fail = |source| ServerError::Listen {
        address: path.display().to_string(),
        source,
    };
    remove_socket(path);
    UnixListener::bind(path).map_err(fail)
}

fn remove_socket(path: &Path) {
    use std::os::unix::fs::FileTypeExt as _;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    if is_socket && let Err(error) = std::fs::remove_file(path) {
        tracing::warn!("{}: {error}", path.display());
    }
}

struct Server {
    api: Arc<Api>,
    builder: auto::Builder<TokioExecutor>,
    tls: Option<Arc<tls::Following>>,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
}

impl Server {
    fn new(api: Arc<Api>, tls: Option<Arc<tls::Following>>) -> Self {
        let limits = &api.settings.limits;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .title_case_headers(true)
            .max_buf_size(256 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .keep_alive_interval(Some(Duration::from_secs(75)))
            .keep_alive_timeout(Duration::from_secs(10));
        Self {
            slots: Arc::new(Semaphore::new(limits.connections)),
            api,
            builder,
            tls,
            connections: TaskTracker::new(),
        }
    }

    async fn accept_tcp(self: Arc<Self>, listener: TcpListener, token: CancellationToken) {
        loop {
            let Some(slot) = self.slot(&token).await else {
                return;
            };
            let accepted = tokio::select! {
                () = token.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    drop(stream.set_nodelay(true));
                    let server = Arc::clone(&self);
                    let token = token.clone();
                    self.connections.spawn(async move {
                        let _slot = slot;
                        server.tcp(stream, peer.ip(), token).await;
                    });
                }
                Err(error) => pause(&error).await,
            }
        }
    }

    async fn accept_unix(self: Arc<Self>, listener: UnixListener, token: CancellationToken) {
        loop {
            let Some(slot) = self.slot(&token).await else {
                return;
            };
            let accepted = tokio::select! {
                () = token.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let server = Arc::clone(&self);
                    let token = token.clone();
                    // Upstream gives socket peers the loopback address.
                    let peer = Peer {
                        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                        certificate: None,
                    };
                    self.connections.spawn(async move {
                        let _slot = slot;
                        server.connection(stream, peer, token).await;
                    });
                }
                Err(error) => pause(&error).await,
            }
        }
    }

    async fn slot(&self, token: &CancellationToken) -> Option<tokio::sync::OwnedSemaphorePermit> {
        tokio::select! {
            () = token.cancelled() => None,
            slot = Arc::clone(&self.slots).acquire_owned() => slot.ok(),
        }
    }

    async fn tcp(&self, stream: tokio::net::TcpStream, address: IpAddr, token: CancellationToken) {
        let address = address.to_canonical();
        let Some(tls) = &self.tls else {
            return self
                .connection(
                    stream,
                    Peer {
                        address,
                        certificate: None,
                    },
                    token,
                )
                .await;
        };
        match tokio::time::timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let certificate = tls::certificate(stream.get_ref().1).map(Arc::new);
                self.connection(stream, Peer { address, certificate }, token)
                    .await;
            }
            Ok(Err(error)) => tracing::debug!("TLS handshake with {address}: {error}"),
            Err(_slow) => tracing::debug!("TLS handshake with {address} took too long"),
        }
    }

    async fn connection<S>(&self, stream: S, peer: Peer, token: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.api.settings.limits;
        let stream = Paced::new(stream, limits.write, limits.idle);
        let api = Arc::clone(&self.api);
        let service = service_fn(move |request| {
            let api = Arc::clone(&api);
            let peer = peer.clone();
            async move { Ok::<_, std::convert::Infallible>(api.answer(peer, request).await) }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = token.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!("connection: {error}");
        }
    }
}

/// Waits a moment after an accept failed (usually: no file descriptors), instead of spinning.
async fn pause(error: &std::io::Error) {
    tracing::warn!("accepting a connection: {error}");
    tokio::time::sleep(Duration::from_millis(50)).await;
}
