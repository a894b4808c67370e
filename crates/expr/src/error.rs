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

impl CompileError {
    /// Makes an error that points at a rune of `source`.
    ///
    /// Upstream: `file/error.go`, `Bind`.
    pub(crate) fn at(source: &str, rune: usize, message: impl Into<String>) -> Self {
        let (mut line, mut column, mut line_start) = (1, 0, 0);
        for (offset, next) in source.char_indices().take(rune) {
            if next == '\n' {
                line += 1;
                column = 0;
                line_start = offset + 1;
            } else {
                column += 1;
            }
        }
        let text = source
            .get(line_start..)
            .unwrap_or_default()
            .split('\n')
            .next()
            .unwrap_or_default();
        let snippet = if text.is_empty() {
            String::new()
        } else {
            format!(" | {}\n | {}^", text.replace('\t', " "), ".".repeat(column))
        };
        Self {
            message: message.into(),
            line,
            column: column + 1,
            snippet,
        }
    }

    /// Makes an error about the expression as a whole.
    pub(crate) fn unplaced(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            line: 1,
            column: 1,
            snippet: String::new(),
        }
    }
}

/// Prints as expr-lang does: message, place, then the line with a pointer below; the message alone where there is no
/// line to show.
impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.snippet.is_empty() {
            return Ok(());
        }
        write!(f, " ({}:{})\n{}", self.line, self.column, self.snippet)
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
