//! Counters of the Local API under upstream's names. Upstream: `pkg/metrics/lapi.go`.

use std::time::Duration;

use config::resolved::MetricsLevel;
use http::Method;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::stamp::Stamp;
use crate::store::Store;

const BUCKETS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0,
];

/// All counters; registered as far as the level says.
#[derive(Debug)]
pub struct Metrics {
    routes: IntCounterVec,
    machines: IntCounterVec,
    bouncers: IntCounterVec,
    hits: IntCounterVec,
    misses: IntCounterVec,
    durations: HistogramVec,
    gauges: Gauges,
}

/// What is computed when someone looks.
#[derive(Debug, Clone)]
pub struct Gauges {
    decisions: IntGaugeVec,
    alerts: IntGaugeVec,
    heartbeats: IntGaugeVec,
}

impl Metrics {
    /// Makes the counters and registers them.
    pub fn new(registry: &Registry, level: MetricsLevel) -> Result<Self, prometheus::Error> {
        let counter =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            routes: counter(
                "cs_lapi_route_requests_total",
                "Number of calls to each route per method.",
                &["route", "method"],
            )?,
            machines: counter(
                "cs_lapi_machine_requests_total",
                "Number of calls to each route per method grouped by machines.",
                &["machine", "route", "method"],
            )?,
            bouncers: counter(
                "cs_lapi_bouncer_requests_total",
                "Number of calls to each route per method grouped by bouncers.",
                &["bouncer", "route", "method"],
            )?,
            hits: counter(
                "cs_lapi_decisions_ok_total",
                "Number of calls to /decisions that returned non-nil result.",
                &["bouncer"],
            )?,
            misses: counter(
                "cs_lapi_decisions_ko_total",
                "Number of calls to /decisions that returned nil result.",
                &["bouncer"],
            )?,
            durations: HistogramVec::new(
                HistogramOpts::new("cs_lapi_request_duration_seconds", "Response time of LAPI")
                    .buckets(BUCKETS.to_vec()),
                &["endpoint", "method"],
            )?,
            gauges: Gauges {
                decisions: IntGaugeVec::new(
                    Opts::new("cs_active_decisions", "Number of active decisions."),
                    &["reason", "origin", "action"],
                )?,
                heartbeats: IntGaugeVec::new(
                    Opts::new(
                        "cs_machines_last_heartbeat_timestamp",
                        "Timestamp of the last heartbeat of each machine.",
                    ),
                    &["machine"],
                )?,
                alerts: IntGaugeVec::new(
                    Opts::new("cs_alerts", "Number of alerts (excluding CAPI)."),
                    &["reason"],
                )?,
            },
        };
        if level != MetricsLevel::None {
            registry.register(Box::new(metrics.routes.clone()))?;
        }
        if level == MetricsLevel::Full {
            registry.register(Box::new(metrics.machines.clone()))?;
            registry.register(Box::new(metrics.bouncers.clone()))?;
            registry.register(Box::new(metrics.hits.clone()))?;
            registry.register(Box::new(metrics.misses.clone()))?;
            registry.register(Box::new(metrics.durations.clone()))?;
            registry.register(Box::new(metrics.gauges.decisions.clone()))?;
            registry.register(Box::new(metrics.gauges.alerts.clone()))?;
            registry.register(Box::new(metrics.gauges.heartbeats.clone()))?;
        }
        Ok(metrics)
    }

    /// Returns what must be refreshed before someone looks.
    pub fn gauges(&self) -> Gauges {
        self.gauges.clone()
    }

    /// Counts a request; unknown paths are `invalid-endpoint`, `/health` is not counted.
    pub(crate) fn request(&self, template: &str, method: &Method, elapsed: Duration) {
        if template == "/health" {
            return;
        }
        let route = if template.is_empty() {
            "invalid-endpoint"
        } else {
            template
        };
        self.routes.with_label_values(&[route, method_name(method)]).inc();
        self.durations
            .with_label_values(&[template, method_name(method)])
            .observe(elapsed.as_secs_f64());
    }

    pub(crate) fn machine(&self, machine: &str, route: &str, method: &Method) {
        self.machines
            .with_label_values(&[machine, route, method_name(method)])
            .inc();
    }

    pub(crate) fn bouncer(&self, bouncer: &str, route: &str, method: &Method) {
        self.bouncers
            .with_label_values(&[bouncer, route, method_name(method)])
            .inc();
    }

    pub(crate) fn decisions(&self, bouncer: &str, any: bool) {
        let counter = if any { &self.hits } else { &self.misses };
        counter.with_label_values(&[bouncer]).inc();
    }
}

impl Gauges {
    /// Sets the gauges from the live model and the database.
    pub async fn refresh(&self, store: &Store) {
        let now = Stamp(service::clock::now()).nanoseconds();
        let decisions = store.live().decisions(|all| all.count(now));
        self.decisions.reset();
        for ((reason, origin, action), count) in decisions {
            self.decisions
                .with_label_values(&[&*reason, &*origin, &*action])
                .set(count);
        }
        match store.count_alerts().await {
            Ok(alerts) => {
                self.alerts.reset();
                for (reason, count) in alerts {
                    self.alerts.with_label_values(&[reason]).set(count);
                }
            }
            Err(error) => tracing::warn!("counting alerts: {error}"),
        }
        match store.machines().await {
            Ok(machines) => {
                self.heartbeats.reset();
                for machine in machines {
                    if let Some(at) = machine.last_heartbeat {
                        self.heartbeats
                            .with_label_values(&[machine.machine_id])
                            .set(at.as_second());
                    }
                }
            }
            Err(error) => tracing::warn!("reading heartbeats: {error}"),
        }
    }
}

/// Names the method; anything that no route has is one label, so that strangers cannot make new ones.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET | Method::POST | Method::HEAD | Method::DELETE | Method::PUT => method.as_str(),
        _ => "other",
    }
}
