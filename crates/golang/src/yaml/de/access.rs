//! How serde walks through lists, mappings, keys and variants.

use std::sync::Arc;

use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::NodeDeserializer;
use crate::yaml::error::{Path, Problem};
use crate::yaml::node::{Kind, Node};

/// Keys and values of a mapping with `<<` resolved.
pub(in crate::yaml) type Pairs<'n> = Vec<(&'n Node, &'n Node)>;

/// The items of a list.
pub(in crate::yaml) struct Items<'n> {
    pub(in crate::yaml) nodes: &'n [Arc<Node>],
    pub(in crate::yaml) next: usize,
    pub(in crate::yaml) of: NodeDeserializer<'n>,
    pub(in crate::yaml) drop_nulls: bool,
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
pub(in crate::yaml) struct Entries<'n> {
    pub(in crate::yaml) pairs: Pairs<'n>,
    pub(in crate::yaml) next: usize,
    pub(in crate::yaml) of: NodeDeserializer<'n>,
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
pub(in crate::yaml) struct Variant<'n> {
    pub(in crate::yaml) of: NodeDeserializer<'n>,
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
