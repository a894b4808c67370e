//! Alerts that the Local API will never take, kept for people: one JSON object a line.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::outbox::Letter;

/// Name of the file in the state folder; the one before it ends in `.1`.
const NAME: &str = "dead-letters.jsonl";

/// Size at which the file is set aside; two of them are kept.
const LIMIT: u64 = 8 << 20;

/// The file.
pub struct DeadLetters {
    path: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    at: jiff::Timestamp,
    reason: &'a str,
    key: &'a str,
    alert: Option<&'a RawValue>,
}

impl DeadLetters {
    /// Names the file in `dir`; it is made when needed.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(NAME) }
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an alert and why it was refused.
    pub fn put(&self, letter: &Letter, reason: &str) -> io::Result<()> {
        if self.path.metadata().is_ok_and(|metadata| metadata.len() > LIMIT) {
            fs::rename(&self.path, self.path.with_extension("jsonl.1"))?;
        }
        let line = Line {
            at: service::clock::now(),
            reason,
            key: &letter.key,
            alert: serde_json::from_slice(&letter.body).ok(),
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        file.write_all(&text)?;
        file.sync_data()
    }
}
