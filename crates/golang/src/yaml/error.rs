//! What is wrong with a YAML text, and where.

use std::fmt;

/// Why a YAML text is refused: the place, the key, and a message that names the cure where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {}{message}", prefix(.path))]
pub struct Problem {
    /// Line, from 1; 0 when no place is known yet.
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

    /// Sets place and path of a problem that has none.
    #[must_use]
    pub(super) fn at(self, line: usize, column: usize, path: &Path<'_>) -> Self {
        if self.line > 0 {
            self
        } else {
            Self {
                line,
                column,
                path: path.to_string(),
                ..self
            }
        }
    }

    /// Builds the refusal of a key, which lists those that are valid.
    pub(super) fn unknown_key(key: &str, valid: &[&str]) -> Self {
        let message = match valid {
            [] => format!("unknown key {key:?}; no key is valid here"),
            valid => format!("unknown key {key:?}; valid keys are {}", valid.join(", ")),
        };
        Self::new(0, 0, message)
    }
}

impl serde::de::Error for Problem {
    fn custom<T: fmt::Display>(msg: T) -> Self {
        Self::new(0, 0, msg.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown_key(field, expected)
    }
}

/// The keys from the top of a document to a node, innermost first.
pub(super) enum Path<'p> {
    Top,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Top => Ok(()),
            Path::Key(Path::Top, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
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
