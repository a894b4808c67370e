//! Where lines come from: configured sources become followed files, files become batches of lines.
//!
//! The reader is one thread; it stops reading while the pipeline is full, so that the files are the buffer.

pub mod cri;
pub mod file;
pub mod reader;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use config::resolved::{Mode as ReadMode, Reader, Source};
use engine::{Mode, Name, RawLine};

use crate::acquire::cri::Partials;
use crate::checkpoint::Position;

/// Number of a followed file in this process.
pub type FileId = u32;

/// Lines of one batch; small, so that the alert of its first line does not wait for its last.
pub const BATCH: usize = 128;

/// A line on its way, with what a checkpoint needs to know of it.
#[derive(Debug)]
pub struct Item {
    /// The file it was read from.
    pub file: FileId,
    /// Offset after it.
    pub end: u64,
    /// Fragments of other lines before `end` that still wait.
    pub partials: Option<Arc<Partials>>,
    /// Whether its alerts were already recorded before a crash: it only rebuilds buckets.
    pub is_replay: bool,
    /// Which clock its buckets follow.
    pub mode: Mode,
    /// The line.
    pub line: RawLine,
}

/// What the checkpoint has to know about files, in the order of the lines.
#[derive(Debug)]
pub enum Note {
    /// A file was opened, renamed, begun anew, or is known better.
    Position(FileId, Position),
    /// A file will give no more lines and needs no position.
    Closed(FileId),
    /// Patterns whose files have been looked for once.
    Patterns(Vec<String>),
    /// Every file was read to its end once since the start.
    CaughtUp,
}

/// What the reader hands to the pipeline at a time; the notes come before the lines.
#[derive(Debug, Default)]
pub struct Batch {
    /// See [`Note`].
    pub notes: Vec<Note>,
    /// At most [`BATCH`] lines, unless one read of one file gave more.
    pub items: Vec<Item>,
}

/// Counts of the reader that no line carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines whose end was cut off.
    pub truncated: u64,
    /// Files that were begun anew because their content was another one.
    pub replaced: u64,
    /// Files that could not be opened or read.
    pub errors: u64,
}

/// What all lines of an acquisition entry, or of one file of it, have in common.
#[derive(Debug, Clone)]
pub struct Origin {
    /// `Line.Src`: the path, or its last part when metrics are aggregated.
    pub source: Arc<str>,
    /// Labels of the entry.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Name of the module.
    pub module: Name,
    /// Which clock buckets follow.
    pub mode: Mode,
    /// Whether fragments of container log lines are joined.
    pub joins_fragments: bool,
}

impl Origin {
    /// Returns the `type` label.
    pub fn kind(&self) -> &str {
        self.labels.get("type").map_or("", String::as_str)
    }
}

/// An acquisition entry that reads files.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Glob patterns.
    pub patterns: Vec<String>,
    /// Paths that match one of these are left out.
    pub exclude: Vec<regex::Regex>,
    /// Reads to the end and stops, instead of following.
    pub is_cat: bool,
    /// Longest line in cat mode.
    pub max_line: Option<usize>,
    /// Whether only the last part of a path is named in metrics and `Line.Src`.
    pub short_source: bool,
    labels: Arc<BTreeMap<String, String>>,
    mode: Mode,
}

/// A source that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A glob pattern is broken.
    #[error("{place}: {source}")]
    Pattern {
        /// File and line of the entry.
        place: String,
        /// What is wrong.
        source: file::glob::BadPattern,
    },
    /// An `exclude_regexps` entry does not compile.
    #[error("{place}: exclude_regexps: {message}")]
    Exclude {
        /// File and line of the entry.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// Something this program does not do.
    #[error("{place}: {message}")]
    Unsupported {
        /// File and line of the entry.
        place: String,
        /// What it is.
        message: String,
    },
}

/// Type labels whose lines are in the container runtime's format; the hub's `cri-logs` reads `containerd`.
const CRI_LABELS: [&str; 2] = ["containerd", "cri-o"];

impl Entry {
    /// Resolves one configured source.
    pub fn new(source: &Source, short_source: bool) -> Result<Self, Error> {
        let place = format!("{}:{}", source.file.display(), source.line);
        if source.transform.is_some() {
            let message = "transform is not supported by this version; remove it".to_owned();
            return Err(Error::Unsupported { place, message });
        }
        let Reader::File(files) = &source.reader else {
            let message = "source: pods is not followed by this version; remove it".to_owned();
            return Err(Error::Unsupported { place, message });
        };
        for pattern in &files.globs {
            file::glob::validate(pattern).map_err(|source| Error::Pattern {
                place: place.clone(),
                source,
            })?;
        }
        let mut exclude = Vec::new();
        for pattern in &files.exclude {
            let compiled = golang::regexp::compile(pattern).map_err(|error| Error::Exclude {
                place: place.clone(),
                message: error.to_string(),
            })?;
            exclude.push(compiled);
        }
        let is_cat = source.mode == ReadMode::Cat;
        Ok(Self {
            patterns: files.globs.clone(),
            exclude,
            is_cat,
            max_line: files.max_buffer_size,
            short_source,
            labels: Arc::new(source.labels.clone()),
            // Upstream: cat mode of the file module always runs on the time of the log.
            mode: if is_cat || source.use_time_machine {
                Mode::TimeMachine
            } else {
                Mode::Live
            },
        })
    }

    /// Makes an entry of one file that is read once (`-dsn file://…`).
    pub fn one_shot(path: &Path, labels: BTreeMap<String, String>, max_line: Option<usize>) -> Self {
        Self {
            patterns: vec![path.to_string_lossy().into_owned()],
            exclude: Vec::new(),
            is_cat: true,
            max_line,
            short_source: false,
            labels: Arc::new(labels),
            mode: Mode::TimeMachine,
        }
    }

    /// Returns what the lines of `path` have in common.
    pub fn origin(&self, path: &Path) -> Origin {
        let source = match path.file_name() {
            Some(name) if self.short_source => name.to_string_lossy(),
            _ => path.to_string_lossy(),
        };
        let kind = self.labels.get("type").map_or("", String::as_str);
        Origin {
            source: Arc::from(&*source),
            labels: Arc::clone(&self.labels),
            module: Name::new("file"),
            mode: self.mode,
            joins_fragments: CRI_LABELS.contains(&kind),
        }
    }

    /// Returns the names under which a checkpoint remembers the entry's patterns.
    pub fn pattern_names(&self) -> impl Iterator<Item = String> + '_ {
        let kind = self.labels.get("type").map_or("", String::as_str);
        self.patterns
            .iter()
            .map(move |pattern| format!("{kind} {pattern}"))
    }
}
