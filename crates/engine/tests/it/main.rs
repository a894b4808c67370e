//! Tests of the engine on content from outside: the hub's items and their recorded outcomes.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic, and say what they left out"
)]

mod corpus;
mod grok_corpus;
mod grok_patterns;
mod hub;
mod replay;
mod startup;
