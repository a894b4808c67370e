//! The string maps of an event (`Parsed`, `Meta`, `Enriched`): few entries, interned keys, values that share the line.

use std::collections::BTreeMap;

use super::name::Name;
use crate::Text;

/// A small map from interned name to text; order of first insertion, one entry per name.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    slots: Vec<(Name, Text)>,
}

impl Fields {
    /// Returns the value of `name`; `None` when absent.
    #[inline]
    pub fn get_name(&self, name: Name) -> Option<&Text> {
        self.slots
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Returns the value of a constant key of an expression; `None` when absent.
    #[inline]
    pub fn get_key(&self, key: &expr::Key) -> Option<&Text> {
        self.slots
            .iter()
            .find(|(name, _)| name.is(key))
            .map(|(_, value)| value)
    }

    /// Returns the value of `key`; `None` when absent.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Text> {
        self.slots
            .iter()
            .find(|(name, _)| name.as_str() == key)
            .map(|(_, value)| value)
    }

    /// Returns the value of `key`; absent reads as the empty string, as in Go.
    pub fn text(&self, key: &str) -> &str {
        self.get(key).map_or("", |value| value.as_str())
    }

    /// Writes `value` under `name`.
    #[inline]
    pub fn set(&mut self, name: Name, value: Text) {
        match self.slots.iter_mut().find(|(key, _)| *key == name) {
            Some((_, held)) => *held = value,
            None => self.slots.push((name, value)),
        }
    }

    /// Removes every entry and keeps the memory.
    pub fn clear(&mut self) {
        self.slots.clear();
    }

    /// Returns how many entries there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Visits the entries in the order of their first insertion.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &Text)> {
        self.slots.iter().map(|(name, value)| (*name, value))
    }

    /// Returns the entries sorted by name: the form that may reach output.
    pub fn sorted(&self) -> BTreeMap<&str, &str> {
        self.slots
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl Eq for Fields {}

impl<'a> FromIterator<(&'a str, &'a str)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(iter: I) -> Self {
        let mut fields = Self::default();
        for (key, value) in iter {
            fields.set(Name::new(key), Text::from(value));
        }
        fields
    }
}
