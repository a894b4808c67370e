//! Expressions against recorded verdicts of the Go implementation, the public hub's expressions, and laws.

mod event;
mod filters;
mod laws;
mod scheme;
mod verdicts;
