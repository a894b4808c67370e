//! Where in an item file the compiler is, so that a problem can name line, column and key.

use golang::yaml;

use crate::{ItemFile, Problem};

/// Where in a document the compiler is, for problems.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) item: &'a ItemFile,
    pub(super) name: &'a str,
    pub(super) node: &'a yaml::Node,
    pub(super) path: String,
}

impl Place<'_> {
    /// Goes down to `key`, which may be an element (`nodes[2]`); an absent key keeps the position.
    pub(super) fn key(&self, key: &str) -> Self {
        let (name, index) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((name, index)) => (name, index.parse::<usize>().ok()),
            None => (key, None),
        };
        let mut node = self.node.get(name).unwrap_or(self.node);
        if let Some(index) = index
            && let yaml::Kind::Sequence(items) = node.kind()
            && let Some(item) = items.get(index)
        {
            node = item;
        }
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        Self {
            node,
            path,
            ..self.clone()
        }
    }

    /// Returns where in the file an expression's error is: exactly for an expression on one line, else its beginning.
    pub(super) fn in_expression(&self, source: &str, error: &expr::CompileError) -> (usize, usize) {
        let (line, column) = (self.node.line(), self.node.column());
        if source.contains('\n') {
            return (line, column);
        }
        let written = self
            .item
            .text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default();
        let quote = written
            .chars()
            .nth(column.saturating_sub(1))
            .is_some_and(|c| matches!(c, '"' | '\''));
        let is_quoted = quote && !source.starts_with(['"', '\'']);
        (
            line,
            column + usize::from(is_quoted) + error.column.saturating_sub(1),
        )
    }

    pub(super) fn problem(&self, message: impl Into<String>, cure: impl Into<String>) -> Problem {
        Problem::in_file(&self.item.path, message, cure)
            .at(self.node.line(), self.node.column())
            .of(if self.name.is_empty() {
                &self.item.name
            } else {
                self.name
            })
            .field(self.path.clone())
    }
}
