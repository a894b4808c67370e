//! Empties the outbox into the Local API: one batch at a time, in order; what is refused for good is set aside.

mod dead_letter;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::StatusCode;
use client::lapi::{Client, Pushed};
use client::retry::backoff;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

pub use dead_letter::DeadLetters;

use crate::metrics::Metrics;
use crate::outbox::{Letter, Outbox};

/// Alerts of one request; their keys have to fit in a header that proxies accept (8 KiB).
pub const BATCH: usize = 100;

/// Bytes of one request, beyond the first alert.
pub const BATCH_BYTES: usize = 4 << 20;

/// Waits between attempts while the Local API cannot be reached.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long the last attempts may take after the stop.
const LAST_ATTEMPT: Duration = Duration::from_secs(3);

/// What one request did.
enum Step {
    /// The alerts are done with, one way or the other.
    Settled,
    /// The Local API cannot take them at the moment.
    Later(String),
}

/// The pusher of one outbox.
pub struct Pusher {
    outbox: Arc<Outbox>,
    client: Arc<Client>,
    metrics: Metrics,
    dead_letters: DeadLetters,
}

impl Pusher {
    /// Prepares a pusher; dead letters go to `dir`.
    pub fn new(outbox: Arc<Outbox>, client: Arc<Client>, metrics: Metrics, dir: &Path) -> Self {
        Self {
            outbox,
            client,
            metrics,
            dead_letters: DeadLetters::new(dir),
        }
    }

    /// Pushes until `token` is cancelled, then tries once more for what is left.
    pub async fn run(self, token: CancellationToken) {
        let mut failures = 0;
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                () = self.outbox.wait() => {}
            }
            let step = tokio::select! {
                biased;
                // A request that is cut off here is repeated with the same keys.
                () = token.cancelled() => break,
                step = self.push_once() => step,
            };
            match step {
                Step::Settled => failures = 0,
                Step::Later(reason) => {
                    let wait = backoff(FIRST_WAIT, LONGEST_WAIT, failures);
                    if failures == 0 {
                        tracing::warn!(error = reason, "alerts wait for the local api");
                    } else {
                        tracing::debug!(error = reason, wait_ms = wait.as_millis(), "alerts still wait");
                    }
                    failures += 1;
                    tokio::select! {
                        biased;
                        () = token.cancelled() => break,
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            }
        }
        let rest = async {
            while self.outbox.state().pending > 0 {
                if let Step::Later(reason) = self.push_once().await {
                    tracing::info!(error = reason, "undelivered alerts stay in the outbox");
                    return;
                }
            }
        };
        if tokio::time::timeout(LAST_ATTEMPT, rest).await.is_err() {
            tracing::info!("undelivered alerts stay in the outbox");
        }
    }

    /// Sends the oldest alerts; a refused batch is halved until the alert that is refused stands alone.
    async fn push_once(&self) -> Step {
        let outbox = Arc::clone(&self.outbox);
        let taken = tokio::task::spawn_blocking(move || outbox.take(BATCH, BATCH_BYTES)).await;
        let letters = match taken {
            Ok(Ok(letters)) => letters,
            Ok(Err(error)) => return Step::Later(format!("outbox cannot be read: {error}")),
            Err(error) => return Step::Later(error.to_string()),
        };
        let mut parts = Parts::new(letters);
        while let Some(letters) = parts.pop() {
            let count = letters.len();
            match send(&self.client, &letters).await {
                Pushed::Stored(_) => {
                    self.metrics.alerts_stored(count);
                    if let Err(step) = self.finish(letters).await {
                        return step;
                    }
                }
                Pushed::Refused(status, reason) => {
                    let Some(letter) = parts.halve(letters) else {
                        continue;
                    };
                    self.set_aside(&letter, status, &reason);
                    if let Err(step) = self.finish(vec![letter]).await {
                        return step;
                    }
                }
                Pushed::Unavailable(error) => return Step::Later(error.chain()),
            }
        }
        Step::Settled
    }

    fn set_aside(&self, letter: &Letter, status: StatusCode, reason: &str) {
        let (status, file) = (status.as_u16(), self.dead_letters.path().display());
        tracing::error!(status, reason, %file, "alert is refused for good and set aside");
        self.metrics.alerts_refused(1);
        if let Err(error) = self.dead_letters.put(letter, reason) {
            tracing::error!(%error, "dead letter cannot be written");
        }
    }

    async fn finish(&self, letters: Vec<Letter>) -> Result<(), Step> {
        let ids: Vec<u64> = letters.iter().map(|letter| letter.id).collect();
        let outbox = Arc::clone(&self.outbox);
        match tokio::task::spawn_blocking(move || outbox.finish(&ids)).await {
            Ok(Ok(())) => Ok(()),
            // They count as done here; after a crash they are sent again, under keys the Local API knows.
            Ok(Err(error)) => {
                tracing::warn!(%error, "outbox cannot be written");
                Ok(())
            }
            Err(error) => Err(Step::Later(error.to_string())),
        }
    }
}

/// A batch that falls apart when it is refused, keeping its order.
#[derive(Debug)]
pub struct Parts(Vec<Vec<Letter>>);

impl Parts {
    /// Begins with all of `letters`.
    pub fn new(letters: Vec<Letter>) -> Self {
        Self(vec![letters])
    }

    /// Returns the next part to send.
    pub fn pop(&mut self) -> Option<Vec<Letter>> {
        std::iter::from_fn(|| self.0.pop()).find(|part| !part.is_empty())
    }

    /// Takes back a part that was not sent: it comes next.
    pub fn put_back(&mut self, part: Vec<Letter>) {
        self.0.push(part);
    }

    /// Takes back a part that was refused: halves of it come next. A single letter is returned: it is the culprit.
    pub fn halve(&mut self, mut part: Vec<Letter>) -> Option<Letter> {
        if part.len() <= 1 {
            return part.pop();
        }
        let later = part.split_off(part.len().div_ceil(2));
        self.0.push(later);
        self.0.push(part);
        None
    }
}

/// Sends `letters` in one request, with their content keys.
pub async fn send(client: &Client, letters: &[Letter]) -> Pushed {
    let keys: Vec<String> = letters.iter().map(|letter| letter.key.clone()).collect();
    let bodies: Result<Vec<&RawValue>, _> = letters
        .iter()
        .map(|letter| serde_json::from_slice(&letter.body))
        .collect();
    match bodies {
        Ok(bodies) => client.push_alerts(&bodies, &keys).await,
        Err(error) => Pushed::Refused(StatusCode::BAD_REQUEST, format!("not json: {error}")),
    }
}
