//! Keeps the decisions: everything at first, then what changed; the key and the authority are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::bouncer::Client;
use client::transport::{Endpoint, Limits};
use secrecy::SecretString;
use service::ready::Ready;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::state::State;

/// Longest pause after failures; a Local API that comes back is to be noticed soon.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How bouncers call themselves; the Local API tells it in its list.
const USER_AGENT: &str = concat!("crowdsec-forward-auth/v", env!("CARGO_PKG_VERSION"));

/// Where decisions come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// URL of the Local API.
    pub url: String,
    /// File with the key.
    pub key_file: PathBuf,
    /// File with the certificate of the authority.
    pub ca_file: Option<PathBuf>,
}

/// What the files say; another content needs another client.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Credentials {
    key: String,
    ca: Option<Vec<u8>>,
}

/// A client with what it was made from.
pub struct Connection {
    source: Source,
    current: Option<(Credentials, Arc<Client>)>,
}

/// Why the Local API cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("reading {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The key file is empty.
    #[error("{} holds no key", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The Local API refused, or did not answer.
    #[error(transparent)]
    LocalApi(#[from] client::Error),
}

impl Connection {
    /// Makes a connection; nothing is read or sent yet.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            current: None,
        }
    }

    /// Returns the client, and whether it is another than before.
    pub fn client(&mut self) -> Result<(Arc<Client>, bool), Error> {
        let now = read(&self.source)?;
        if let Some((known, client)) = &self.current
            && *known == now
        {
            return Ok((Arc::clone(client), false));
        }
        let endpoint = Endpoint {
            url: self.source.url.clone(),
            ca_pem: now.ca.clone(),
            ..Endpoint::default()
        };
        let key = SecretString::from(now.key.clone());
        let client = Arc::new(Client::new(&endpoint, &key, USER_AGENT, &Limits::default())?);
        self.current = Some((now, Arc::clone(&client)));
        Ok((client, true))
    }
}

/// Pulls until the stop. The first complete answer marks `ready`.
pub async fn run(
    mut connection: Connection,
    state: Arc<State>,
    metrics: Metrics,
    every: Duration,
    ready: Ready,
    stop: CancellationToken,
) {
    let mut begin = true;
    let mut failures: u32 = 0;
    loop {
        let pulled = tokio::select! {
            () = stop.cancelled() => return,
            pulled = pull(&mut connection, &state, &metrics, begin) => pulled,
        };
        match pulled {
            Ok(()) => {
                if failures > 0 || begin {
                    tracing::info!("decisions are pulled from the Local API");
                }
                (begin, failures) = (false, 0);
                ready.mark();
            }
            Err(error) => {
                metrics.pull_failed();
                if failures == 0 {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                    tracing::warn!(
                        "decisions cannot be pulled, the known ones hold on: {error}{}",
                        cause.unwrap_or_default()
                    );
                }
                failures = failures.saturating_add(1);
            }
        }
        let pause = pause(every, failures, begin);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Returns the time until the next pull. Failures make it longer, but not before the first answer: a Local API that is
/// being installed beside this is there any moment, and clients are waiting.
fn pause(every: Duration, failures: u32, begin: bool) -> Duration {
    if begin {
        return every.min(PAUSE_MAX);
    }
    every
        .saturating_mul(1 << failures.min(8))
        .min(PAUSE_MAX.max(every))
}

async fn pull(
    connection: &mut Connection,
    state: &State,
    metrics: &Metrics,
    begin: bool,
) -> Result<(), Error> {
    let (client, is_new) = connection.client()?;
    // Another key is another bouncer to the Local API, which knows nothing of what this one has seen.
    let begin = begin || is_new;
    let answer = client.stream(begin, &[]).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            // A new key that was refused has to begin anew, too.
            if is_new {
                connection.current = None;
            }
            return Err(error.into());
        }
    };
    let now = service::clock::now();
    state.update(begin, |decisions| {
        for decision in answer.deleted.iter().filter(|_| !begin) {
            decisions.remove(decision);
        }
        for decision in &answer.new {
            decisions.add(decision, now);
        }
        decisions.sweep(now);
    });
    metrics.pulled(
        now.as_second(),
        &state.read(crate::decisions::Decisions::by_origin),
    );
    Ok(())
}

fn read(source: &Source) -> Result<Credentials, Error> {
    let file = |path: &Path| {
        std::fs::read(path).map_err(|cause| Error::File {
            path: path.to_owned(),
            cause,
        })
    };
    let key = String::from_utf8_lossy(&file(&source.key_file)?)
        .trim()
        .to_owned();
    if key.is_empty() {
        return Err(Error::NoKey {
            path: source.key_file.clone(),
        });
    }
    Ok(Credentials {
        key,
        ca: source.ca_file.as_deref().map(file).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(every: u64, failures: u32, begin: bool, expected: u64) {
        let told = pause(Duration::from_secs(every), failures, begin);
        assert_eq!(told, Duration::from_secs(expected));
    }

    #[test]
    fn pulls_that_fail_become_rarer_once_decisions_are_known() {
        check(1, 0, false, 1);
        check(1, 2, false, 4);
        check(1, 9, false, 10);
        check(60, 9, false, 60);
        check(1, 9, true, 1);
        check(60, 1, true, 10);
    }
}
