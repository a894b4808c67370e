//! What is wrong in a file, where, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong in a configuration file; loading returns all of them at once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as it was named.
    pub file: PathBuf,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column, from 1; 0 when the whole line is meant.
    pub column: usize,
    /// Dotted path of the key (`api.server.listen_uri`); empty when the file as a whole is meant.
    pub field: String,
    /// What is wrong, lower-case, without a final period.
    pub message: String,
    /// What to do about it, an imperative sentence part; empty when the message already says it.
    pub cure: String,
}

impl Problem {
    /// Returns a problem of the whole file.
    pub fn in_file(file: &Path, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            field: String::new(),
            message: message.into(),
            cure: cure.into(),
        }
    }

    /// Returns the problem of a field, without a position yet.
    pub fn of_field(file: &Path, field: &str, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            ..Self::in_file(file, message, cure)
        }
    }
}

impl fmt::Display for Problem {
    /// Writes `file:line:column: field: message; cure`, without the parts that are absent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.cure.is_empty() {
            write!(f, "; {}", self.cure)?;
        }
        Ok(())
    }
}
