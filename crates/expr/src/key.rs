//! Constant map keys with their hash, so that `evt.Parsed.x` costs one comparison per stored entry.

use std::fmt;

use arcstr::ArcStr;

/// Holds the name of a map entry with its hash; equality is decided by hash, then address, then text.
#[derive(Clone)]
pub struct Key {
    hash: u32,
    text: ArcStr,
}

impl Key {
    /// Makes a key of `text`; keys made apart are equal when their texts are.
    pub fn new(text: impl Into<ArcStr>) -> Self {
        let text = text.into();
        Self {
            hash: hash(&text),
            text,
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name as a shared buffer.
    pub fn text(&self) -> &ArcStr {
        &self.text
    }

    /// Returns the hash that [`Key::hash_of`] gives for the same text.
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// Returns the hash of a name that is looked up only once.
    pub fn hash_of(text: &str) -> u32 {
        hash(text)
    }
}

/// FNV-1a: keys are a few bytes long, and the value must be the same for all keys of a process.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (ArcStr::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Eq for Key {}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        self.text == *other
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u32(self.hash);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
