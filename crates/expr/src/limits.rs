//! Bounds of one expression and of one evaluation.

/// Bytes of an expression's text.
pub(crate) const SOURCE_BYTES: usize = 64 * 1024;
/// Levels of nesting; keeps the recursive steps within any thread's stack.
pub(crate) const DEPTH: usize = 200;
/// Nodes of one expression. Upstream: `conf.DefaultMaxNodes`.
pub(crate) const NODES: usize = 10_000;
/// Values made in one evaluation. Upstream: `conf.DefaultMemoryBudget`.
pub(crate) const MEMORY: u64 = 1_000_000;
/// Rounds of all closures in one evaluation.
pub(crate) const LOOPS: u32 = 100_000;
