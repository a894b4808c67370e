//! Counters of the operator, shown with those of every process on 6060.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

/// The operator's own counters; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconciles: IntCounterVec,
    errors: IntCounterVec,
    calls: IntCounterVec,
    leader: IntGauge,
}

impl Metrics {
    /// Makes the counters and registers them.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            reconciles: IntCounterVec::new(
                Opts::new(
                    "crowdsec_operator_reconciles_total",
                    "Resources looked at, by kind.",
                ),
                &["kind"],
            )?,
            errors: IntCounterVec::new(
                Opts::new(
                    "crowdsec_operator_reconcile_errors_total",
                    "Failures, by kind and reason.",
                ),
                &["kind", "reason"],
            )?,
            calls: IntCounterVec::new(
                Opts::new(
                    "crowdsec_operator_api_calls_total",
                    "Requests to the API server, by method.",
                ),
                &["method"],
            )?,
            leader: IntGauge::new(
                "crowdsec_operator_leader",
                "Whether this operator holds the lease and acts.",
            )?,
        };
        registry.register(Box::new(metrics.reconciles.clone()))?;
        registry.register(Box::new(metrics.errors.clone()))?;
        registry.register(Box::new(metrics.calls.clone()))?;
        registry.register(Box::new(metrics.leader.clone()))?;
        Ok(metrics)
    }

    /// Counts a resource that was looked at, and the reason when that failed.
    pub fn reconciled(&self, kind: &str, failure: Option<&str>) {
        self.reconciles.with_label_values(&[kind]).inc();
        if let Some(reason) = failure {
            self.errors.with_label_values(&[kind, reason]).inc();
        }
    }

    /// Counts a request to the API server.
    pub fn called(&self, method: &str) {
        self.calls.with_label_values(&[method]).inc();
    }

    /// Says whether this operator acts.
    pub fn lead(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }
}
