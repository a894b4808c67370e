//! One explained line as a tree of stages, nodes and scenarios. Shapes: captures of 1.7.8.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use engine::Event;
use engine::detector::Outcome;
use engine::trace::{NodeResult, Trace};

use crate::explain::changes::{self, Change};
use crate::output::line;

const GOOD: &str = "🟢";
const BAD: &str = "🔴";

/// What the person wants to see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    pub(super) verbose: bool,
    pub(super) only_failures: bool,
    pub(super) only_successful: bool,
}

/// Returns the tree of one line, empty when it is not wanted.
pub(super) fn render(raw: &str, trace: &Trace, outcome: &Outcome, stages: &[&str], shown: Shown) -> String {
    if shown.only_failures && *outcome != Outcome::Unparsed {
        return String::new();
    }
    let mut text = String::new();
    line(&mut text, format_args!("line: {raw}"));
    let mut before: Option<&Event> = None;
    for stage in stages {
        let Some(nodes) = trace.nodes.get(*stage) else {
            continue;
        };
        let mut results: Vec<(&str, &NodeResult)> = nodes
            .iter()
            .flat_map(|(name, results)| results.iter().map(move |result| (name.as_str(), result)))
            .collect();
        results.sort_by_key(|(_, result)| result.order);
        line(&mut text, format_args!("\t├ {stage}"));
        let count = results.len();
        for (position, (name, result)) in results.into_iter().enumerate() {
            let branch = if position + 1 == count { "└" } else { "├" };
            node(&mut text, branch, name, result, before, shown);
            if result.success {
                before = Some(&result.event);
            }
        }
    }
    verdict(&mut text, trace, outcome);
    text.push('\n');
    text
}

fn node(
    text: &mut String,
    branch: &str,
    name: &str,
    result: &NodeResult,
    before: Option<&Event>,
    shown: Shown,
) {
    if !result.success {
        if !shown.only_successful {
            line(text, format_args!("\t|\t{branch} {BAD} {name}"));
        }
        return;
    }
    let changes = changes::between(before, &result.event);
    let summary = summary(
        &changes,
        result.event.whitelisted && !before.is_some_and(|event| event.whitelisted),
    );
    line(text, format_args!("\t|\t{branch} {GOOD} {name} ({summary})"));
    if shown.verbose {
        for change in &changes {
            line(text, format_args!("\t|\t\t{branch} {}", sentence(change)));
        }
    }
}

/// `+5 ~8`, `unchanged`, with `[whitelisted]`.
fn summary(changes: &[Change], whitelisted: bool) -> String {
    let created = changes.iter().filter(|change| change.from.is_none()).count();
    let removed = changes.iter().filter(|change| change.to.is_none()).count();
    let updated = changes.len() - created - removed;
    let mut parts = Vec::new();
    for (sign, count) in [("+", created), ("~", updated), ("-", removed)] {
        if count > 0 {
            parts.push(format!("{sign}{count}"));
        }
    }
    if whitelisted {
        parts.push("[whitelisted]".to_owned());
    }
    if parts.is_empty() {
        "unchanged".to_owned()
    } else {
        parts.join(" ")
    }
}

fn sentence(change: &Change) -> String {
    let mut text = String::new();
    let field = &change.field;
    // Writing to a string cannot fail.
    let written = match (&change.from, &change.to) {
        (None, Some(to)) => write!(text, "create evt.{field} : {to}"),
        (Some(from), Some(to)) => write!(text, "update evt.{field} : {from} -> {to}"),
        (Some(from), None) => write!(text, "delete evt.{field} : {from}"),
        (None, None) => Ok(()),
    };
    debug_assert!(written.is_ok(), "a string grows");
    text
}

fn verdict(text: &mut String, trace: &Trace, outcome: &Outcome) {
    match outcome {
        Outcome::Unparsed => line(text, format_args!("\t└-------- parser failure {BAD}")),
        Outcome::Whitelisted { reason } => {
            line(
                text,
                format_args!("\t└-------- parser success, ignored by whitelist ({reason}) {GOOD}"),
            );
        }
        Outcome::Kept => {
            line(text, format_args!("\t├-------- parser success {GOOD}"));
            line(text, format_args!("\t├ Scenarios"));
            let scenarios: BTreeSet<&str> = trace.pours.iter().map(|pour| pour.scenario.as_str()).collect();
            let count = scenarios.len();
            for (position, name) in scenarios.into_iter().enumerate() {
                let branch = if position + 1 == count { "└" } else { "├" };
                line(text, format_args!("\t\t{branch} {GOOD} {name}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: Option<&str>, to: Option<&str>) -> Change {
        Change {
            field: "Parsed.a".into(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        }
    }

    #[test]
    fn changes_are_counted_by_kind() {
        let changes = [
            change(None, Some("x")),
            change(Some("x"), Some("y")),
            change(Some("x"), None),
            change(None, Some("")),
        ];
        assert_eq!(summary(&changes, false), "+2 ~1 -1");
        assert_eq!(summary(&[], false), "unchanged");
        assert_eq!(summary(&changes[1..2], true), "~1 [whitelisted]");
        assert_eq!(sentence(&changes[1]), "update evt.Parsed.a : x -> y");
    }
}
