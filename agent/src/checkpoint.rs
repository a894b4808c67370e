//! What a restart begins with: how far each file was read, and the open buckets at exactly that point.
//!
//! One file, replaced as a whole; written only after the alerts of the lines before it are safe in the outbox.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::acquire::cri::Partials;
use crate::acquire::file::identity::{Fingerprint, Node};

/// Name of the file in the state folder.
const NAME: &str = "checkpoint.json";

/// Format of the file; another one is refused rather than misread.
const VERSION: u32 = 1;

/// How far one file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Where it was seen last.
    pub path: PathBuf,
    /// The `type` label it was read with: two acquisition entries may read one file.
    pub label: String,
    /// Which file it is.
    #[serde(flatten)]
    pub node: Node,
    /// What it began with.
    pub fingerprint: Fingerprint,
    /// Bytes up to which its lines are done.
    pub offset: u64,
    /// Container log fragments before `offset` that wait for their end.
    #[serde(default, skip_serializing_if = "Partials::is_empty")]
    pub partials: Partials,
}

/// A consistent cut through the process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// See [`VERSION`].
    pub version: u32,
    /// Number of the last outbox group before the cut.
    pub group: u64,
    /// One entry a file.
    pub positions: Vec<Position>,
    /// Acquisition patterns seen so far: a file of a new pattern is read from its end, as upstream does.
    pub patterns: Vec<String>,
    /// The open buckets, as the engine wrote them; `None` before it ever did.
    pub buckets: Option<Box<RawValue>>,
}

/// Why there is no usable checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("unable to access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} is not a checkpoint")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The file was written by another version of this program.
    #[error("{path} has version {found}, this program reads version {VERSION}")]
    Version {
        /// The file.
        path: PathBuf,
        /// What stands in it.
        found: u32,
    },
}

/// Reads the checkpoint of `dir`; `None` when there is none yet.
pub fn load(dir: &Path) -> Result<Option<Checkpoint>, Error> {
    let path = dir.join(NAME);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path, source }),
    };
    let checkpoint: Checkpoint = serde_json::from_slice(&text).map_err(|source| Error::Format {
        path: path.clone(),
        source,
    })?;
    match checkpoint.version {
        VERSION => Ok(Some(checkpoint)),
        found => Err(Error::Version { path, found }),
    }
}

/// Replaces the checkpoint of `dir`; after a crash the old or the new one is there, whole.
pub fn store(dir: &Path, checkpoint: &Checkpoint) -> Result<(), Error> {
    let path = dir.join(NAME);
    let checkpoint = Checkpoint {
        version: VERSION,
        ..checkpoint.clone()
    };
    let text = serde_json::to_vec(&checkpoint).map_err(|source| Error::Format {
        path: path.clone(),
        source,
    })?;
    replace(dir, &path, &text).map_err(|source| Error::Io { path, source })
}

/// Writes `path` in `dir` through a temporary file, so that no reader and no crash sees half of it.
pub(crate) fn replace(dir: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            version: VERSION,
            group: 7,
            positions: vec![Position {
                path: "/var/log/x.log".into(),
                label: "syslog".to_owned(),
                node: Node { dev: 1, ino: 2 },
                fingerprint: Fingerprint {
                    len: 3,
                    hash: "ab".to_owned(),
                },
                offset: 42,
                partials: Partials::new(),
            }],
            patterns: vec!["syslog /var/log/*.log".to_owned()],
            buckets: Some(RawValue::from_string("{\"a\":1}".to_owned()).unwrap()),
        }
    }

    #[track_caller]
    fn assert_loads(dir: &Path) {
        let Checkpoint {
            version,
            group,
            positions,
            patterns,
            buckets,
        } = load(dir).unwrap().unwrap();
        let expected = checkpoint();
        assert_eq!(
            (version, group, positions),
            (VERSION, expected.group, expected.positions)
        );
        assert_eq!(
            (patterns, buckets.unwrap().get()),
            (expected.patterns, "{\"a\":1}")
        );
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).unwrap().is_none());
        store(dir.path(), &checkpoint()).unwrap();
        assert_loads(dir.path());
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), &checkpoint()).unwrap();
        fs::write(dir.path().join("checkpoint.tmp"), "{\"vers").unwrap();
        assert_loads(dir.path());
    }

    #[test]
    fn a_strange_file_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), "{").unwrap();
        assert!(
            load(dir.path())
                .unwrap_err()
                .to_string()
                .ends_with("checkpoint.json is not a checkpoint")
        );
        fs::write(
            dir.path().join(NAME),
            serde_json::to_vec(&Checkpoint {
                version: 9,
                ..checkpoint()
            })
            .unwrap(),
        )
        .unwrap();
        assert!(matches!(load(dir.path()), Err(Error::Version { found: 9, .. })));
    }
}
