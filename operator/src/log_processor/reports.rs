//! What the agents of a LogProcessor said of their sources, summed over the nodes; pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use wire::admin::Status;
use wire::report::Source;

use crate::names;

/// A report that is older tells nothing: agents send one every ten seconds.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// Fresh reports of some agents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Nodes whose agents reported.
    pub nodes: BTreeSet<String>,
    /// Sources by name; those of containers are called `namespace/name` of their Acquisition, the others by their path.
    pub sources: BTreeMap<String, Sum>,
}

/// One source, or several, over all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Files open now.
    pub files: u64,
    /// Lines read since the agents' start.
    pub read: u64,
    /// Lines that a parser understood.
    pub parsed: u64,
    /// Labels `type`.
    pub types: BTreeSet<String>,
    /// When the last line was read, RFC 3339.
    pub last_line: Option<String>,
    /// The first error, with its node.
    pub error: Option<String>,
}

/// Returns the fresh reports of a LogProcessor's agents.
pub fn reports(status: &Status, namespace: &str, processor: &str, now: Timestamp) -> Reports {
    let prefix = names::machine(namespace, processor, "");
    let mut reports = Reports::default();
    for node in &status.nodes {
        let Some(name) = node.machine.strip_prefix(&prefix) else {
            continue;
        };
        if node.reported_at.as_deref().is_some_and(|at| is_fresh(at, now)) {
            reports.nodes.insert(name.to_owned());
            for source in &node.sources {
                let sum = reports.sources.entry(source.name.clone()).or_default();
                sum.add(source, name);
            }
        }
    }
    reports
}

fn is_fresh(at: &str, now: Timestamp) -> bool {
    at.parse::<Timestamp>()
        .is_ok_and(|at| now.duration_since(at) <= FRESH)
}

impl Reports {
    /// Returns the sum of all sources.
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        for sum in self.sources.values() {
            total.merge(sum);
        }
        total
    }
}

impl Sum {
    fn add(&mut self, source: &Source, node: &str) {
        self.merge(&Self {
            files: source.files,
            read: source.read,
            parsed: source.parsed,
            types: BTreeSet::from([source.kind.clone()]),
            last_line: Some(source.last_line.clone()).filter(|at| !at.is_empty()),
            error: (!source.error.is_empty())
                .then(|| format!("node {node}: {}: {}", source.name, source.error)),
        });
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.files = self.files.saturating_add(other.files);
        self.read = self.read.saturating_add(other.read);
        self.parsed = self.parsed.saturating_add(other.parsed);
        self.types.extend(other.types.iter().cloned());
        // Of two times as RFC 3339 in UTC the later one is the greater text.
        self.last_line = self.last_line.take().max(other.last_line.clone());
        if self.error.is_none() {
            self.error.clone_from(&other.error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_processor::fixtures::{node, now, source};

    #[test]
    fn reports_of_other_processors_and_old_ones_do_not_count() {
        let status = Status {
            nodes: vec![
                node("watch:nodes:a", 5, vec![source("traefik/edge", 10, 9, "")]),
                node("watch:nodes:b", 61, vec![source("traefik/edge", 100, 90, "")]),
                node("watch:nodes2:a", 5, vec![source("traefik/edge", 1000, 900, "")]),
                node("cscli", 5, Vec::new()),
            ],
            ..Status::default()
        };
        let reports = reports(&status, "watch", "nodes", now());
        assert_eq!(reports.nodes, BTreeSet::from(["a".to_owned()]));
        assert_eq!(reports.total().read, 10);
    }

    #[test]
    fn a_source_is_summed_over_the_nodes_and_keeps_its_first_error() {
        let status = Status {
            nodes: vec![
                node("watch:nodes:a", 5, vec![source("traefik/edge", 10, 9, "")]),
                node(
                    "watch:nodes:b",
                    5,
                    vec![source("traefik/edge", 1, 0, "permission denied")],
                ),
            ],
            ..Status::default()
        };
        let reports = reports(&status, "watch", "nodes", now());
        let sum = &reports.sources["traefik/edge"];
        assert_eq!((sum.files, sum.read, sum.parsed), (2, 11, 9));
        assert_eq!(
            sum.error.as_deref(),
            Some("node b: traefik/edge: permission denied")
        );
    }
}
