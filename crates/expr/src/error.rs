//! Why an expression does not load, and why an evaluation stopped.

use std::fmt;

/// Says what is wrong with an expression's text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// What is wrong, in expr-lang's words where it has words for it.
    pub message: String,
    /// Line of the first offending character, from 1.
    pub line: usize,
    /// Column of the first offending character in runes, from 1 (expr-lang prints it so).
    pub column: usize,
    /// The offending line and a pointer below it, as expr-lang prints them; empty for an empty source.
    pub snippet: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.message, self.line, self.column)?;
        if self.snippet.is_empty() {
            Ok(())
        } else {
            write!(f, "\n{}", self.snippet)
        }
    }
}

impl std::error::Error for CompileError {}

/// Says why an evaluation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// An operand or argument does not fit, or a helper refused its input.
    #[error("{0}")]
    Failed(Box<str>),
    /// The helper needs something that this process has not got.
    #[error("{0} is not available here")]
    NotAvailable(&'static str),
    /// More than 1e6 values were made in one evaluation.
    #[error("memory budget exceeded")]
    Memory,
    /// More than 1e5 loop rounds were made in one evaluation.
    #[error("loop budget exceeded")]
    Loops,
}

impl EvalError {
    /// Makes an error with the given message.
    pub fn new(message: impl Into<Box<str>>) -> Self {
        Self::Failed(message.into())
    }
}
