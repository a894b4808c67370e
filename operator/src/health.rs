//! `/healthz` and `/readyz` on a listener of their own.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cluster::world::World;

/// Serves until `stop`; ready once every watch has told everything, whether or not this operator acts.
pub async fn serve(listener: TcpListener, world: Arc<World>, stop: CancellationToken) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readiness))
        .with_state(world);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

/// Binds the listener; the unspecified address of IPv6 stands for every address, also on a host without IPv6.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(cause) if address.ip() == Ipv6Addr::UNSPECIFIED && cause.kind() != ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        answer => answer,
    }
}

async fn readiness(State(world): State<Arc<World>>) -> (StatusCode, &'static str) {
    if world.is_known() {
        (StatusCode::OK, "ok")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the API server has not told everything yet: are the definitions installed and the roles bound?",
        )
    }
}
