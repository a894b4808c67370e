//! What is wrong with a YAML text, and where.

/// Why a YAML text is refused: the place, the key, and a message that names the cure where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {}{message}", prefix(.path))]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The keys that lead to the place: `nodes[0].grok.pattern`; empty at the top.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// Builds a problem at a place outside of any key.
    pub fn new(line: usize, column: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            column,
            path: String::new(),
            message: message.into(),
        }
    }
}

fn prefix(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}
