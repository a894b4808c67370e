//! What one node gives to a type that asks for a number, a text, a list or a mapping.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Visitor;

use super::NodeDeserializer;
use super::access::{Items, Pairs};
use crate::fmt::{format_float, parse_float};
use crate::yaml::Dialect;
use crate::yaml::error::Problem;
use crate::yaml::node::{Entry, Kind, Node};
use crate::yaml::scalar::{self, Resolved};

impl<'n> NodeDeserializer<'n> {
    pub(in crate::yaml) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(0, 0, message).at(self.node.line, self.node.column, self.path)
    }

    /// Builds Go's sentence for a value of the wrong type.
    pub(in crate::yaml) fn mismatch(&self, wanted: &str) -> Problem {
        let tag = self.node.tag_name(self.dialect);
        let shown = match &self.node.kind {
            Kind::Scalar { text, .. } if text.chars().count() > 10 => {
                format!(" `{}...`", text.chars().take(7).collect::<String>())
            }
            Kind::Scalar { text, .. } => format!(" `{text}`"),
            Kind::Sequence(_) | Kind::Mapping(_) => String::new(),
        };
        self.problem(format!("cannot unmarshal {tag}{shown} into {wanted}"))
    }

    /// Returns the meaning of a scalar; lists and mappings are refused for `wanted`.
    pub(in crate::yaml) fn scalar(&self, wanted: &str) -> Result<(Resolved, &'n str), Problem> {
        let Kind::Scalar { text, plain } = &self.node.kind else {
            return Err(self.mismatch(wanted));
        };
        match scalar::resolve(text, *plain, self.node.tag.as_deref(), self.dialect) {
            Ok(resolved) => Ok((resolved, text)),
            Err(tag) => Err(self.problem(format!("cannot decode `{text}` as a {tag}"))),
        }
    }

    pub(in crate::yaml) fn is_null(&self) -> bool {
        matches!(self.scalar(""), Ok((Resolved::Null, _)))
    }

    pub(in crate::yaml) fn pairs(&self, wanted: &str, may_override: bool) -> Result<Pairs<'n>, Problem> {
        match &self.node.kind {
            Kind::Mapping(entries) => merged(entries, self, may_override),
            _ if self.is_null() => Ok(Vec::new()),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// Returns the entries of a map with free keys: a null key is the empty one, and yaml.v3 drops it.
    pub(in crate::yaml) fn map_pairs(&self) -> Result<Pairs<'n>, Problem> {
        let mut pairs = self.pairs("a mapping", self.dialect != Dialect::V2Strict)?;
        if self.drops_nulls() {
            pairs.retain(|(key, _)| !key.is_null());
        }
        Ok(pairs)
    }

    pub(in crate::yaml) fn items(&self, wanted: &str) -> Result<&'n [Arc<Node>], Problem> {
        match &self.node.kind {
            Kind::Sequence(items) => Ok(items),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.mismatch(wanted)),
        }
    }

    pub(in crate::yaml) fn signed(&self, wanted: &str) -> Result<i64, Problem> {
        let number = match self.scalar(wanted)? {
            (Resolved::Null, _) => return Ok(0),
            (Resolved::Int(n), _) => return Ok(n),
            (Resolved::Float(f), _) => Some(f),
            (Resolved::Text, text) => self.number_in_text(text),
            _ => None,
        };
        match number {
            #[expect(clippy::cast_possible_truncation, reason = "Go cuts the fraction off")]
            Some(f) if f.abs() < 9.2e18 => Ok(f as i64),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// Reads a number that goccy takes from a text, quoted or not.
    pub(in crate::yaml) fn number_in_text(&self, text: &str) -> Option<f64> {
        if self.dialect == Dialect::GoccyStrict {
            parse_float(text)
        } else {
            None
        }
    }

    pub(in crate::yaml) fn unsigned(&self, wanted: &str) -> Result<u64, Problem> {
        match self.scalar(wanted)?.0 {
            Resolved::Uint(n) => Ok(n),
            _ => u64::try_from(self.signed(wanted)?).map_err(|_negative| self.mismatch(wanted)),
        }
    }

    pub(in crate::yaml) fn boolean(&self) -> Result<bool, Problem> {
        match self.scalar("bool")? {
            (Resolved::Null, _) => Ok(false),
            (Resolved::Bool(value), _) => Ok(value),
            (Resolved::Text, text) if matches!(self.dialect, Dialect::V3Known | Dialect::Lenient) => {
                scalar::old_bool(text).ok_or_else(|| self.mismatch("bool"))
            }
            _ => Err(self.mismatch("bool")),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
    pub(in crate::yaml) fn float(&self) -> Result<f64, Problem> {
        match self.scalar("float64")? {
            (Resolved::Null, _) => Ok(0.0),
            (Resolved::Int(n), _) => Ok(n as f64),
            (Resolved::Uint(n), _) => Ok(n as f64),
            (Resolved::Float(f), _) => Ok(f),
            (Resolved::Text, text) => self.number_in_text(text).ok_or_else(|| self.mismatch("float64")),
            _ => Err(self.mismatch("float64")),
        }
    }

    /// Returns the source text; goccy reads the value first and writes it anew, so that `2.0` becomes `2`.
    pub(in crate::yaml) fn text(&self) -> Result<Cow<'n, str>, Problem> {
        let (resolved, text) = self.scalar("string")?;
        Ok(match (resolved, self.dialect) {
            (Resolved::Null, _) => Cow::Borrowed(""),
            (Resolved::Bool(value), Dialect::GoccyStrict) => value.to_string().into(),
            (Resolved::Int(n), Dialect::GoccyStrict) => n.to_string().into(),
            (Resolved::Uint(n), Dialect::GoccyStrict) => n.to_string().into(),
            (Resolved::Float(f), Dialect::GoccyStrict) => format_float(f, 'g', None).into(),
            (_, _) => Cow::Borrowed(text),
        })
    }

    /// Tells whether the nulls of a typed list are dropped, as yaml.v3 does.
    pub(in crate::yaml) fn drops_nulls(&self) -> bool {
        matches!(self.dialect, Dialect::V3Known | Dialect::Lenient)
    }

    pub(in crate::yaml) fn list<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        drop_nulls: bool,
    ) -> Result<V::Value, Problem> {
        visitor.visit_seq(Items {
            nodes: self.items("a list")?,
            next: 0,
            of: self,
            drop_nulls,
        })
    }
}

/// Returns the entries with `<<` resolved; a key that stands twice is refused.
fn merged<'n>(
    entries: &'n [Entry],
    at: &NodeDeserializer<'n>,
    may_override: bool,
) -> Result<Pairs<'n>, Problem> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pairs = Pairs::with_capacity(entries.len());
    let mut merges = Vec::new();
    for (key, value) in entries {
        let text = key.text().unwrap_or_default();
        if let Some(first) = seen.insert(text, key.line) {
            let message = format!("mapping key {text:?} already defined at line {first}");
            return Err(Problem::new(0, 0, message).at(key.line, key.column, at.path));
        }
        if is_merge(key) {
            merges.push(value.as_ref());
        } else {
            pairs.push((key.as_ref(), value.as_ref()));
        }
    }
    for source in merges {
        let maps: Vec<&Node> = match &source.kind {
            Kind::Sequence(items) => items.iter().map(AsRef::as_ref).collect(),
            Kind::Mapping(_) | Kind::Scalar { .. } => vec![source],
        };
        for map in maps {
            let Kind::Mapping(entries) = &map.kind else {
                let message = "map merge requires map or sequence of maps as the value";
                return Err(Problem::new(0, 0, message).at(map.line, map.column, at.path));
            };
            for (key, value) in merged(entries, at, may_override)? {
                let text = key.text().unwrap_or_default();
                if seen.contains_key(text) {
                    if !may_override {
                        let message = format!("key {text:?} already set in map");
                        return Err(Problem::new(0, 0, message).at(key.line, key.column, at.path));
                    }
                    continue;
                }
                seen.insert(text, key.line);
                pairs.push((key, value));
            }
        }
    }
    Ok(pairs)
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, Kind::Scalar { text, plain: true } if text == "<<")
        && key.tag.as_deref().is_none_or(|tag| tag == "!!merge")
}
