//! The detector thread: takes parsed batches in order, pours them, keeps the time, cuts checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use engine::bucket::snapshot::Snapshot;
use engine::counters::{Series, Totals};
use engine::detector::{Detector, Outcome, Overflow};
use jiff::{SignedDuration, Timestamp};
use prometheus::Histogram;
use serde_json::value::RawValue;
use wire::alert::Alert;

use crate::acquire::{FileId, Note};
use crate::checkpoint::Position;
use crate::metrics::{FILE_HITS, Metrics};
use crate::outbox::seal;
use crate::pipeline::{Effect, Line, Parsed, Settings};

/// The window of a crash: lines after the last checkpoint are read again.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// Counts become visible this often.
const PUBLISH: Duration = Duration::from_millis(250);

/// Buckets that end by the clock do so this much late, so that lines read before the end are poured before it.
const GRACE: SignedDuration = SignedDuration::from_millis(20);

/// What a restart begins with.
#[derive(Debug, Default)]
pub struct Restored {
    /// The open buckets of the checkpoint.
    pub buckets: Option<Box<RawValue>>,
    /// Identities of alerts that were recorded after it: the same overflow computed again is no new alert.
    pub identities: BTreeSet<String>,
}

/// The state of the thread.
pub(super) struct Detecting<T> {
    detector: Detector,
    metrics: Metrics,
    exits: Vec<Receiver<Parsed>>,
    take: T,
    /// Whether positions and buckets are kept.
    keeps: bool,
    positions: BTreeMap<FileId, Position>,
    moved: BTreeSet<FileId>,
    patterns: Vec<String>,
    identities: BTreeSet<String>,
    /// Whether all lines were read again that had their effect before a crash.
    is_caught_up: bool,
    checkpointing: Chore,
    publishing: Chore,
    timing: Option<(std::sync::Arc<str>, Histogram)>,
}

/// Something that is done now and then, if there is a reason.
struct Chore {
    done_at: Instant,
    is_needed: bool,
}

impl Chore {
    fn is_due(&self, interval: Duration) -> bool {
        self.is_needed && self.done_at.elapsed() >= interval
    }
}

impl<T: FnMut(Effect) -> bool> Detecting<T> {
    pub(super) fn new(settings: Settings, exits: Vec<Receiver<Parsed>>, take: T) -> Self {
        let Settings {
            rules,
            detection,
            workers: _,
            metrics,
            restored,
        } = settings;
        metrics.begin_rules();
        let mut detector = Detector::new(rules, detection);
        let keeps = restored.is_some();
        let Restored { buckets, identities } = restored.unwrap_or_default();
        if let Some(buckets) = buckets {
            restore(&mut detector, &buckets);
        }
        let now = Instant::now();
        Self {
            detector,
            metrics,
            exits,
            take,
            keeps,
            positions: BTreeMap::new(),
            moved: BTreeSet::new(),
            patterns: Vec::new(),
            identities,
            is_caught_up: false,
            checkpointing: Chore {
                done_at: now,
                is_needed: false,
            },
            publishing: Chore {
                done_at: now,
                is_needed: false,
            },
            timing: None,
        }
    }

    /// Works until the workers are gone, then cuts a last checkpoint.
    pub(super) fn run(mut self) {
        let mut next = 0;
        while let Some(exit) = self.exits.get(next) {
            match exit.recv_timeout(self.patience()) {
                Ok(parsed) => {
                    next = (next + 1) % self.exits.len();
                    if !self.handle(parsed) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.tick() || (self.checkpointing.is_due(CHECKPOINT) && !self.checkpoint()) {
                return;
            }
            if self.publishing.is_due(PUBLISH) {
                self.publish();
            }
        }
        self.checkpoint();
        self.publish();
    }

    /// How long the next batch may be waited for.
    fn patience(&self) -> Duration {
        let deadline = self.detector.next_deadline().map_or(PUBLISH, |deadline| {
            let left = deadline.saturating_add(GRACE).map_or(SignedDuration::MAX, |due| {
                due.duration_since(service::clock::now())
            });
            Duration::try_from(left).unwrap_or_default()
        });
        deadline.min(PUBLISH)
    }

    fn handle(&mut self, parsed: Parsed) -> bool {
        let Parsed { notes, lines } = parsed;
        let mut is_new = false;
        for note in notes {
            self.checkpointing.is_needed = true;
            match note {
                Note::Position(id, mut position) => {
                    if let Some(known) = self.positions.get(&id) {
                        // The reader is ahead: what counts is how far the lines were handled.
                        position.offset = known.offset;
                        position.partials.clone_from(&known.partials);
                    } else {
                        is_new = true;
                    }
                    self.positions.insert(id, position);
                }
                Note::Closed(id) => {
                    self.positions.remove(&id);
                    self.moved.remove(&id);
                }
                Note::Patterns(patterns) => {
                    self.patterns = patterns;
                    is_new = true;
                }
                Note::CaughtUp => self.is_caught_up = true,
            }
        }
        // Where a new file was begun has to be known before anything of it has an effect, and that the first look
        // was taken before anyone relies on it.
        if is_new && !self.checkpoint() {
            return false;
        }
        self.publishing.is_needed |= !lines.is_empty();
        let mut alerts = Vec::new();
        let mut last = None;
        for line in lines {
            last = Some(line.at);
            self.pour(line, &mut alerts);
        }
        match last {
            Some(at) if !alerts.is_empty() => self.emit(at, alerts),
            _ => true,
        }
    }

    fn pour(&mut self, line: Line, alerts: &mut Vec<Alert>) {
        let Line {
            file,
            end,
            partials,
            is_replay,
            counts,
            at,
            digest,
        } = line;
        if let Some(counts) = counts {
            counts.line(!matches!(digest.outcome, Outcome::Unparsed), at);
        }
        let overflows = match &digest.event {
            Some(event) => {
                let begun = Instant::now();
                let overflows = self.detector.pour(&digest, at);
                let (source, module) = (event.line.src.clone(), event.line.module.clone());
                self.timing(&source, &module)
                    .observe(begun.elapsed().as_secs_f64());
                overflows
            }
            None => Vec::new(),
        };
        self.checkpointing.is_needed = true;
        if let Some(position) = self.positions.get_mut(&file) {
            position.offset = end;
            position.partials = partials.map(|partials| (*partials).clone()).unwrap_or_default();
            self.moved.insert(file);
        }
        if !is_replay {
            self.collect(overflows, alerts);
        }
    }

    fn collect(&mut self, overflows: Vec<Overflow>, alerts: &mut Vec<Alert>) {
        for overflow in overflows {
            for alert in overflow.alerts {
                if !self.identities.is_empty() && self.identities.remove(&seal::identity(&alert)) {
                    continue;
                }
                tracing::info!("{}", alert.message);
                alerts.push(alert);
            }
        }
    }

    fn tick(&mut self) -> bool {
        let now = service::clock::now();
        let Ok(due) = now.checked_sub(GRACE) else {
            return true;
        };
        if self
            .detector
            .next_deadline()
            .is_none_or(|deadline| deadline > due)
        {
            return true;
        }
        let overflows = self.detector.tick(due);
        self.checkpointing.is_needed = true;
        self.publishing.is_needed = true;
        let mut alerts = Vec::new();
        self.collect(overflows, &mut alerts);
        alerts.is_empty() || self.emit(now, alerts)
    }

    fn emit(&mut self, at: Timestamp, alerts: Vec<Alert>) -> bool {
        let moved = std::mem::take(&mut self.moved);
        let positions = moved
            .iter()
            .filter_map(|id| self.positions.get(id).cloned())
            .collect();
        (self.take)(Effect::Alerts {
            at,
            alerts,
            positions,
        })
    }

    fn checkpoint(&mut self) -> bool {
        if !self.keeps || !self.checkpointing.is_needed {
            return true;
        }
        let begun = Instant::now();
        let effect = Effect::Checkpoint {
            positions: self.positions.values().cloned().collect(),
            patterns: self.patterns.clone(),
            buckets: snapshot(&self.detector),
            is_caught_up: self.is_caught_up,
        };
        self.moved.clear();
        let is_taken = (self.take)(effect);
        // A cut that takes long is made less often: it may cost a twentieth of the time, at most.
        let rest = begun.elapsed().saturating_mul(20).min(10 * CHECKPOINT);
        self.checkpointing = Chore {
            done_at: Instant::now() + rest,
            is_needed: false,
        };
        is_taken
    }

    fn publish(&mut self) {
        self.publishing = Chore {
            done_at: Instant::now(),
            is_needed: false,
        };
        let mut totals = self.detector.rules().totals();
        self.detector.add_totals(&mut totals);
        add_file_hits(&mut totals);
        let mut open: BTreeMap<&'static str, i64> = BTreeMap::new();
        for (name, counts, count) in self.detector.scenario_counts() {
            if counts.instantiated > 0 {
                *open.entry(name.as_str()).or_default() += i64::try_from(count).unwrap_or(i64::MAX);
            }
        }
        self.metrics.publish(&totals, &open);
    }

    fn timing(&mut self, source: &std::sync::Arc<str>, module: &str) -> Histogram {
        match &self.timing {
            Some((known, histogram)) if std::sync::Arc::ptr_eq(known, source) => histogram.clone(),
            _ => {
                let histogram = self.metrics.pouring(module, source);
                self.timing = Some((std::sync::Arc::clone(source), histogram.clone()));
                histogram
            }
        }
    }
}

/// Lines read are lines parsed, well or not: that is where the reader's lines go.
fn add_file_hits(totals: &mut Totals) {
    let mut hits: Totals = Totals::new();
    for (series, count) in totals.iter() {
        let is_line = matches!(
            series.metric,
            "cs_parser_hits_ok_total" | "cs_parser_hits_ko_total"
        );
        if is_line && &*series.kind == "file" {
            *hits
                .entry(Series {
                    metric: FILE_HITS,
                    ..series.clone()
                })
                .or_default() += count;
        }
    }
    totals.extend(hits);
}

fn snapshot(detector: &Detector) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(&detector.snapshot())
        .inspect_err(|error| tracing::error!(%error, "open buckets cannot be written"))
        .ok()
}

fn restore(detector: &mut Detector, buckets: &RawValue) {
    match serde_json::from_str::<Snapshot>(buckets.get()) {
        Ok(snapshot) => {
            let restored = detector.restore(snapshot);
            tracing::info!(?restored, "open buckets are restored");
        }
        Err(error) => tracing::warn!(%error, "open buckets of another version are lost"),
    }
}
