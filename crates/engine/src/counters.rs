//! What happened to how many lines: tallies per worker, read by the agent for `/metrics` and usage metrics.

use std::{collections::BTreeMap, sync::Arc};

/// One time series, with upstream's metric name and label values; labels a metric does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// `cs_parser_hits_total`, `cs_node_hits_ok_total`, …
    pub metric: &'static str,
    /// Label `source`: where the line came from.
    pub source: Arc<str>,
    /// Label `type`: the acquisition module.
    pub kind: &'static str,
    /// Label `acquis_type`: the line's `type` label, `unknown` in node metrics when it has none.
    pub acquis_type: Arc<str>,
    /// Label `name`: the node.
    pub name: &'static str,
    /// Label `stage`.
    pub stage: &'static str,
    /// Label `reason`: of a whitelist.
    pub reason: &'static str,
}

/// All counts so far, ordered by series.
pub type Totals = BTreeMap<Series, u64>;
