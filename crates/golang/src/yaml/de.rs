//! Decodes a tree into serde types by Go's rules.

mod access;
mod itself;
mod read;

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};

use self::access::{Entries, Variant};
use self::itself::Parts;
use super::Dialect;
use super::error::{Path, Problem};
use super::node::{Document, Kind, Node, TOKEN};
use super::scalar::Resolved;

/// One node on its way into a type.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'n> {
    pub(super) node: &'n Node,
    pub(super) dialect: Dialect,
    pub(super) path: &'n Path<'n>,
}

impl Document {
    /// Reads the document as `T`.
    pub fn decode<T: DeserializeOwned>(&self, dialect: Dialect) -> Result<T, Problem> {
        self.node.decode(dialect)
    }
}

impl Node {
    /// Reads the value as `T`.
    pub fn decode<T: DeserializeOwned>(&self, dialect: Dialect) -> Result<T, Problem> {
        T::deserialize(NodeDeserializer {
            node: self,
            dialect,
            path: &Path::Top,
        })
        .map_err(|problem| problem.at(self.line, self.column, &Path::Top))
    }
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
