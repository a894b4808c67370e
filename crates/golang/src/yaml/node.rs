//! YAML as a tree that keeps source text, quoting and places.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

use super::Dialect;
use super::scalar::{self, Resolved};

/// One document of a stream.
#[derive(Debug, Clone)]
pub struct Document {
    /// The top of the document; null when it has no content.
    pub node: Arc<Node>,
    /// Line of its `---`, or of its content without one, from 1.
    pub line: usize,
}

/// A value with its place; aliases are shared, so a tree can be larger than it looks.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) kind: Kind,
    pub(super) tag: Option<String>,
    pub(super) line: usize,
    pub(super) column: usize,
    /// Nodes below and including this one, aliases counted each time.
    pub(super) weight: u64,
}

/// A key and its value.
pub type Entry = (Arc<Node>, Arc<Node>);

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A scalar: its text, and whether it stands there unquoted.
    Scalar {
        /// The text after unescaping.
        text: String,
        /// Neither quoted nor a block.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Arc<Node>>),
    /// Keys and values in their order; `<<` is a key like any other here.
    Mapping(Vec<Entry>),
}

impl Node {
    /// Builds a null at a place.
    pub(super) const fn null(line: usize, column: usize) -> Self {
        let kind = Kind::Scalar {
            text: String::new(),
            plain: true,
        };
        Self {
            kind,
            tag: None,
            line,
            column,
            weight: 1,
        }
    }

    /// Returns what the node is.
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the line, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, from 1.
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Tells whether the node is null: empty, `~`, `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain }
            if scalar::resolve(text, *plain, self.tag.as_deref(), Dialect::V3Known) == Ok(Resolved::Null))
    }

    /// Returns the text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// Returns the value of a key of a mapping; merged keys are not looked at.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Mapping(entries) => entries
                .iter()
                .find(|(k, _)| k.text() == Some(key))
                .map(|(_, value)| value.as_ref()),
            Kind::Scalar { .. } | Kind::Sequence(_) => None,
        }
    }

    /// Returns `!!map`, `!!seq` or the tag that Go gives the scalar, for messages.
    pub(super) fn tag_name(&self, dialect: Dialect) -> String {
        if let Some(tag) = &self.tag {
            return tag.clone();
        }
        match &self.kind {
            Kind::Mapping(_) => "!!map".to_owned(),
            Kind::Sequence(_) => "!!seq".to_owned(),
            Kind::Scalar { text, plain } => match scalar::resolve(text, *plain, None, dialect) {
                Ok(resolved) => resolved.tag().to_owned(),
                Err(_) => "!!str".to_owned(),
            },
        }
    }
}

/// The name by which a node asks our deserializer for itself.
pub(super) const TOKEN: &str = "$golang::yaml::Node";

impl<'de> Deserialize<'de> for Node {
    /// Takes the node as it stands; works below [`super::from_str`] and its kin only.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a node read by golang::yaml")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut next = || {
            seq.next_element::<usize>()?
                .ok_or_else(|| A::Error::custom("a node is cut short"))
        };
        let (kind, plain, line, column, weight) = (next()?, next()?, next()?, next()?, next()?);
        let short = || A::Error::custom("a node is cut short");
        let tag = seq.next_element::<Option<String>>()?.ok_or_else(short)?;
        let text = seq.next_element::<String>()?.ok_or_else(short)?;
        let children: Vec<Arc<Node>> = seq
            .next_element::<Vec<Node>>()?
            .ok_or_else(short)?
            .into_iter()
            .map(Arc::new)
            .collect();
        let kind = match kind {
            0 => Kind::Scalar {
                text,
                plain: plain == 1,
            },
            1 => Kind::Sequence(children),
            _ => Kind::Mapping(
                children
                    .chunks_exact(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone()))
                    .collect(),
            ),
        };
        Ok(Node {
            kind,
            tag,
            line,
            column,
            weight: weight as u64,
        })
    }
}
