//! A scenario as checked at load: every value in range, every duration read, no expression compiled yet.

use std::sync::Arc;

use golang::duration::Duration;

use crate::{Name, data::DataEntry};

/// What kind of bucket a scenario asks for. Upstream: `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BucketKind {
    /// Overflows when events come faster than the bucket leaks.
    Leaky,
    /// Overflows at once.
    Trigger,
    /// Overflows when the condition over its queue becomes true.
    Conditional,
    /// Overflows a fixed time after its first event, with whatever is queued.
    Counter,
    /// Overflows when the probability computed from its conditions passes the threshold.
    Bayesian,
}

/// What an alert of the scenario is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `Ip`, `Range` or the scenario's own word.
    pub name: Name,
    /// Expression that gives the value; absent for `Ip`, required for an own word.
    pub expression: Option<String>,
}

/// One weighed condition of a bayesian bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// Expression over `evt`, `queue` and `leaky`.
    pub condition: String,
    /// Probability of the condition given an attack.
    pub given_evil: f32,
    /// Probability of the condition given none.
    pub given_benign: f32,
    /// Whether the condition stays true once it was.
    pub guillotine: bool,
}

/// A checked scenario document.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Name of the scenario.
    pub name: Name,
    /// Install path of its file.
    pub file: Arc<str>,
    /// Line of the document's first key in the file, from 1.
    pub line: usize,
    /// Version of the hub item; empty for a local one.
    pub version: Arc<str>,
    /// SHA-256 of the file, hex.
    pub hash: Arc<str>,
    /// What the scenario is for.
    pub description: String,
    /// What kind of bucket.
    pub kind: BucketKind,
    /// Which events are poured.
    pub filter: Arc<str>,
    /// Partition of the events into buckets; absent means one bucket.
    pub groupby: Option<String>,
    /// Tokens of the bucket; -1 means no limit.
    pub capacity: i64,
    /// Time in which one token leaks.
    pub leakspeed: Duration,
    /// Life of a counter.
    pub duration: Duration,
    /// How long a bucket key stays silent after an alert.
    pub blackhole: Option<Duration>,
    /// Events with a value seen before are dropped.
    pub distinct: Option<String>,
    /// Overflows the bucket when true after a pour.
    pub condition: Option<String>,
    /// Ends the bucket without an alert when true for an event.
    pub cancel_on: Option<String>,
    /// Drops the overflow unless true.
    pub overflow_filter: Option<String>,
    /// Events kept, when fewer than the capacity; 0 when absent.
    pub cache_size: i64,
    /// What the alert is about.
    pub scope: Scope,
    /// Whether `labels.remediation` is the boolean true.
    pub remediation: bool,
    /// Whether the overflow is poured into the scenarios again.
    pub reprocess: bool,
    /// Data files.
    pub data: Vec<DataEntry>,
    /// Probability of an attack before any event.
    pub prior: f32,
    /// Probability beyond which a bayesian bucket overflows.
    pub threshold: f32,
    /// Conditions of a bayesian bucket.
    pub weights: Vec<Weight>,
}

impl Spec {
    /// Returns how long a bucket lives: after its last event, for a counter after its first.
    pub fn lifetime(&self) -> Duration {
        match self.kind {
            BucketKind::Leaky => {
                let leaks = self.capacity.max(0).saturating_add(1);
                Duration(leaks.saturating_mul(self.leakspeed.0))
            }
            BucketKind::Conditional | BucketKind::Bayesian => self.leakspeed,
            BucketKind::Counter => self.duration,
            BucketKind::Trigger => Duration::ZERO,
        }
    }
}
