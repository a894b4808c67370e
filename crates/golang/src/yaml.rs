//! YAML as the Go programs read it: the three dialects of upstream's decoders, with places in every error.
//!
//! Plain serde types get Go's rules: a `String` field keeps the scalar's source text (`off`, `2.0`), a `bool`
//! takes `yes` and `on` but no quoted text, an integer takes `1e3` and `017`, a null leaves a struct field at
//! its default and is the zero value elsewhere, an unknown key is refused by name, whether or not the type
//! says `deny_unknown_fields`.
//!
//! What sits behind `#[serde(flatten)]` or `#[serde(untagged)]` is buffered by serde and loses its source
//! text; read a [`Node`] there and decode it.

mod compose;
mod de;
mod error;
mod node;
mod scalar;
mod write;

use serde::de::DeserializeOwned;

pub use error::Problem;
pub use node::{Document, Entry, Kind, Node};
pub use write::to_string;

/// Which of upstream's decoders a file is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// yaml.v2 with `SetStrict(true)`: hub items, notification files.
    V2Strict,
    /// yaml.v3 with `KnownFields(true)`: config, profiles, credentials.
    V3Known,
    /// yaml.v3 without `KnownFields`: unknown keys are ignored.
    Lenient,
    /// goccy/go-yaml with `Strict()`: acquisition sources.
    GoccyStrict,
}

/// A string; `String` fields follow the same rules.
pub type Str = String;
/// An integer; `i64` and its kin follow the same rules.
pub type Int = i64;
/// A boolean; `bool` fields follow the same rules.
pub type Bool = bool;
/// A value that may be null and then is its default; plain fields follow the same rules.
pub type Null<T> = T;

/// Reads every document of `text`, those without content too.
pub fn documents(text: &str) -> Result<Vec<Document>, Problem> {
    compose::Composer::new(text).all()
}

/// Reads the first document of `text`; a text without content is read as null. What follows is not looked at.
pub fn from_str<T: DeserializeOwned>(text: &str, dialect: Dialect) -> Result<T, Problem> {
    match compose::Composer::new(text).next_document()? {
        Some(document) => document.node.decode(dialect),
        None => Node::null(1, 1).decode(dialect),
    }
}

/// Reads every document of `text`, each with the line (from 1) where its content begins.
///
/// Documents without content are left out.
pub fn multi<T: DeserializeOwned>(text: &str, dialect: Dialect) -> Result<Vec<(T, usize)>, Problem> {
    documents(text)?
        .iter()
        .filter(|document| !document.node.is_null())
        .map(|document| Ok((document.node.decode(dialect)?, document.node.line())))
        .collect()
}

#[cfg(test)]
mod tests;
