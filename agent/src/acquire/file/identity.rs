//! Which file is behind a path: device, inode and the first bytes, so that a rotation is told from growth.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes of a fingerprint.
const PREFIX: usize = 256;

/// Device and inode: the file itself, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Node {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
}

impl Node {
    /// Reads the numbers from `metadata`.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
        }
    }
}

/// The first bytes of an open file, as many as it had when it was last looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(Vec<u8>);

/// What a checkpoint keeps of a prefix: its length and hash, not the log text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes that were hashed, at most 256.
    pub len: usize,
    /// Hex SHA-256 of them.
    pub hash: String,
}

impl Prefix {
    /// Reads the prefix of `file`.
    pub fn read(file: &File) -> io::Result<Self> {
        let mut bytes = vec![0; PREFIX];
        let mut filled = 0;
        while filled < PREFIX {
            let Some(room) = bytes.get_mut(filled..) else {
                break;
            };
            match file.read_at(room, filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(Self(bytes))
    }

    /// Tells whether `later`, read from the same file, is what an append can have made of this.
    pub fn grew_into(&self, later: &Self) -> bool {
        later.0.starts_with(&self.0)
    }

    /// Tells whether the file had no byte yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes as text, to tell formats apart.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns the form that is stored.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            len: self.0.len(),
            hash: hash(&self.0),
        }
    }

    /// Tells whether a file with this prefix can be the one that `stored` was taken of.
    pub fn can_be(&self, stored: &Fingerprint) -> bool {
        self.0
            .get(..stored.len)
            .is_some_and(|start| hash(start) == stored.hash)
    }
}

fn hash(bytes: &[u8]) -> String {
    crate::outbox::seal::hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, text).unwrap();
        Prefix::read(&File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn growth_keeps_the_identity_and_new_content_does_not() {
        let short = prefix("first line\n");
        let longer = prefix(&"first line\nand more\n".repeat(40));
        let other = prefix("other line\n");
        assert!(short.grew_into(&longer) && !longer.grew_into(&short));
        assert!(!short.grew_into(&other));
        assert!(longer.can_be(&short.fingerprint()));
        assert!(!other.can_be(&short.fingerprint()));
        assert!(!short.can_be(&longer.fingerprint()));
        assert!(
            other.can_be(&prefix("").fingerprint()),
            "an empty file can become anything"
        );
    }
}
