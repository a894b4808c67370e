//! What happened in the buckets, by scenario: the numbers behind `cs_bucket_*` and `cs_buckets`.

use std::{collections::HashMap, sync::Arc};

use super::ScenarioId;
use crate::{
    Name, Text,
    counters::{Series, Totals},
};

/// Counts of one scenario.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScenarioCounts {
    /// Buckets made (`cs_bucket_instantiation_total`).
    pub instantiated: u64,
    /// Overflows, the discarded ones too (`cs_bucket_overflowed_total`).
    pub overflowed: u64,
    /// Buckets that ended for lack of events (`cs_bucket_underflowed_total`).
    pub underflowed: u64,
    /// Buckets ended by `cancel_on` (`cs_bucket_canceled_total`).
    pub canceled: u64,
    /// Buckets dropped because the scenario had too many.
    pub evicted: u64,
    /// Overflows that `overflow_filter` or the blackhole dropped.
    pub discarded: u64,
    /// Events that could not be poured for lack of a time.
    pub timeless: u64,
}

/// Counts of a shard.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    scenarios: Vec<ScenarioCounts>,
    poured: HashMap<(ScenarioId, Arc<str>, Text), u64, foldhash::fast::RandomState>,
}

impl ScenarioCounts {
    /// Adds the counts of another shard.
    pub fn add(&mut self, other: Self) {
        self.instantiated += other.instantiated;
        self.overflowed += other.overflowed;
        self.underflowed += other.underflowed;
        self.canceled += other.canceled;
        self.evicted += other.evicted;
        self.discarded += other.discarded;
        self.timeless += other.timeless;
    }
}

impl Counts {
    /// Returns zeros for `scenarios` scenarios.
    pub fn new(scenarios: usize) -> Self {
        Self {
            scenarios: vec![ScenarioCounts::default(); scenarios],
            poured: HashMap::default(),
        }
    }

    /// Returns the counts of `scenario`.
    pub fn of(&self, scenario: ScenarioId) -> ScenarioCounts {
        self.scenarios.get(scenario as usize).copied().unwrap_or_default()
    }

    /// Returns the events poured into buckets of `scenario` from all sources.
    pub fn poured(&self, scenario: ScenarioId) -> u64 {
        self.poured
            .iter()
            .filter(|((id, ..), _)| *id == scenario)
            .map(|(_, count)| count)
            .sum()
    }

    /// Adds the counts to `totals` under upstream's metric names; documents of one name add up.
    pub fn add_to(&self, names: impl Fn(ScenarioId) -> Name, totals: &mut Totals) {
        for (id, counts) in (0..).zip(&self.scenarios) {
            let rows = [
                ("cs_bucket_instantiation_total", counts.instantiated),
                ("cs_bucket_overflowed_total", counts.overflowed),
                ("cs_bucket_underflowed_total", counts.underflowed),
                ("cs_bucket_canceled_total", counts.canceled),
            ];
            for (metric, count) in rows {
                if count > 0 {
                    *totals
                        .entry(series(metric, names(id), Arc::from(""), Arc::from("")))
                        .or_default() += count;
                }
            }
        }
        let mut poured: Vec<_> = self.poured.iter().collect();
        poured.sort_unstable();
        for ((id, source, module), count) in poured {
            *totals
                .entry(series(
                    "cs_bucket_poured_total",
                    names(*id),
                    source.clone(),
                    Arc::from(module.as_str()),
                ))
                .or_default() += count;
        }
    }

    pub(super) fn at(&mut self, scenario: ScenarioId) -> &mut ScenarioCounts {
        let index = scenario as usize;
        if index >= self.scenarios.len() {
            self.scenarios.resize(index + 1, ScenarioCounts::default());
        }
        &mut self.scenarios[index]
    }

    pub(super) fn pour(&mut self, scenario: ScenarioId, source: &Arc<str>, module: &Text) {
        *self
            .poured
            .entry((scenario, source.clone(), module.clone()))
            .or_default() += 1;
    }
}

fn series(metric: &'static str, name: Name, source: Arc<str>, kind: Arc<str>) -> Series {
    Series {
        metric,
        source,
        kind,
        acquis_type: Arc::from(""),
        name: name.as_str(),
        stage: "",
        reason: "",
    }
}
