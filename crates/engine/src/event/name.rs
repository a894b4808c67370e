//! Interned names: keys of events, item names and labels are compared by address and cost no reference count.

use std::{
    collections::HashSet,
    fmt,
    sync::{OnceLock, RwLock},
};

/// How many names a process may intern; keys come from items, so only an item that makes keys from data gets there.
const LIMIT: usize = 1 << 17;

/// A name that lives as long as the process.
#[derive(Clone, Copy)]
pub struct Name(&'static str);

impl Name {
    /// Interns `text`; `None` once the process holds 131,072 names.
    pub fn try_new(text: &str) -> Option<Self> {
        static TABLE: OnceLock<RwLock<HashSet<&'static str>>> = OnceLock::new();
        let table = TABLE.get_or_init(RwLock::default);
        if let Ok(held) = table.read()
            && let Some(known) = held.get(text)
        {
            return Some(Self(known));
        }
        let mut held = table.write().ok()?;
        if let Some(known) = held.get(text) {
            return Some(Self(known));
        }
        if held.len() >= LIMIT {
            return None;
        }
        let leaked: &'static str = Box::leak(text.to_owned().into_boxed_str());
        held.insert(leaked);
        Some(Self(leaked))
    }

    /// Interns `text`; a full table yields the empty name.
    pub fn new(text: &str) -> Self {
        Self::try_new(text).unwrap_or(Self(""))
    }

    /// Returns the text.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || (self.0.is_empty() && other.0.is_empty())
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
            self.0.cmp(other.0)
        }
    }
}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}
