//! The named patterns of an installation: first definition wins, a pattern sees only those before it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    matcher::{Grok, GrokError},
    pattern::Pattern,
};

/// Named patterns, and the compiled expressions that use them.
#[derive(Debug, Default)]
pub struct Library {
    patterns: BTreeMap<String, Arc<Pattern>>,
    /// Compiled expressions by rendered text: many items carry the same one.
    compiled: HashMap<String, Arc<Grok>>,
}

/// Why a pattern or an expression is not usable.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A reference to a name nothing before defines.
    #[error("pattern {0} is not defined")]
    Unknown(String),
    /// A name that is defined already.
    #[error("pattern {0} is defined already")]
    Duplicate(String),
    /// Not a regular expression once expanded.
    #[error("{0}")]
    Syntax(#[from] GrokError),
}

impl Library {
    /// Defines `name`; a name that exists keeps its first definition and is reported.
    pub fn define(&mut self, name: &str, text: &str) -> Result<(), LibraryError> {
        if self.patterns.contains_key(name) {
            return Err(LibraryError::Duplicate(name.to_owned()));
        }
        let pattern = self.parse(text)?;
        Grok::check(&pattern.skeleton())?;
        self.patterns.insert(name.to_owned(), Arc::new(pattern));
        Ok(())
    }

    /// Defines every line `NAME pattern` of a pattern file; other lines are ignored. Errors carry the line, from 1.
    pub fn define_file(&mut self, text: &str) -> Vec<(usize, LibraryError)> {
        let mut errors = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some((name, pattern)) = definition(line)
                && let Err(error) = self.define(name, pattern)
            {
                errors.push((index + 1, error));
            }
        }
        errors
    }

    /// Compiles the expression `text`.
    pub fn compile(&mut self, text: &str) -> Result<Arc<Grok>, LibraryError> {
        let pattern = self.parse(text)?;
        self.build(&pattern)
    }

    /// Compiles the pattern called `name`.
    pub fn compile_name(&mut self, name: &str) -> Result<Arc<Grok>, LibraryError> {
        let pattern = self
            .patterns
            .get(name)
            .cloned()
            .ok_or_else(|| LibraryError::Unknown(name.to_owned()))?;
        self.build(&pattern)
    }

    /// Returns how many patterns are defined.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Returns whether no pattern is defined.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    fn parse(&self, text: &str) -> Result<Pattern, LibraryError> {
        Pattern::parse(text, |name| self.patterns.get(name).cloned()).map_err(LibraryError::Unknown)
    }

    fn build(&mut self, pattern: &Pattern) -> Result<Arc<Grok>, LibraryError> {
        let text = pattern.render();
        // The names are part of the key: `%{A:x}` and `%{A:y}` render alike.
        let mut key = text.clone();
        for semantic in pattern.semantics() {
            key.push('\0');
            key.push_str(semantic);
        }
        if let Some(known) = self.compiled.get(&key) {
            return Ok(Arc::clone(known));
        }
        let id = self.compiled.len();
        let grok = Arc::new(Grok::new(id, &text, pattern.semantics())?);
        self.compiled.insert(key, Arc::clone(&grok));
        Ok(grok)
    }
}

/// Splits a line of a pattern file; the form is `^(\w+)\s+(.+)$`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_at_checked(line.find(|c: char| c.is_ascii_whitespace())?)?;
    let pattern = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_word && !pattern.is_empty()).then_some((name, pattern))
}
