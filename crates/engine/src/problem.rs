//! What is wrong with an item, said so that its author can mend it: file, line, field and cure.

use std::fmt;

/// One defect of one item file; loading reports all of them at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Install path of the file.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column, from 1; 0 when the whole line is meant.
    pub column: usize,
    /// Name of the item (`crowdsecurity/nginx-logs`); empty when it could not be read.
    pub item: String,
    /// Path of the key (`nodes[2].grok.pattern`); empty when the file as a whole is meant.
    pub field: String,
    /// What is wrong, lower-case, without a final period.
    pub message: String,
    /// What to do about it, an imperative sentence; empty when the message already says it.
    pub cure: String,
}

impl Problem {
    /// Returns a problem of the whole file `file`.
    pub fn in_file(file: &str, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            item: String::new(),
            field: String::new(),
            message: message.into(),
            cure: cure.into(),
        }
    }

    /// Sets the position, from 1.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = line;
        self.column = column;
        self
    }

    /// Sets the item's name.
    #[must_use]
    pub fn of(mut self, item: &str) -> Self {
        item.clone_into(&mut self.item);
        self
    }

    /// Sets the path of the key.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        f.write_str(": ")?;
        if !self.item.is_empty() {
            write!(f, "{}: ", self.item)?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.cure.is_empty() {
            write!(f, " ({})", self.cure)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
