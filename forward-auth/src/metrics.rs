//! What is counted, for Prometheus and for the Local API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The counters; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: IntCounterVec,
    decisions: IntGaugeVec,
    last_pull: IntGauge,
    failed_pulls: IntCounter,
    window: Arc<Mutex<Window>>,
}

/// What happened since the last report to the Local API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Questions by version of the address, `ipv4` or `ipv6`.
    pub processed: BTreeMap<&'static str, u64>,
    /// Refusals by origin of the decision and version of the address.
    pub dropped: BTreeMap<(String, &'static str), u64>,
}

impl Metrics {
    /// Makes the counters and registers them.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "cs_forward_auth_requests_total",
                    "Questions, by answer: allowed, denied, or unknown while no decisions are known.",
                ),
                &["answer"],
            )?,
            decisions: IntGaugeVec::new(
                Opts::new("cs_forward_auth_decisions", "Decisions in force, by origin."),
                &["origin"],
            )?,
            last_pull: IntGauge::new(
                "cs_forward_auth_last_pull_timestamp_seconds",
                "When decisions were last pulled from the Local API.",
            )?,
            failed_pulls: IntCounter::new(
                "cs_forward_auth_failed_pulls_total",
                "Pulls that the Local API did not answer.",
            )?,
            window: Arc::default(),
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.decisions.clone()))?;
        registry.register(Box::new(metrics.last_pull.clone()))?;
        registry.register(Box::new(metrics.failed_pulls.clone()))?;
        Ok(metrics)
    }

    /// Counts a question that was answered with what is known.
    pub fn answered(&self, is_v6: bool, refused_by: Option<&str>) {
        let answer = if refused_by.is_some() { "denied" } else { "allowed" };
        self.requests.with_label_values(&[answer]).inc();
        let version = if is_v6 { "ipv6" } else { "ipv4" };
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        *window.processed.entry(version).or_default() += 1;
        if let Some(origin) = refused_by {
            *window.dropped.entry((origin.to_owned(), version)).or_default() += 1;
        }
    }

    /// Counts a question that came while no decisions were known.
    pub fn unknown(&self) {
        self.requests.with_label_values(&["unknown"]).inc();
    }

    /// Notes a pull that was answered.
    pub fn pulled(&self, at: i64, by_origin: &BTreeMap<String, u64>) {
        self.last_pull.set(at);
        self.decisions.reset();
        for (origin, count) in by_origin {
            self.decisions
                .with_label_values(&[origin])
                .set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    /// Counts a pull that was not answered.
    pub fn pull_failed(&self) {
        self.failed_pulls.inc();
    }

    /// Returns when decisions were last pulled, in Unix seconds; 0 before the first time.
    pub fn last_pull(&self) -> i64 {
        self.last_pull.get()
    }

    /// Takes what happened since the last time.
    pub fn take_window(&self) -> Window {
        std::mem::take(&mut *self.window.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a window back whose report did not arrive.
    pub fn give_back(&self, window: Window) {
        let mut own = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, count) in window.processed {
            *own.processed.entry(key).or_default() += count;
        }
        for (key, count) in window.dropped {
            *own.dropped.entry(key).or_default() += count;
        }
    }
}
