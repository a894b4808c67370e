//! What the checker knows of a value before it exists.

use std::sync::Arc;

use crate::id::Kind;

/// Names the static type of an expression; the same set of types exists for values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Type {
    /// Decided at run time (Go `interface{}`).
    #[default]
    Any,
    /// The literal `nil`.
    Nil,
    /// Go `bool`.
    Bool,
    /// Every Go integer type, as 64 bits.
    Int,
    /// Go `float64`.
    Float,
    /// Go `string`.
    String,
    /// Go `[]byte`; its length is in bytes.
    Bytes,
    /// Go `time.Duration`.
    Duration,
    /// Go `time.Time`.
    Time,
    /// Go `time.Weekday`: has `String()`, is no string.
    Weekday,
    /// Go `time.Month`.
    Month,
    /// Go `*time.Location`.
    Zone,
    /// A list with elements of one type.
    Array(Arc<Type>),
    /// A map from strings to values of one type; a missing key reads as that type's zero value.
    Map(Arc<Type>),
    /// A structure of the host with declared fields and methods.
    Object(Kind),
}

impl Type {
    /// Makes the list type with elements of type `element`.
    pub fn array(element: Type) -> Self {
        Self::Array(Arc::new(element))
    }

    /// Makes the map type with values of type `value`.
    pub fn map(value: Type) -> Self {
        Self::Map(Arc::new(value))
    }

    /// Makes Go's `map[string]string`: a missing key reads as `""`.
    pub fn strings() -> Self {
        Self::map(Self::String)
    }

    /// Makes Go's `map[string]interface{}`: a missing key reads as `nil`.
    pub fn anys() -> Self {
        Self::map(Self::Any)
    }

    /// Reports whether nothing is known before the run.
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Reports whether the value is an integer or a float (or may be one).
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Any)
    }

    /// Reports whether a value of type `given` may be used where `self` is asked for.
    pub fn accepts(&self, given: &Type) -> bool {
        match (self, given) {
            (Self::Any, _)
            | (_, Self::Any)
            | (Self::Array(_) | Self::Map(_) | Self::Object(_) | Self::Bytes | Self::Zone, Self::Nil) => true,
            (Self::Array(a), Self::Array(b)) | (Self::Map(a), Self::Map(b)) => a.accepts(b),
            _ => self == given,
        }
    }
}
