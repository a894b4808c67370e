//! What `/metrics` shows of the agent: upstream's names and labels, and our own about outbox and files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use config::resolved::MetricsLevel;
use engine::counters::{Series, Totals};
use prometheus::{
    Error, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use crate::acquire::Tally;
use crate::outbox::State;

/// Bounds of upstream's two histograms, in seconds (`captures/metrics-1.7.8-agent.txt`).
const SECONDS: [f64; 10] = [
    0.001,
    0.002,
    0.005,
    0.01,
    0.015,
    0.02,
    0.03,
    0.04,
    0.05,
    f64::INFINITY,
];

/// Counters that follow the engine's counts: name, help, labels, whether only level `full` has them.
const COUNTERS: [(&str, &str, &[&str], bool); 14] = [
    (
        "cs_filesource_hits_total",
        "Total lines that were read.",
        &["source", "datasource_type", "acquis_type"],
        false,
    ),
    (
        "cs_parser_hits_total",
        "Total events entered the parser.",
        &["source", "type"],
        false,
    ),
    (
        "cs_parser_hits_ok_total",
        "Total events were successfully parsed.",
        PARSER,
        false,
    ),
    (
        "cs_parser_hits_ko_total",
        "Total events were unsuccessfully parsed.",
        PARSER,
        false,
    ),
    ("cs_node_hits_total", "Total events entered node.", NODE, true),
    (
        "cs_node_hits_ok_total",
        "Total events successfully exited node.",
        NODE,
        true,
    ),
    (
        "cs_node_hits_ko_total",
        "Total events unsuccessfully exited node.",
        NODE,
        true,
    ),
    (
        "cs_node_wl_hits_total",
        "Total events processed by whitelist node.",
        WHITELIST,
        false,
    ),
    (
        "cs_node_wl_hits_ok_total",
        "Total events successfully whitelisted by node.",
        WHITELIST,
        false,
    ),
    (
        "cs_bucket_poured_total",
        "Total events were poured in bucket.",
        &["source", "type", "name"],
        true,
    ),
    (
        "cs_bucket_instantiation_total",
        "Total buckets were instantiated.",
        &["name"],
        false,
    ),
    (
        "cs_bucket_overflowed_total",
        "Total buckets overflowed.",
        &["name"],
        false,
    ),
    (
        "cs_bucket_underflowed_total",
        "Total buckets underflowed.",
        &["name"],
        false,
    ),
    (
        "cs_bucket_canceled_total",
        "Total buckets canceled.",
        &["name"],
        false,
    ),
];

const PARSER: &[&str] = &["source", "type", "acquis_type"];
const NODE: &[&str] = &["source", "type", "name", "stage", "acquis_type"];
const WHITELIST: &[&str] = &["source", "type", "name", "reason", "stage", "acquis_type"];

/// Name of the counter of lines read from files.
pub const FILE_HITS: &str = "cs_filesource_hits_total";

/// The metrics of all agents of a process, over reloads; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    counters: BTreeMap<&'static str, (IntCounterVec, &'static [&'static str])>,
    buckets: IntGaugeVec,
    parsing: HistogramVec,
    pouring: HistogramVec,
    own: Own,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Counts of the rules in force, as last published.
    current: Totals,
    /// Counts over all rules so far.
    all: Totals,
    outbox: State,
    files: Tally,
}

#[derive(Debug)]
struct Own {
    stored: IntCounter,
    refused: IntCounter,
    dropped: IntCounter,
    pending: IntGauge,
    pending_bytes: IntGauge,
    degraded: IntGauge,
    truncated: IntCounter,
    replaced: IntCounter,
    file_errors: IntCounter,
    open_files: IntGauge,
    panics: IntCounter,
}

impl Metrics {
    /// Makes the metrics and registers those that `level` shows; all of them count in any case.
    ///
    /// # Errors
    /// When a name is taken already: a process makes this value once.
    pub fn new(registry: &Registry, level: Option<MetricsLevel>) -> Result<Self, Error> {
        let is_shown = level.is_some_and(|level| level != MetricsLevel::None);
        let is_full = level == Some(MetricsLevel::Full);
        let mut counters = BTreeMap::new();
        for (name, help, labels, is_detail) in COUNTERS {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            if is_shown && (is_full || !is_detail) {
                registry.register(Box::new(counter.clone()))?;
            }
            counters.insert(name, (counter, labels));
        }
        let buckets = IntGaugeVec::new(
            Opts::new("cs_buckets", "Number of buckets that currently exist."),
            &["name"],
        )?;
        let histogram = |name: &str, help: &str| {
            HistogramVec::new(
                HistogramOpts::new(name, help).buckets(SECONDS.to_vec()),
                &["type", "source"],
            )
        };
        let parsing = histogram("cs_parsing_time_seconds", "Time spent parsing a line")?;
        let pouring = histogram(
            "cs_bucket_pour_seconds",
            "Time spent pouring an event to buckets.",
        )?;
        let own = Own::new()?;
        if is_shown {
            registry.register(Box::new(buckets.clone()))?;
            registry.register(Box::new(parsing.clone()))?;
            registry.register(Box::new(pouring.clone()))?;
            own.register(registry)?;
        }
        Ok(Self(Arc::new(Inner {
            counters,
            buckets,
            parsing,
            pouring,
            own,
            seen: Mutex::default(),
        })))
    }

    /// Takes the counts of the rules in force and how many buckets each scenario has open.
    pub fn publish(&self, totals: &Totals, open: &BTreeMap<&'static str, i64>) {
        let mut seen = self.seen();
        for (series, count) in totals {
            let before = seen.current.get(series).copied().unwrap_or_default();
            let more = count.saturating_sub(before);
            if more > 0 {
                self.count(series, more);
                *seen.all.entry(series.clone()).or_default() += more;
                seen.current.insert(series.clone(), *count);
            }
        }
        for (name, count) in open {
            self.0.buckets.with_label_values(&[name]).set(*count);
        }
    }

    /// Says that counts begin at zero again: other rules are in force.
    pub fn begin_rules(&self) {
        self.seen().current.clear();
        self.0.buckets.reset();
    }

    /// Returns all counts over the life of the process.
    pub fn all(&self) -> Totals {
        self.seen().all.clone()
    }

    /// Takes what the outbox looks like.
    pub fn outbox(&self, state: State) {
        let mut seen = self.seen();
        let own = &self.0.own;
        own.dropped
            .inc_by(state.counts.dropped.saturating_sub(seen.outbox.counts.dropped));
        own.pending.set(i64::try_from(state.pending).unwrap_or(i64::MAX));
        own.pending_bytes
            .set(i64::try_from(state.pending_bytes).unwrap_or(i64::MAX));
        own.degraded.set(i64::from(state.is_degraded));
        seen.outbox = state;
    }

    /// Takes the counts of the reader.
    pub fn files(&self, tally: Tally, open: usize) {
        let mut seen = self.seen();
        let own = &self.0.own;
        own.truncated
            .inc_by(tally.truncated.saturating_sub(seen.files.truncated));
        own.replaced
            .inc_by(tally.replaced.saturating_sub(seen.files.replaced));
        own.file_errors
            .inc_by(tally.errors.saturating_sub(seen.files.errors));
        own.open_files.set(i64::try_from(open).unwrap_or(i64::MAX));
        seen.files = tally;
    }

    /// Says that reader and outbox count from zero again.
    pub fn begin_run(&self) {
        let mut seen = self.seen();
        seen.files = Tally::default();
        seen.outbox = State::default();
    }

    /// Counts alerts that the Local API stored.
    pub fn alerts_stored(&self, count: usize) {
        self.0.own.stored.inc_by(count as u64);
    }

    /// Counts alerts that the Local API refused for good.
    pub fn alerts_refused(&self, count: usize) {
        self.0.own.refused.inc_by(count as u64);
    }

    /// Counts lines whose parsing panicked.
    pub fn panicked(&self) {
        self.0.own.panics.inc();
    }

    /// Returns the histogram of parsing times for lines of `source`.
    pub fn parsing(&self, module: &str, source: &str) -> Histogram {
        self.0.parsing.with_label_values(&[module, source])
    }

    /// Returns the histogram of pouring times for events of `source`.
    pub fn pouring(&self, module: &str, source: &str) -> Histogram {
        self.0.pouring.with_label_values(&[module, source])
    }

    fn count(&self, series: &Series, more: u64) {
        let Some((counter, labels)) = self.0.counters.get(series.metric) else {
            return;
        };
        let values: Vec<&str> = labels
            .iter()
            .map(|label| match *label {
                "source" => &*series.source,
                "type" | "datasource_type" => &*series.kind,
                "acquis_type" => &*series.acquis_type,
                "name" => series.name,
                "stage" => series.stage,
                "reason" => series.reason,
                _ => "",
            })
            .collect();
        counter.with_label_values(&values).inc_by(more);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            stored: IntCounter::new("crowdsec_agent_alerts_stored_total", "Alerts the Local API took.")?,
            refused: IntCounter::new(
                "crowdsec_agent_alerts_refused_total",
                "Alerts the Local API refused for good, kept in the dead-letter file.",
            )?,
            dropped: IntCounter::new(
                "crowdsec_agent_alerts_dropped_total",
                "Alerts given up because the outbox was full.",
            )?,
            pending: IntGauge::new("crowdsec_agent_outbox_alerts", "Alerts not yet delivered.")?,
            pending_bytes: IntGauge::new(
                "crowdsec_agent_outbox_bytes",
                "Bytes of the alerts not yet delivered.",
            )?,
            degraded: IntGauge::new(
                "crowdsec_agent_outbox_degraded",
                "1 while the disk takes nothing and alerts are held in memory.",
            )?,
            truncated: IntCounter::new(
                "crowdsec_agent_lines_truncated_total",
                "Lines that were too long.",
            )?,
            replaced: IntCounter::new(
                "crowdsec_agent_files_replaced_total",
                "Files begun anew because they were truncated or rewritten.",
            )?,
            file_errors: IntCounter::new(
                "crowdsec_agent_file_errors_total",
                "Files that could not be opened or read.",
            )?,
            open_files: IntGauge::new("crowdsec_agent_open_files", "Files that are followed.")?,
            panics: IntCounter::new(
                "crowdsec_agent_line_panics_total",
                "Lines given up because an item's evaluation panicked.",
            )?,
        })
    }

    fn register(&self, registry: &Registry) -> Result<(), Error> {
        let Self {
            stored,
            refused,
            dropped,
            pending,
            pending_bytes,
            degraded,
            truncated,
            replaced,
            file_errors,
            open_files,
            panics,
        } = self;
        for counter in [stored, refused, dropped, truncated, replaced, file_errors, panics] {
            registry.register(Box::new(counter.clone()))?;
        }
        for gauge in [pending, pending_bytes, degraded, open_files] {
            registry.register(Box::new(gauge.clone()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &'static str) -> Series {
        Series {
            metric,
            source: Arc::from("/var/log/x.log"),
            kind: Arc::from("file"),
            acquis_type: Arc::from("nginx"),
            name: "crowdsecurity/x",
            stage: "s01-parse",
            reason: "why",
        }
    }

    #[test]
    fn counts_go_on_over_a_reload() {
        let metrics = Metrics::new(&Registry::new(), Some(MetricsLevel::Full)).unwrap();
        let series = series("cs_node_hits_total");
        let publish = |count| metrics.publish(&Totals::from([(series.clone(), count)]), &BTreeMap::new());
        publish(3);
        publish(5);
        metrics.begin_rules();
        publish(2);
        assert_eq!(metrics.all()[&series], 7);
    }

    #[test]
    fn series_carry_upstreams_labels() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, Some(MetricsLevel::Full)).unwrap();
        let totals: Totals = COUNTERS.iter().map(|(name, ..)| (series(name), 1)).collect();
        metrics.publish(&totals, &BTreeMap::from([("a/b", 4)]));
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        for expected in [
            r#"cs_filesource_hits_total{acquis_type="nginx",datasource_type="file",source="/var/log/x.log"} 1"#,
            r#"cs_parser_hits_total{source="/var/log/x.log",type="file"} 1"#,
            r#"cs_node_hits_ok_total{acquis_type="nginx",name="crowdsecurity/x",source="/var/log/x.log",stage="s01-parse",type="file"} 1"#,
            r#"cs_bucket_poured_total{name="crowdsecurity/x",source="/var/log/x.log",type="file"} 1"#,
            r#"cs_bucket_overflowed_total{name="crowdsecurity/x"} 1"#,
            r#"cs_buckets{name="a/b"} 4"#,
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }

    #[test]
    fn a_lower_level_shows_less_and_counts_the_same() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, Some(MetricsLevel::Aggregated)).unwrap();
        metrics.publish(
            &Totals::from([(series("cs_node_hits_total"), 1)]),
            &BTreeMap::new(),
        );
        assert!(
            !registry
                .gather()
                .iter()
                .any(|family| family.name() == "cs_node_hits_total")
        );
        assert_eq!(metrics.all().len(), 1);
    }
}
