//! Tells the Local API once a minute that this machine lives.

use std::sync::Arc;
use std::time::Duration;

use client::lapi::Client;
use tokio_util::sync::CancellationToken;

/// Upstream: `pkg/apiclient/heartbeat.go`.
const INTERVAL: Duration = Duration::from_mins(1);

/// Beats until `token` is cancelled; a beat that fails is only logged.
pub async fn run(client: Arc<Client>, token: CancellationToken) {
    let mut is_failing = false;
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let result = tokio::select! {
            biased;
            () = token.cancelled() => return,
            result = client.heartbeat() => result,
        };
        match result {
            Ok(()) => is_failing = false,
            Err(error) if is_failing => tracing::debug!(error = error.chain(), "heartbeat still fails"),
            Err(error) => {
                is_failing = true;
                tracing::warn!(error = error.chain(), "heartbeat fails");
            }
        }
    }
}
