//! Maps as values: insertion-ordered, usually keyed by strings, with Go's rule for a missing key.

use std::hash::{Hash, Hasher};

use indexmap::{Equivalent, IndexMap};

use super::{Text, Value};

/// Holds the entries of a map value in the order they were put in.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: IndexMap<MapKey, Value, foldhash::fast::FixedState>,
    missing: Missing,
}

/// Says what reading an absent key gives; in Go it is the zero value of the map's element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// `map[string]interface{}`.
    #[default]
    Nil,
    /// `map[string]string`.
    EmptyText,
    /// `map[string]int`.
    Zero,
    /// `map[…][]…`: a nil list, which has length 0.
    EmptyArray,
}

/// Is a key of a [`Map`]; other keys than strings come from `groupBy` and `fromPairs` only.
#[derive(Debug, Clone)]
pub enum MapKey {
    /// The usual key.
    Text(Text),
    /// A number, a bool or another scalar.
    Other(Value),
}

impl Map {
    /// Makes an empty `map[string]interface{}`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty map whose missing keys read as `missing`.
    pub fn with_missing(missing: Missing) -> Self {
        Self {
            entries: IndexMap::default(),
            missing,
        }
    }

    /// Makes Go's `map[string]string` of `pairs`.
    pub fn of_strings<K: Into<Text>, V: Into<Text>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = pairs
            .into_iter()
            .map(|(key, value)| (MapKey::Text(key.into()), Value::Str(value.into())))
            .collect();
        Self {
            entries,
            missing: Missing::EmptyText,
        }
    }

    /// Returns the stored value, `None` when the key is absent.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(&TextKey(key))
    }

    /// Returns the value that the expression `map[key]` has, which is never absent.
    pub fn read(&self, key: &str) -> Value {
        self.get(key).cloned().unwrap_or_else(|| self.missing.value())
    }

    /// Returns the stored value of any key.
    pub fn get_value(&self, key: &Value) -> Option<&Value> {
        match key {
            Value::Str(text) => self.get(text),
            other => self.entries.get(&MapKey::Other(other.clone())),
        }
    }

    /// Stores `value` under `key`; an existing key keeps its place.
    pub fn insert(&mut self, key: impl Into<Text>, value: Value) {
        self.entries.insert(MapKey::Text(key.into()), value);
    }

    /// Stores `value` under a key of any type.
    pub fn insert_value(&mut self, key: Value, value: Value) {
        self.entries.insert(MapKey::from(key), value);
    }

    /// Removes a string key.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.entries.shift_remove(&TextKey(key))
    }

    /// Returns the value under `key`, put in by `make` when absent.
    pub fn entry(&mut self, key: Value, make: impl FnOnce() -> Value) -> &mut Value {
        self.entries.entry(MapKey::from(key)).or_insert_with(make)
    }

    /// Reports whether the string key is stored.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Reports whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Visits the entries in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&MapKey, &Value)> {
        self.entries.iter()
    }

    /// Returns what an absent key reads as.
    pub fn missing(&self) -> Missing {
        self.missing
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.missing == other.missing && self.entries == other.entries
    }
}

impl FromIterator<(Text, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(iter: I) -> Self {
        let entries = iter
            .into_iter()
            .map(|(key, value)| (MapKey::Text(key), value))
            .collect();
        Self {
            entries,
            missing: Missing::Nil,
        }
    }
}

impl Missing {
    /// Returns the value an absent key reads as.
    pub fn value(self) -> Value {
        match self {
            Self::Nil => Value::Nil,
            Self::EmptyText => Value::Str(Text::default()),
            Self::Zero => Value::Int(0),
            Self::EmptyArray => Value::array(Vec::new()),
        }
    }
}

impl MapKey {
    /// Returns the key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::Str(text.clone()),
            Self::Other(value) => value.clone(),
        }
    }

    /// Returns the text of a string key.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }
}

impl From<Value> for MapKey {
    fn from(value: Value) -> Self {
        match value {
            Value::Str(text) => Self::Text(text),
            other => Self::Other(other),
        }
    }
}

impl PartialEq for MapKey {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Other(a), Self::Other(b)) => a.same_key(b),
            _ => false,
        }
    }
}

impl Eq for MapKey {}

impl Hash for MapKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Text(text) => TextKey(text).hash(state),
            Self::Other(value) => value.hash_key(state),
        }
    }
}

/// Looks a string key up without making a [`Text`] of it.
struct TextKey<'a>(&'a str);

impl Hash for TextKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Equivalent<MapKey> for TextKey<'_> {
    fn equivalent(&self, key: &MapKey) -> bool {
        key.as_str() == Some(self.0)
    }
}
