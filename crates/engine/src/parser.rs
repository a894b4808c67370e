//! Parser stages and nodes: how a line becomes an event, and how a post-overflow looks at an alert.

pub(crate) mod load;
pub(crate) mod node;
pub(crate) mod run;
mod spec;

use crate::{Event, Text};

/// What became of a line.
#[derive(Debug)]
pub enum Parsed {
    /// Some stage had no successful node, or a static failed hard.
    Unparsed,
    /// A whitelist matched; the event is dropped.
    Whitelisted {
        /// Reason of the first whitelist that matched.
        reason: Text,
    },
    /// The event goes on to the scenarios.
    Kept(Box<Event>),
}

/// Sees every top-level node that was evaluated, after it ran (`cscli explain`, `hubtest`).
pub trait Recorder {
    /// Takes the outcome of one node; `event` is as the node left it.
    fn node(&mut self, stage: &str, name: &str, success: bool, event: &Event);
}

#[cfg(test)]
mod tests;
