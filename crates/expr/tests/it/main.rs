//! Expressions against recorded verdicts of the Go implementation, the public hub's expressions, and laws.

mod event;
mod filters;
mod hub;
mod hub_expressions;
mod laws;
mod scheme;
mod verdicts;
