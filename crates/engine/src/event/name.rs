//! Interned names: keys of events, item names and labels are compared by address and cost no reference count.

use std::{
    collections::HashMap,
    fmt,
    sync::{OnceLock, RwLock},
};

use arcstr::ArcStr;
use expr::Key;

use crate::Text;

/// How many names a process may intern; keys come from items, so only an item that makes keys from data gets there.
const LIMIT: usize = 1 << 17;

/// A name that lives as long as the process, with the hash that constant keys of expressions carry.
#[derive(Clone, Copy)]
pub struct Name {
    text: &'static str,
    hash: u32,
}

/// Every name with the buffer it lives in.
type Table = RwLock<HashMap<&'static str, ArcStr>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(RwLock::default)
}

impl Name {
    /// Interns `text`; `None` once the process holds 131,072 names.
    pub fn try_new(text: &str) -> Option<Self> {
        if let Ok(held) = table().read()
            && let Some((known, _)) = held.get_key_value(text)
        {
            return Some(Self::known(known));
        }
        let mut held = table().write().ok()?;
        if let Some((known, _)) = held.get_key_value(text) {
            return Some(Self::known(known));
        }
        if held.len() >= LIMIT {
            return None;
        }
        let buffer = ArcStr::from(text);
        let leaked = buffer.leak();
        held.insert(leaked, buffer);
        Some(Self::known(leaked))
    }

    /// Returns the name as a value; its copies share the interned buffer and count no references.
    pub fn to_text(self) -> Text {
        let held = table().read().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.get(self.text)
            .cloned()
            .map_or_else(|| Text::from(self.text), Text::from)
    }

    /// Interns `text`; a full table yields the empty name.
    pub fn new(text: &str) -> Self {
        Self::try_new(text).unwrap_or_else(|| Self::known(""))
    }

    fn known(text: &'static str) -> Self {
        Self {
            text,
            hash: Key::hash_of(text),
        }
    }

    /// Returns the text.
    pub fn as_str(self) -> &'static str {
        self.text
    }

    /// Returns whether this is the name that `key` holds.
    #[inline]
    pub fn is(self, key: &Key) -> bool {
        self.hash == key.hash() && self.text == key.as_str()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.text, other.text) || (self.text.is_empty() && other.text.is_empty())
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self == other {
            std::cmp::Ordering::Equal
        } else {
            self.text.cmp(other.text)
        }
    }
}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}
