//! Buckets: what scenarios count in. A shard owns them, expressions judge them, a full one becomes an overflow.

pub mod blackhole;
pub mod counts;
pub mod limiter;
pub mod load;
pub mod queue;
pub mod scenarios;
pub mod scope;
pub mod shard;
pub mod snapshot;
pub mod spec;
pub mod wheel;

mod slab;

use std::{collections::HashSet, hash::Hash, sync::Arc};

use golang::time::Time;

use self::{limiter::Limiter, queue::Queue, spec::BucketKind};
use crate::{Event, Mode, Text};

/// Number of a scenario document in load order.
pub type ScenarioId = u32;

/// Identity of a bucket: documents with the same name and filter share their buckets, one for each partition.
///
/// Upstream: `manager_load.go`, the sha1 of filter, groupby value and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Number of the (filter, name) pair.
    pub family: u32,
    /// Value of `groupby`; empty without one.
    pub partition: Arc<str>,
}

/// A moment as nanoseconds since the epoch and as Go would print it.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Nanoseconds since the epoch, clamped to ±292 years.
    pub nanos: i64,
    /// The moment with the offset it was written with.
    pub time: Time,
}

/// An event on its way into the buckets.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The event, shared by all buckets that keep it.
    pub event: Arc<Event>,
    /// Wall clock.
    pub now: Moment,
    /// The event's own time; `None` when the log had none that could be read.
    pub logged: Option<Moment>,
}

/// One filter that matched: the event goes into the bucket `partition` of `scenario`.
#[derive(Debug, Clone)]
pub struct Pour {
    /// The scenario whose filter matched.
    pub scenario: ScenarioId,
    /// Value of its `groupby`.
    pub partition: Text,
    /// Value of its `distinct`; `None` when it has none or the expression failed, and then the event passes.
    pub distinct: Option<Text>,
}

/// A bucket that overflowed and is to become an alert.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The scenario that owned the bucket.
    pub scenario: ScenarioId,
    /// Its identity.
    pub key: Key,
    /// Number of the bucket within its shard, unique in a process.
    pub instance: u64,
    /// Time of the first event.
    pub first: Moment,
    /// Time of the last event.
    pub last: Moment,
    /// Time of the overflow.
    pub stop: Moment,
    /// Events poured.
    pub total: u64,
    /// Events kept, oldest first.
    pub events: Vec<Arc<Event>>,
}

/// What a condition sees of a bucket (`queue`, `leaky`).
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The scenario that owns the bucket.
    pub scenario: ScenarioId,
    /// Its identity.
    pub key: &'a Key,
    /// Events kept, oldest first.
    pub queue: &'a Queue,
    /// Time of the first event.
    pub first: Option<&'a Moment>,
    /// Time of the last event.
    pub last: Option<&'a Moment>,
    /// Events poured.
    pub total: u64,
}

/// Answers what a scenario's expressions say; the shard knows none of their language.
pub trait Judge {
    /// Returns the value of the `distinct` of `scenario` for `event`; `None` when the expression failed.
    fn distinct(&mut self, scenario: ScenarioId, event: &Arc<Event>) -> Option<Text>;

    /// Returns whether `cancel_on` of `scenario` is true for `event`.
    fn cancels(&mut self, scenario: ScenarioId, event: &Arc<Event>) -> bool;

    /// Returns whether the `condition` is true after `event` was poured.
    fn condition(&mut self, event: &Arc<Event>, bucket: View<'_>) -> bool;

    /// Returns whether the bayesian condition number `index` is true after `event` was poured.
    fn weight(&mut self, index: usize, event: &Arc<Event>, bucket: View<'_>) -> bool;

    /// Returns whether `overflow_filter` lets the overflow pass.
    fn lets_pass(&mut self, closed: &Closed) -> bool;
}

/// Most values a `distinct` bucket remembers; what comes after is taken as new.
pub const DISTINCT_BOUND: usize = 100_000;

/// An instance of a scenario for one partition.
#[derive(Debug)]
struct Bucket {
    owner: ScenarioId,
    key: Key,
    instance: u64,
    kind: BucketKind,
    mode: Mode,
    limiter: Limiter,
    queue: Queue,
    first: Option<Moment>,
    last: Option<Moment>,
    total: u64,
    seen: HashSet<Box<str>, foldhash::fast::RandomState>,
    /// Wall clock at which the bucket ends by itself; `None` for buckets that follow the log's clock.
    deadline: Option<i64>,
    /// Bayesian conditions that stay true.
    stuck: Vec<bool>,
}

impl Moment {
    /// Returns the moment `time`.
    pub fn new(time: Time) -> Self {
        let nanos = time.timestamp().as_nanosecond();
        let clamped = i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX });
        Self { nanos: clamped, time }
    }

    /// Returns the moment `at` as UTC.
    pub fn utc(at: jiff::Timestamp) -> Self {
        Self::new(Time::from_timestamp(at))
    }
}

impl Arrival {
    /// Returns `event` arriving at `now`.
    pub fn new(event: Arc<Event>, now: jiff::Timestamp) -> Self {
        let logged = (!event.marshaled_time.is_empty())
            .then(|| Time::parse(golang::time::RFC3339, &event.marshaled_time).ok())
            .flatten()
            .map(Moment::new);
        Self {
            event,
            now: Moment::utc(now),
            logged,
        }
    }

    /// Returns the time that buckets of `mode` follow.
    fn at(&self, mode: Mode) -> Option<&Moment> {
        match mode {
            Mode::Live => Some(&self.now),
            Mode::TimeMachine => self.logged.as_ref(),
        }
    }
}

impl Bucket {
    fn view(&self) -> View<'_> {
        View {
            scenario: self.owner,
            key: &self.key,
            queue: &self.queue,
            first: self.first.as_ref(),
            last: self.last.as_ref(),
            total: self.total,
        }
    }
}

/// A key looked up without owning its partition.
struct KeyRef<'a> {
    family: u32,
    partition: &'a str,
}

impl Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        KeyRef {
            family: self.family,
            partition: &self.partition,
        }
        .hash(state);
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u32(self.family);
        self.partition.hash(state);
    }
}

impl hashbrown::Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.family == key.family && *self.partition == *key.partition
    }
}
