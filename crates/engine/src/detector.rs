//! The façade: lines in, overflows out. Replay, `explain`, `hubtest` and tests feed a [`Detector`] line by line; the
//! agent's workers call [`digest`] in parallel and hand the digests to one detector in line order.

mod pipeline;

use std::{hash::BuildHasher as _, sync::Arc};

use expr::Memo;
use jiff::Timestamp;

pub use self::pipeline::digest;
use crate::{
    Event, Mode, Name, RawLine, Rules, Text, Worker,
    bucket::{
        Arrival, Closed, Moment, Pour,
        counts::ScenarioCounts,
        shard::{self, Shard},
        snapshot::{Restored, Snapshot},
    },
    counters::Totals,
    parser::Recorder,
    simulation::Simulation,
    trace::Trace,
};

/// Bounds and choices of detection.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Open buckets a scenario may have; beyond them the one left alone longest is dropped and counted.
    pub buckets_per_scenario: usize,
    /// Shards the buckets are spread over; changes no verdict.
    pub shards: usize,
    /// Longest context value in bytes of JSON (`console_context_value_length`).
    pub context_length: usize,
    /// How often the overflow of an overflow is poured again (`reprocess`).
    pub reprocess_depth: usize,
    /// Which scenarios are simulated.
    pub simulation: Simulation,
}

/// What became of a line in the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Some stage had no successful node.
    Unparsed,
    /// A whitelist dropped the event.
    Whitelisted {
        /// Reason of the whitelist.
        reason: Text,
    },
    /// The event went on to the scenarios.
    Kept,
}

/// A parsed line and the buckets it goes into: what a worker hands to the detector.
#[derive(Debug)]
pub struct Digest {
    /// What the parser said.
    pub outcome: Outcome,
    /// The event; `None` when it was dropped.
    pub event: Option<Arc<Event>>,
    /// The scenarios whose filters matched, in load order.
    pub pours: Vec<Pour>,
}

/// A bucket that overflowed, after the post-overflow stages.
#[derive(Debug)]
pub struct Overflow {
    /// The overflow event.
    pub event: Arc<Event>,
    /// Whether a post-overflow whitelist dropped it; then there are no alerts.
    pub whitelisted: bool,
    /// The alerts to post, one per source.
    pub alerts: Vec<wire::alert::Alert>,
}

/// The buckets of a configuration, and the way from an overflow to its alerts. Single-threaded; reads no clock.
pub struct Detector {
    rules: Arc<Rules>,
    worker: Worker,
    memo: Memo,
    shards: Vec<Shard>,
    settings: Settings,
    sourceless: u64,
}

/// What one line or tick causes, while it is being caused.
struct Flow<'t> {
    now: Timestamp,
    /// How many overflows deep the pouring is.
    depth: usize,
    trace: Option<&'t mut Trace>,
    overflows: Vec<Overflow>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            buckets_per_scenario: shard::BUCKETS_PER_SCENARIO,
            shards: 1,
            context_length: crate::context::VALUE_LENGTH,
            reprocess_depth: 5,
            simulation: Simulation::default(),
        }
    }
}

impl Detector {
    /// Returns a detector without open buckets.
    pub fn new(rules: Arc<Rules>, settings: Settings) -> Self {
        let scenarios = rules.scenarios();
        let limit = settings.buckets_per_scenario;
        let shards = (0..settings.shards.max(1))
            .map(|_| Shard::new(scenarios.specs.clone(), scenarios.families.clone(), limit))
            .collect();
        Self {
            memo: Memo::new(rules.library()),
            worker: rules.worker(),
            shards,
            settings,
            sourceless: 0,
            rules,
        }
    }

    /// Parses `line` and pours it; returns what the parser said and the overflows it caused.
    pub fn feed(&mut self, line: RawLine, mode: Mode, now: Timestamp) -> (Outcome, Vec<Overflow>) {
        let digest = digest(&self.rules, &mut self.worker, line, mode, now, None);
        let overflows = self.pour(&digest, now);
        (digest.outcome, overflows)
    }

    /// Like [`Detector::feed`], and records every node, pour and overflow in `trace`.
    pub fn feed_traced(
        &mut self,
        line: RawLine,
        mode: Mode,
        now: Timestamp,
        trace: &mut Trace,
    ) -> (Outcome, Vec<Overflow>) {
        let digest = digest(&self.rules, &mut self.worker, line, mode, now, Some(trace));
        let overflows = self.pour_recorded(&digest, now, Some(trace));
        (digest.outcome, overflows)
    }

    /// Pours a digest into its buckets. Digests must come in line order; `now` is the wall clock.
    pub fn pour(&mut self, digest: &Digest, now: Timestamp) -> Vec<Overflow> {
        self.pour_recorded(digest, now, None)
    }

    /// Ends the buckets whose time is over at `now`; counters overflow.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Overflow> {
        let mut flow = Flow {
            now,
            depth: 0,
            trace: None,
            overflows: Vec::new(),
        };
        self.end_due(&mut flow);
        flow.overflows
    }

    /// Returns when [`Detector::tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let nanos = self.shards.iter().filter_map(Shard::next_deadline).min()?;
        Timestamp::from_nanosecond(i128::from(nanos)).ok()
    }

    /// Returns the open buckets and blackholes, to be stored with the positions of the log files.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.shards, &self.rules.scenarios().specs)
    }

    /// Puts the buckets of a snapshot back; those of scenarios that are gone or changed are dropped.
    pub fn restore(&mut self, snapshot: Snapshot) -> Restored {
        let scenarios = self.rules.scenarios();
        let count = self.shards.len();
        let shard_of =
            |id: u32, partition: &str| shard_number(scenarios.families.get(id as usize), partition, count);
        snapshot.restore(&mut self.shards, &scenarios.specs, &scenarios.families, &shard_of)
    }

    /// Adds the counts of buckets to `totals`, under upstream's metric names.
    pub fn add_totals(&self, totals: &mut Totals) {
        let specs = &self.rules.scenarios().specs;
        for shard in &self.shards {
            shard.counts().add_to(
                |id| {
                    specs
                        .get(id as usize)
                        .map_or_else(|| Name::new(""), |spec| spec.name)
                },
                totals,
            );
        }
    }

    /// Returns name, counts and open buckets (`cs_buckets`) of every scenario document, in load order.
    pub fn scenario_counts(&self) -> Vec<(Name, ScenarioCounts, usize)> {
        let rows = (0..).zip(self.rules.scenarios().specs.iter()).map(|(id, spec)| {
            let mut counts = ScenarioCounts::default();
            for shard in &self.shards {
                counts.add(shard.counts().of(id));
            }
            (
                spec.name,
                counts,
                self.shards.iter().map(|shard| shard.open_buckets(id)).sum(),
            )
        });
        rows.collect()
    }

    /// Returns how many overflows made no alert because their events had no usable source.
    pub fn sourceless(&self) -> u64 {
        self.sourceless
    }

    /// Returns the rules.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    fn pour_recorded(&mut self, digest: &Digest, now: Timestamp, trace: Option<&mut Trace>) -> Vec<Overflow> {
        let mut flow = Flow {
            now,
            depth: 0,
            trace,
            overflows: Vec::new(),
        };
        self.end_due(&mut flow);
        if let Some(event) = &digest.event {
            self.pour_event(event.clone(), &digest.pours, &mut flow);
        }
        flow.overflows
    }

    /// Ends what has ended by the wall clock.
    fn end_due(&mut self, flow: &mut Flow<'_>) {
        let moment = Moment::utc(flow.now);
        let mut closed = Vec::new();
        for shard in &mut self.shards {
            if shard
                .next_deadline()
                .is_some_and(|deadline| deadline <= moment.nanos)
            {
                pipeline::judged(&self.rules, &mut self.memo, &self.settings, flow.now, |judge| {
                    shard.tick(judge, &moment, &mut closed);
                });
            }
        }
        for closed in closed {
            self.overflow(&closed, flow);
        }
    }

    fn pour_event(&mut self, event: Arc<Event>, pours: &[Pour], flow: &mut Flow<'_>) {
        if pours.is_empty() {
            return;
        }
        let arrival = Arrival::new(event, flow.now);
        let mut closed = Vec::new();
        for pour in pours {
            let spec = self.rules.scenarios().specs.get(pour.scenario as usize);
            if let (Some(trace), Some(spec)) = (flow.trace.as_deref_mut(), spec) {
                trace.pour(spec.name, arrival.event.clone());
            }
            let index = self.shard_of(pour);
            let Some(shard) = self.shards.get_mut(index) else {
                continue;
            };
            pipeline::judged(&self.rules, &mut self.memo, &self.settings, flow.now, |judge| {
                shard.pour(judge, &arrival, pour, &mut closed);
            });
        }
        for closed in closed {
            self.overflow(&closed, flow);
        }
    }

    /// Takes an overflow through the post-overflow stages, keeps it, and pours it again if its scenario says so.
    fn overflow(&mut self, closed: &Closed, flow: &mut Flow<'_>) {
        let rules = self.rules.clone();
        let Some(alert) = pipeline::runtime_alert(&rules, &mut self.memo, &self.settings, closed, flow.now)
        else {
            self.sourceless += 1;
            return;
        };
        let reprocess = alert.reprocess;
        let stop = alert
            .alert()
            .map(|alert| alert.stop_at.clone())
            .unwrap_or_default();
        let mut event = Event::from_overflow(alert, flow.now, stop);
        let recorder = flow.trace.as_deref_mut().map(|trace| trace as &mut dyn Recorder);
        rules.parse_overflow(&mut self.worker, &mut event, flow.now, recorder);
        let whitelisted = event.whitelisted
            || event
                .overflow
                .as_ref()
                .is_some_and(|overflow| overflow.whitelisted);
        let pours = if reprocess && !whitelisted && flow.depth < self.settings.reprocess_depth {
            pipeline::pours(&rules, &mut self.memo, &mut event, flow.now)
        } else {
            Vec::new()
        };
        let alerts = match &event.overflow {
            Some(overflow) if !whitelisted => crate::alert::to_wire(overflow),
            _ => Vec::new(),
        };
        let event = Arc::new(event);
        if let Some(trace) = flow.trace.as_deref_mut() {
            trace.overflow(event.clone());
        }
        flow.overflows.push(Overflow {
            event: event.clone(),
            whitelisted,
            alerts,
        });
        flow.depth += 1;
        self.pour_event(event, &pours, flow);
        flow.depth -= 1;
    }

    fn shard_of(&self, pour: &Pour) -> usize {
        let family = self.rules.scenarios().families.get(pour.scenario as usize);
        shard_number(family, &pour.partition, self.shards.len())
    }
}

/// Returns the number of the shard, of `count`, that owns a bucket key.
fn shard_number(family: Option<&u32>, partition: &str, count: usize) -> usize {
    if count <= 1 {
        return 0;
    }
    let hash = foldhash::fast::FixedState::default().hash_one((family, partition));
    usize::try_from(hash % count as u64).unwrap_or(0)
}
