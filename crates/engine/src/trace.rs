//! What happened to the lines of a run, kept for `cscli explain` and `hubtest`: every node's event, every overflow.

mod pdqsort;

use std::{collections::BTreeMap, sync::Arc};

use crate::{Event, Name, parser::Recorder};

/// One top-level node that was evaluated for a line.
#[derive(Debug, Clone)]
pub struct NodeResult {
    /// Number of the line in the run, from 0.
    pub line: usize,
    /// Number of the evaluation in the run, from 0: the order in which things happened.
    pub order: usize,
    /// Whether the node succeeded.
    pub success: bool,
    /// The event as the node left it.
    pub event: Arc<Event>,
}

/// Results by stage and node name, in line order (`parser-dump.yaml`).
///
/// Upstream's dump has a stage `success` besides, with one nameless node that has no results; [`Trace::new`] puts it in.
pub type ParserResults = BTreeMap<String, BTreeMap<String, Vec<NodeResult>>>;

/// An event that was poured into a bucket of a scenario (`bucketpour-dump.yaml`).
#[derive(Debug, Clone)]
pub struct PourResult {
    /// Number of the line in the run.
    pub line: usize,
    /// The scenario whose filter matched.
    pub scenario: Name,
    /// The event.
    pub event: Arc<Event>,
}

/// The record of a run.
#[derive(Debug, Default)]
pub struct Trace {
    /// What the parser and post-overflow nodes did.
    pub nodes: ParserResults,
    /// Which events went into which scenario, in order.
    pub pours: Vec<PourResult>,
    /// Overflows after the post-overflow stages, whitelisted ones included, in order.
    pub overflows: Vec<Arc<Event>>,
    line: usize,
    order: usize,
}

impl Trace {
    /// Returns an empty record.
    pub fn new() -> Self {
        let mut trace = Self::default();
        trace
            .nodes
            .entry("success".to_owned())
            .or_default()
            .insert(String::new(), Vec::new());
        trace
    }

    /// Says that what follows belongs to line number `line`.
    pub fn begin_line(&mut self, line: usize) {
        self.line = line;
    }

    /// Takes the pour of `event` into `scenario`.
    pub fn pour(&mut self, scenario: Name, event: Arc<Event>) {
        self.pours.push(PourResult {
            line: self.line,
            scenario,
            event,
        });
    }

    /// Takes an overflow as the post-overflow stages left it.
    pub fn overflow(&mut self, event: Arc<Event>) {
        self.overflows.push(event);
    }

    /// Returns the overflows in the order in which assertions number them: by scenario and sources, descending, with
    /// Go's unstable sort.
    pub fn sorted_overflows(&self) -> Vec<Arc<Event>> {
        let mut keyed: Vec<(String, Arc<Event>)> = self
            .overflows
            .iter()
            .map(|event| (sort_key(event), event.clone()))
            .collect();
        pdqsort::sort_by(&mut keyed, &|a, b| a.0 > b.0);
        keyed.into_iter().map(|(_, event)| event).collect()
    }
}

impl Recorder for Trace {
    fn node(&mut self, stage: &str, name: &str, success: bool, event: &Event) {
        let result = NodeResult {
            line: self.line,
            order: self.order,
            success,
            event: Arc::new(event.clone()),
        };
        self.order += 1;
        self.nodes
            .entry(stage.to_owned())
            .or_default()
            .entry(name.to_owned())
            .or_default()
            .push(result);
    }
}

fn sort_key(event: &Event) -> String {
    let Some(overflow) = &event.overflow else {
        return String::new();
    };
    let scenario = overflow.alert().map_or("", |alert| alert.scenario.as_str());
    let sources: Vec<&str> = overflow.sources.keys().map(crate::Text::as_str).collect();
    format!("{scenario}{}", sources.join("@"))
}
