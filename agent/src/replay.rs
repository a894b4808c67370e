//! One shot: reads files to their end on the log's own time, and hands over or pushes the alerts (`-dsn file://…`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::lapi::{Client, Pushed};
use engine::{Rules, detector};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::alert::Alert;

use crate::acquire::file::follow::Resume;
use crate::acquire::file::glob;
use crate::acquire::reader::Reader;
use crate::acquire::{Entry, Tally};
use crate::metrics::Metrics;
use crate::outbox::Letter;
use crate::outbox::seal::seal;
use crate::pipeline::{self, Effect, Pipeline};
use crate::push::{self, Parts};
use crate::sources::Register;

/// Alerts that wait for the push while lines are read on.
const QUEUE: usize = 1024;

/// Attempts for one batch, five to ten seconds apart at the end: the Local API may be restarting.
const ATTEMPTS: u32 = 6;

/// What is read.
#[derive(Debug, Clone)]
pub struct Dsn {
    /// Files, in name order.
    pub paths: Vec<PathBuf>,
    /// Longest line, from `max_buffer_size`.
    pub max_line: Option<usize>,
}

/// Why a replay cannot be run, or was not complete.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one of ours.
    #[error("{dsn}: {message}")]
    Dsn {
        /// As given.
        dsn: String,
        /// What is wrong with it.
        message: String,
    },
    /// A defect of this program, or no threads.
    #[error("replay ended early")]
    Pipeline(#[from] pipeline::Error),
    /// Files that could not be read; the log names them.
    #[error("{0} files could not be read")]
    Files(u64),
    /// Alerts that were not delivered.
    #[error("{count} alerts could not be delivered: {reason}")]
    Undelivered {
        /// How many.
        count: usize,
        /// Why the last attempt failed.
        reason: String,
    },
}

/// Reads `file:///path?max_buffer_size=N`; the path may be a pattern. Upstream: `modules/file/config.go`.
pub fn parse_dsn(dsn: &str) -> Result<Dsn, Error> {
    let wrong = |message: &str| Error::Dsn {
        dsn: dsn.to_owned(),
        message: message.to_owned(),
    };
    let rest = dsn
        .strip_prefix("file://")
        .ok_or_else(|| wrong("only file:// is supported by this version"))?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(wrong("empty file:// DSN"));
    }
    let mut max_line = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("max_buffer_size", value) => {
                max_line = Some(
                    value
                        .parse()
                        .map_err(|_bad| wrong("max_buffer_size is not a number"))?,
                );
            }
            ("log_level", _) => {}
            (key, _) => return Err(wrong(&format!("unknown parameter {key}"))),
        }
    }
    glob::validate(path).map_err(|error| wrong(&error.to_string()))?;
    let paths: Vec<PathBuf> = glob::expand(path).into_iter().collect();
    if paths.is_empty() {
        return Err(wrong("no such file"));
    }
    Ok(Dsn { paths, max_line })
}

/// How a replay runs.
pub struct Settings {
    /// The compiled items.
    pub rules: Arc<Rules>,
    /// Bounds and choices of detection.
    pub detection: detector::Settings,
    /// Parse workers.
    pub workers: usize,
    /// Where counts go.
    pub metrics: Metrics,
}

/// Reads everything and hands each alert to `take`, in order. Blocks until the end or until `take` returns false.
pub fn run(
    settings: Settings,
    dsn: &Dsn,
    labels: &BTreeMap<String, String>,
    token: &CancellationToken,
    mut take: impl FnMut(Alert) -> bool + Send + 'static,
) -> Result<(), Error> {
    let entries = dsn
        .paths
        .iter()
        .map(|path| Entry::one_shot(path, labels.clone(), dsn.max_line))
        .collect();
    let Settings {
        rules,
        detection,
        workers,
        metrics,
    } = settings;
    let counts = metrics.clone();
    let settings = pipeline::Settings {
        rules,
        detection,
        workers,
        metrics,
        restored: None,
    };
    let (mut entrance, pipeline) = Pipeline::start(settings, move |effect| match effect {
        Effect::Alerts { alerts, .. } => alerts.into_iter().all(&mut take),
        Effect::Checkpoint { .. } => true,
    })?;
    let mut read = Tally::default();
    Reader::new(entries, None, Resume::default(), Register::default()).run(
        token,
        &mut |batch| entrance.send(batch),
        &mut |tally, open| {
            read = tally;
            counts.files(tally, open);
        },
    );
    drop(entrance);
    pipeline.join()?;
    if read.errors > 0 {
        Err(Error::Files(read.errors))
    } else {
        Ok(())
    }
}

/// Like [`run`], and pushes the alerts to the Local API while it reads. Returns how many were stored or refused.
pub async fn push(
    settings: Settings,
    dsn: Dsn,
    labels: BTreeMap<String, String>,
    client: &Client,
    token: CancellationToken,
) -> Result<Delivered, Error> {
    let (sender, mut alerts) = mpsc::channel(QUEUE);
    let reading = tokio::task::spawn_blocking(move || {
        run(settings, &dsn, &labels, &token, move |alert| {
            sender.blocking_send(alert).is_ok()
        })
    });
    // The same file replayed again raises its alerts again, as upstream does: the keys are those of this run.
    let run = service::clock::now().as_nanosecond();
    let mut count = 0;
    let mut delivered = Delivered::default();
    let mut batch = Vec::new();
    while alerts.recv_many(&mut batch, push::BATCH).await > 0 {
        let letters: Vec<Letter> = batch
            .drain(..)
            .filter_map(|alert| {
                count += 1;
                letter(&alert, client.machine(), (run, count))
            })
            .collect();
        deliver(client, letters, &mut delivered).await?;
    }
    match reading.await {
        Ok(result) => result.map(|()| delivered),
        Err(_panicked) => Err(pipeline::Error::Panicked.into()),
    }
}

/// What became of the alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Taken by the Local API.
    pub stored: usize,
    /// Refused for good; the log says why.
    pub refused: usize,
}

fn letter(alert: &Alert, machine: &str, salt: (i128, usize)) -> Option<Letter> {
    let sealed = seal(alert, machine, salt)
        .inspect_err(|error| tracing::error!(%error, "alert cannot be written as json"))
        .ok()?;
    Some(Letter {
        id: 0,
        key: sealed.key,
        body: sealed.body,
    })
}

async fn deliver(client: &Client, letters: Vec<Letter>, delivered: &mut Delivered) -> Result<(), Error> {
    let mut parts = Parts::new(letters);
    let mut failures = 0;
    while let Some(letters) = parts.pop() {
        match push::send(client, &letters).await {
            Pushed::Stored(_) => delivered.stored += letters.len(),
            Pushed::Refused(status, reason) => {
                if parts.halve(letters).is_some() {
                    tracing::error!(status = status.as_u16(), reason, "alert is refused for good");
                    delivered.refused += 1;
                }
            }
            Pushed::Unavailable(error) => {
                failures += 1;
                if failures >= ATTEMPTS {
                    return Err(Error::Undelivered {
                        count: letters.len(),
                        reason: error.chain(),
                    });
                }
                tracing::warn!(error = error.chain(), "alerts will be sent again");
                let longest = Duration::from_secs(10);
                tokio::time::sleep(client::retry::backoff(Duration::from_secs(1), longest, failures)).await;
                parts.put_back(letters);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dsn: &str, expected: &str) {
        assert_eq!(
            parse_dsn(dsn).unwrap_err().to_string(),
            format!("{dsn}: {expected}")
        );
    }

    #[test]
    fn a_dsn_says_what_is_wrong_with_it() {
        check("docker://x", "only file:// is supported by this version");
        check("file://", "empty file:// DSN");
        check("file:///nowhere/at/all.log", "no such file");
        check("file:///x?foo=1", "unknown parameter foo");
        check("file:///x?max_buffer_size=a", "max_buffer_size is not a number");
        check("file:///x[", "syntax error in pattern '/x['");
    }

    #[test]
    fn a_dsn_may_be_a_pattern() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("b.log"), "").unwrap();
        std::fs::write(dir.path().join("a.log"), "").unwrap();
        let dsn = parse_dsn(&format!(
            "file://{}/*.log?max_buffer_size=9&log_level=info",
            dir.path().display()
        ));
        let Dsn { paths, max_line } = dsn.unwrap();
        assert_eq!(paths, [dir.path().join("a.log"), dir.path().join("b.log")]);
        assert_eq!(max_line, Some(9));
    }
}
