//! Hands a node on as it stands, for a type that wants to decode it later.

use std::sync::Arc;

use serde::de::{self, DeserializeSeed, IntoDeserializer, SeqAccess, Visitor, value::StrDeserializer};

use super::NodeDeserializer;
use super::access::Items;
use crate::yaml::error::Problem;
use crate::yaml::node::{Kind, Node};

/// The parts of a node that asks for itself, in the order `Node`'s visitor reads them.
pub(in crate::yaml) struct Parts<'n> {
    pub(in crate::yaml) node: NodeDeserializer<'n>,
    pub(in crate::yaml) next: u8,
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
