//! What an expression evaluates to.

mod map;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use golang::duration::Duration;
use golang::time::Time;

pub use self::map::{Map, MapKey, Missing};
use crate::id::{FieldId, Kind};

/// Is a span of a shared, immutable buffer: cloning costs one counter.
pub type Text = arcstr::Substr;

/// Holds one value; cloning never copies text, lists or maps.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Go `nil`.
    #[default]
    Nil,
    /// Go `bool`.
    Bool(bool),
    /// Every Go integer type.
    Int(i64),
    /// Go `float64`.
    Float(f64),
    /// Go `string` (invalid UTF-8 is replaced where text enters the engine).
    Str(Text),
    /// Go `[]byte`.
    Bytes(Arc<[u8]>),
    /// Any Go slice.
    Array(Arc<Vec<Value>>),
    /// Any Go map.
    Map(Arc<Map>),
    /// Go `time.Duration`.
    Duration(Duration),
    /// Go `time.Time`.
    Time(Arc<Time>),
    /// Go `time.Weekday`, Sunday = 0.
    Weekday(u8),
    /// Go `time.Month`, January = 1.
    Month(u8),
    /// Go `*time.Location` by its IANA name.
    Zone(Text),
    /// A structure of the host.
    Object(Object),
    /// A map field of a host object that a helper writes to; only ever an argument, never a result.
    Place(Place),
}

/// Names a structure of the host: its kind and the host's own number for the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    /// Which declared structure.
    pub kind: Kind,
    /// Which instance; root variables have index 0.
    pub index: u32,
}

/// Names a map field of a host object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The structure that holds the map.
    pub object: Object,
    /// The map field.
    pub field: FieldId,
}

impl Value {
    /// Makes a string value.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    /// Makes a list value.
    pub fn array(items: Vec<Value>) -> Self {
        Self::Array(Arc::new(items))
    }

    /// Makes a map value.
    pub fn map(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }

    /// Makes a list of strings.
    pub fn texts<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::array(items.into_iter().map(|item| Self::Str(item.into())).collect())
    }

    /// Makes a time value.
    pub fn time(time: Time) -> Self {
        Self::Time(Arc::new(time))
    }

    /// Reports whether the value is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Returns the text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the truth of a bool value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Returns the number of an integer value.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the number of an integer or float value as a float.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "Go's float64(int) rounds the same way")]
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the elements of a list value.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries of a map value.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns Go's name of the value's type, as run-time errors spell it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::Array(_) => "[]interface {}",
            Self::Map(_) | Self::Place(_) => "map[string]interface {}",
            Self::Duration(_) => "time.Duration",
            Self::Time(_) => "time.Time",
            Self::Weekday(_) => "time.Weekday",
            Self::Month(_) => "time.Month",
            Self::Zone(_) => "*time.Location",
            Self::Object(_) => "struct",
        }
    }

    /// Reports equality as the operator `==` decides it: numbers by value whatever their type, lists by their
    /// elements, anything else by type and content (an int in a map is not a float).
    ///
    /// Upstream: `vm/runtime.Equal`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "Go compares int and float64 as float64"
    )]
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => *a as f64 == *b,
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            _ => self.same(other),
        }
    }

    /// Reports whether two map keys are the same: unlike `==`, an int is never a float.
    pub(crate) fn same_key(&self, other: &Value) -> bool {
        self.same(other)
    }

    /// Feeds the hash that agrees with [`Value::same_key`].
    pub(crate) fn hash_key<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Bool(truth) => truth.hash(state),
            Self::Int(number) => number.hash(state),
            Self::Float(number) => (if *number == 0.0 { 0.0 } else { *number }).to_bits().hash(state),
            Self::Str(text) | Self::Zone(text) => text.hash(state),
            Self::Weekday(number) | Self::Month(number) => number.hash(state),
            Self::Object(object) => object.hash(state),
            Self::Duration(duration) => duration.0.hash(state),
            Self::Nil | Self::Bytes(_) | Self::Array(_) | Self::Map(_) | Self::Time(_) | Self::Place(_) => {}
        }
    }

    fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            #[expect(clippy::float_cmp, reason = "Go compares float64 exactly")]
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Str(a), Self::Str(b)) | (Self::Zone(a), Self::Zone(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a.0 == b.0,
            (Self::Time(a), Self::Time(b)) => a.timestamp() == b.timestamp(),
            (Self::Weekday(a), Self::Weekday(b)) | (Self::Month(a), Self::Month(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Place(a), Self::Place(b)) => a == b,
            _ => false,
        }
    }
}

/// Structural equality: an int never equals a float (use [`Value::equals`] for the operator `==`).
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Str(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::array(items)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::map(map)
    }
}
