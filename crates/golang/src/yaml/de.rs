//! Decodes a tree into serde types by Go's rules.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::Dialect;
use super::error::{Path, Problem};
use super::node::{Entry, Kind, Node, TOKEN};
use super::scalar::{self, Resolved};
use crate::fmt::{format_float, parse_float};

/// One node on its way into a type.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'n> {
    pub(super) node: &'n Node,
    pub(super) dialect: Dialect,
    pub(super) path: &'n Path<'n>,
}

type Pairs<'n> = Vec<(&'n Node, &'n Node)>;

impl<'n> NodeDeserializer<'n> {
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(0, 0, message).at(self.node.line, self.node.column, self.path)
    }

    /// Builds Go's sentence for a value of the wrong type.
    fn mismatch(&self, wanted: &str) -> Problem {
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
    fn scalar(&self, wanted: &str) -> Result<(Resolved, &'n str), Problem> {
        let Kind::Scalar { text, plain } = &self.node.kind else {
            return Err(self.mismatch(wanted));
        };
        match scalar::resolve(text, *plain, self.node.tag.as_deref(), self.dialect) {
            Ok(resolved) => Ok((resolved, text)),
            Err(tag) => Err(self.problem(format!("cannot decode `{text}` as a {tag}"))),
        }
    }

    fn is_null(&self) -> bool {
        matches!(self.scalar(""), Ok((Resolved::Null, _)))
    }

    fn pairs(&self, wanted: &str, may_override: bool) -> Result<Pairs<'n>, Problem> {
        match &self.node.kind {
            Kind::Mapping(entries) => merged(entries, self, may_override),
            _ if self.is_null() => Ok(Vec::new()),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// Returns the entries of a map with free keys: a null key is the empty one, and yaml.v3 drops it.
    fn map_pairs(&self) -> Result<Pairs<'n>, Problem> {
        let mut pairs = self.pairs("a mapping", self.dialect != Dialect::V2Strict)?;
        if self.drops_nulls() {
            pairs.retain(|(key, _)| !key.is_null());
        }
        Ok(pairs)
    }

    fn items(&self, wanted: &str) -> Result<&'n [Arc<Node>], Problem> {
        match &self.node.kind {
            Kind::Sequence(items) => Ok(items),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.mismatch(wanted)),
        }
    }

    fn signed(&self, wanted: &str) -> Result<i64, Problem> {
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
    fn number_in_text(&self, text: &str) -> Option<f64> {
        if self.dialect == Dialect::GoccyStrict {
            parse_float(text)
        } else {
            None
        }
    }

    fn unsigned(&self, wanted: &str) -> Result<u64, Problem> {
        match self.scalar(wanted)?.0 {
            Resolved::Uint(n) => Ok(n),
            _ => u64::try_from(self.signed(wanted)?).map_err(|_negative| self.mismatch(wanted)),
        }
    }

    fn boolean(&self) -> Result<bool, Problem> {
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
    fn float(&self) -> Result<f64, Problem> {
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
    fn text(&self) -> Result<Cow<'n, str>, Problem> {
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
    fn drops_nulls(&self) -> bool {
        matches!(self.dialect, Dialect::V3Known | Dialect::Lenient)
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V, drop_nulls: bool) -> Result<V::Value, Problem> {
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

macro_rules! integers {
    ($($method:ident $visit:ident $read:ident $type:ty, $name:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let value = <$type>::try_from(self.$read($name)?).map_err(|_range| self.mismatch($name))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.node.kind {
            Kind::Sequence(_) => self.list(visitor, false),
            Kind::Mapping(_) => self.deserialize_map(visitor),
            Kind::Scalar { .. } => match self.scalar("")? {
                (Resolved::Null, _) => visitor.visit_unit(),
                (Resolved::Bool(value), _) => visitor.visit_bool(value),
                (Resolved::Int(n), _) => visitor.visit_i64(n),
                (Resolved::Uint(n), _) => visitor.visit_u64(n),
                (Resolved::Float(f), _) => visitor.visit_f64(f),
                (Resolved::Timestamp | Resolved::Text, text) => visitor.visit_str(text),
            },
        }
    }

    integers! {
        deserialize_i8 visit_i8 signed i8, "int8";
        deserialize_i16 visit_i16 signed i16, "int16";
        deserialize_i32 visit_i32 signed i32, "int32";
        deserialize_i64 visit_i64 signed i64, "int";
        deserialize_u8 visit_u8 unsigned u8, "uint8";
        deserialize_u16 visit_u16 unsigned u16, "uint16";
        deserialize_u32 visit_u32 unsigned u32, "uint32";
        deserialize_u64 visit_u64 unsigned u64, "uint";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bool(self.boolean()?)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the type asks for the short form")]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_f32(self.float()? as f32)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(&self.text()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(&self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(&self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bytes(self.text()?.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.is_null() {
            visitor.visit_unit()
        } else {
            Err(self.mismatch("nothing"))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == TOKEN {
            visitor.visit_seq(Parts { node: self, next: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let drop_nulls = self.drops_nulls();
        self.list(visitor, drop_nulls)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        let items = self.items("a list")?;
        if items.len() != len {
            return Err(self.problem(format!(
                "invalid array: want {len} elements but got {}",
                items.len()
            )));
        }
        self.list(visitor, false)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_map(Entries {
            pairs: self.map_pairs()?,
            next: 0,
            of: self,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let mut pairs = self.pairs("a mapping", true)?;
        if self.dialect != Dialect::Lenient {
            for (key, _) in &pairs {
                let text = key.text().unwrap_or_default();
                if !fields.contains(&text) {
                    return Err(Problem::unknown_key(text, fields).at(key.line, key.column, self.path));
                }
            }
        }
        // a null leaves the field as it was: at its default
        pairs.retain(|(_, value)| !NodeDeserializer { node: value, ..self }.is_null());
        visitor.visit_map(Entries {
            pairs,
            next: 0,
            of: self,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match &self.node.kind {
            Kind::Mapping(entries) if entries.len() == 1 => visitor.visit_enum(Variant { of: self }),
            _ => visitor.visit_enum(self.text()?.into_deserializer()),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(&self.text()?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }
}

/// The items of a list.
struct Items<'n> {
    nodes: &'n [Arc<Node>],
    next: usize,
    of: NodeDeserializer<'n>,
    drop_nulls: bool,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        while self.drop_nulls && self.nodes.get(self.next).is_some_and(|node| node.is_null()) {
            self.next += 1;
        }
        let Some(node) = self.nodes.get(self.next) else {
            return Ok(None);
        };
        let path = Path::Index(self.of.path, self.next);
        self.next += 1;
        seed.deserialize(NodeDeserializer {
            node,
            dialect: self.of.dialect,
            path: &path,
        })
        .map(Some)
        .map_err(|problem| problem.at(node.line, node.column, &path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len() - self.next)
    }
}

/// The entries of a mapping.
struct Entries<'n> {
    pairs: Pairs<'n>,
    next: usize,
    of: NodeDeserializer<'n>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some((key, _)) = self.pairs.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(KeyDeserializer(NodeDeserializer { node: key, ..self.of }))
            .map(Some)
            .map_err(|problem| problem.at(key.line, key.column, self.of.path))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        let Some((key, node)) = self.pairs.get(self.next) else {
            return Err(self.of.problem("a value is asked for before its key"));
        };
        self.next += 1;
        let path = Path::Key(self.of.path, key.text().unwrap_or_default());
        seed.deserialize(NodeDeserializer {
            node,
            dialect: self.of.dialect,
            path: &path,
        })
        .map_err(|problem| problem.at(node.line, node.column, &path))
    }
}

/// A key: its text, whatever it would mean as a value.
struct KeyDeserializer<'n>(NodeDeserializer<'n>);

impl<'de> de::Deserializer<'de> for KeyDeserializer<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0.node.text() {
            Some(_) if self.0.node.is_null() => visitor.visit_str(""),
            Some(text) => visitor.visit_str(text),
            None => Err(self.0.mismatch("a key")),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.0.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.0.deserialize_u64(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 u8 u16 u32 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A mapping of one entry, read as an enum's variant with content.
struct Variant<'n> {
    of: NodeDeserializer<'n>,
}

impl<'n, 'de> EnumAccess<'de> for Variant<'n> {
    type Error = Problem;
    type Variant = NodeDeserializer<'n>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Problem> {
        let Kind::Mapping(entries) = &self.of.node.kind else {
            return Err(self.of.mismatch("a variant"));
        };
        let [(key, value)] = entries.as_slice() else {
            return Err(self.of.mismatch("a variant"));
        };
        let name = StrDeserializer::<Problem>::new(key.text().unwrap_or_default());
        let variant = seed
            .deserialize(name)
            .map_err(|problem| problem.at(key.line, key.column, self.of.path))?;
        Ok((
            variant,
            NodeDeserializer {
                node: value,
                ..self.of
            },
        ))
    }
}

impl<'de> VariantAccess<'de> for NodeDeserializer<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        if self.is_null() {
            Ok(())
        } else {
            Err(self.mismatch("nothing"))
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}

impl IntoDeserializer<'_, Problem> for NodeDeserializer<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The parts of a node that asks for itself, in the order `Node`'s visitor reads them.
struct Parts<'n> {
    node: NodeDeserializer<'n>,
    next: u8,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let node = self.node.node;
        let part = self.next;
        self.next += 1;
        let number = |n: usize| IntoDeserializer::<Problem>::into_deserializer(n);
        let (kind, plain) = match &node.kind {
            Kind::Scalar { plain, .. } => (0, usize::from(*plain)),
            Kind::Sequence(_) => (1, 0),
            Kind::Mapping(_) => (2, 0),
        };
        let value = match part {
            0 => seed.deserialize(number(kind))?,
            1 => seed.deserialize(number(plain))?,
            2 => seed.deserialize(number(node.line))?,
            3 => seed.deserialize(number(node.column))?,
            4 => seed.deserialize(number(usize::try_from(node.weight).unwrap_or(usize::MAX)))?,
            5 => seed.deserialize(TagDeserializer(node.tag.as_deref()))?,
            6 => seed.deserialize(StrDeserializer::new(node.text().unwrap_or_default()))?,
            7 => {
                let children = match &node.kind {
                    Kind::Scalar { .. } => Vec::new(),
                    Kind::Sequence(items) => items.clone(),
                    Kind::Mapping(entries) => {
                        entries.iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect()
                    }
                };
                seed.deserialize(Children {
                    items: &children,
                    of: self.node,
                })?
            }
            _ => return Ok(None),
        };
        Ok(Some(value))
    }
}

/// An optional text.
struct TagDeserializer<'n>(Option<&'n str>);

impl<'de> de::Deserializer<'de> for TagDeserializer<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Some(tag) => visitor.visit_some(StrDeserializer::new(tag)),
            None => visitor.visit_none(),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The nodes below a node.
struct Children<'n> {
    items: &'n [Arc<Node>],
    of: NodeDeserializer<'n>,
}

impl<'de> de::Deserializer<'de> for Children<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_seq(Items {
            nodes: self.items,
            next: 0,
            of: self.of,
            drop_nulls: false,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
