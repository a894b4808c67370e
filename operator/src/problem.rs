//! What is wrong with a spec: the field, and what to do about it.

use std::fmt;

/// One fault of a resource that the API server could not refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field below `spec`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: String,
}

impl Problem {
    /// Names a fault.
    pub fn new(field: impl Into<String>, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
            cure: cure.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spec.{}: {}; {}", self.field, self.message, self.cure)
    }
}

/// Returns all problems as the text of a condition.
pub fn text(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join(" · ")
}
