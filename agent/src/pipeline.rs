//! From batches of lines to alerts: parse workers, then one detector that sees the lines in the order of reading.
//!
//! Batch `k` goes to worker `k mod n` and is taken back from it, so the number of workers cannot change a verdict.
//! Every queue is bounded: when the end is slow, the reader stops.

mod detect;
mod parse;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use engine::Rules;
use engine::detector::{self, Digest};
use jiff::Timestamp;
use wire::alert::Alert;

use crate::acquire::cri::Partials;
use crate::acquire::{Batch, FileId, Note};
use crate::checkpoint::Position;
use crate::metrics::Metrics;
use crate::sources::Counts;

pub use detect::Restored;

/// Batches that wait between two steps, per worker.
const QUEUE: usize = 4;

/// Most parse workers.
const WORKERS: usize = 64;

/// What the detector hands on, in order.
#[derive(Debug)]
pub enum Effect {
    /// Alerts, and how far the lines are done that caused them.
    Alerts {
        /// When the last of the lines was handled.
        at: Timestamp,
        /// The alerts, in the order of the overflows.
        alerts: Vec<Alert>,
        /// Files that moved since the last effect.
        positions: Vec<Position>,
    },
    /// A consistent cut: what came before it is contained, what comes after is not.
    Checkpoint {
        /// All files.
        positions: Vec<Position>,
        /// See [`crate::checkpoint::Checkpoint`].
        patterns: Vec<String>,
        /// The open buckets.
        buckets: Option<Box<serde_json::value::RawValue>>,
        /// False while lines are still read again that had their effect before a crash: what is known of those
        /// effects must then be kept.
        is_caught_up: bool,
    },
}

/// How lines become alerts.
pub struct Settings {
    /// The compiled items.
    pub rules: Arc<Rules>,
    /// Bounds and choices of detection.
    pub detection: detector::Settings,
    /// Parse workers, at least 1.
    pub workers: usize,
    /// Where counts go.
    pub metrics: Metrics,
    /// What a restart begins with; `None` when positions and buckets are nobody's concern (replay).
    pub restored: Option<Restored>,
}

/// A parsed batch.
#[derive(Debug, Default)]
struct Parsed {
    notes: Vec<Note>,
    lines: Vec<Line>,
}

/// A parsed line and what a checkpoint needs to know of it.
#[derive(Debug)]
struct Line {
    file: FileId,
    end: u64,
    partials: Option<Arc<Partials>>,
    is_replay: bool,
    counts: Option<Arc<Counts>>,
    at: Timestamp,
    digest: Digest,
}

/// Where the reader puts its batches.
#[derive(Debug)]
pub struct Entrance {
    workers: Vec<SyncSender<Batch>>,
    next: usize,
}

impl Entrance {
    /// Hands over a batch; waits while the pipeline is full. `false` when it is gone.
    pub fn send(&mut self, batch: Batch) -> bool {
        let Some(worker) = self.workers.get(self.next) else {
            return false;
        };
        self.next = (self.next + 1) % self.workers.len();
        worker.send(batch).is_ok()
    }
}

/// The running threads of a pipeline.
#[derive(Debug)]
pub struct Pipeline {
    threads: Vec<JoinHandle<()>>,
}

/// A thread of the pipeline panicked, or could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system has no more threads.
    #[error("unable to start a thread")]
    Start(#[source] std::io::Error),
    /// A defect of this program.
    #[error("a thread of the pipeline panicked")]
    Panicked,
}

impl Pipeline {
    /// Starts the threads. They end when the entrance is dropped, after everything that was sent is handled.
    ///
    /// `take` runs on the detector's thread; it may block, and returns false when nobody listens any more.
    pub fn start(
        settings: Settings,
        take: impl FnMut(Effect) -> bool + Send + 'static,
    ) -> Result<(Entrance, Self), Error> {
        let count = settings.workers.clamp(1, WORKERS);
        let (mut entrances, mut exits): (Vec<SyncSender<Batch>>, Vec<Receiver<Parsed>>) =
            (Vec::new(), Vec::new());
        let mut threads = Vec::new();
        for number in 0..count {
            let (entrance, batches) = sync_channel(QUEUE);
            let (exit, parsed) = sync_channel(QUEUE);
            entrances.push(entrance);
            exits.push(parsed);
            let worker = parse::Worker::new(Arc::clone(&settings.rules), settings.metrics.clone());
            threads.push(spawn(format!("parse-{number}"), move || {
                worker.run(&batches, &exit);
            })?);
        }
        let detector = detect::Detecting::new(settings, exits, take);
        threads.push(spawn("detect".to_owned(), move || detector.run())?);
        Ok((
            Entrance {
                workers: entrances,
                next: 0,
            },
            Self { threads },
        ))
    }

    /// Waits until everything is handled. Blocks.
    pub fn join(self) -> Result<(), Error> {
        let mut result = Ok(());
        for thread in self.threads {
            if thread.join().is_err() {
                result = Err(Error::Panicked);
            }
        }
        result
    }
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    thread::Builder::new()
        .name(name)
        .spawn(body)
        .map_err(Error::Start)
}
