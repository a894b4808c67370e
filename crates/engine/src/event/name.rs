//! Interned names: keys of events, item names and labels are compared by address and cost no reference count.

use std::{
    cmp::Ordering,
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{OnceLock, RwLock},
};

use arcstr::ArcStr;
use expr::Key;

use crate::Text;

/// How many names a process may intern; keys come from items, so only an item that makes keys from data gets there.
const LIMIT: usize = 1 << 17;

/// A name that lives as long as the process.
#[derive(Clone, Copy)]
pub struct Name(&'static Entry);

/// What all copies of a name share.
struct Entry {
    /// The text; made static, so that its clones count no references.
    shared: ArcStr,
    text: &'static str,
    /// The hash that constant keys of expressions carry.
    hash: u32,
}

type Table = RwLock<HashMap<&'static str, Name>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(RwLock::default)
}

impl Name {
    /// Interns `text`; `None` once the process holds 131,072 names.
    pub fn try_new(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::empty());
        }
        if let Ok(held) = table().read()
            && let Some(known) = held.get(text)
        {
            return Some(*known);
        }
        let mut held = table().write().ok()?;
        if let Some(known) = held.get(text) {
            return Some(*known);
        }
        if held.len() >= LIMIT {
            return None;
        }
        let name = Self(Box::leak(Box::new(Entry::new(text))));
        held.insert(name.as_str(), name);
        Some(name)
    }

    /// Interns `text`; a full table yields the empty name.
    pub fn new(text: &str) -> Self {
        Self::try_new(text).unwrap_or_else(Self::empty)
    }

    /// Returns the name without letters.
    pub fn empty() -> Self {
        static EMPTY: OnceLock<Entry> = OnceLock::new();
        Self(EMPTY.get_or_init(|| Entry::new("")))
    }

    /// Returns the name as a value; its copies share the interned buffer and count no references.
    pub fn to_text(self) -> Text {
        Text::from(self.0.shared.clone())
    }

    /// Returns the text.
    pub fn as_str(self) -> &'static str {
        self.0.text
    }

    /// Returns whether this is the name that `key` holds.
    #[inline]
    pub fn is(self, key: &Key) -> bool {
        self.0.hash == key.hash() && self.0.text == key.as_str()
    }
}

impl Entry {
    fn new(text: &str) -> Self {
        let shared = ArcStr::from(text);
        Self {
            text: shared.leak(),
            shared,
            hash: Key::hash_of(text),
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            Ordering::Equal
        } else {
            self.as_str().cmp(other.as_str())
        }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_name_and_their_values_share_it() {
        let (a, b) = (Name::new("source_ip"), Name::new(&String::from("source_ip")));
        assert_eq!(a, b);
        assert!(a.is(&Key::new("source_ip")) && !a.is(&Key::new("source")));
        assert_eq!(a.to_text().as_str().as_ptr(), b.to_text().as_str().as_ptr());
        assert!(Name::new("") == Name::empty() && Name::empty() < a);
    }
}
