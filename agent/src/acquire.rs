//! Where lines come from: configured sources become followed files, files become batches of lines.
//!
//! The reader is one thread; it stops reading while the pipeline is full, so that the files are the buffer.

pub mod cri;
pub mod file;
pub mod pods;
pub mod reader;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::resolved::{Mode as ReadMode, Reader, Source};
use engine::{Mode, Name, RawLine};

use crate::acquire::cri::Partials;
use crate::acquire::file::identity::Prefix;
use crate::acquire::pods::Logs;
use crate::checkpoint::Position;
use crate::sources::Counts;

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
    /// Where it is counted.
    pub counts: Option<Arc<Counts>>,
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
    /// `Line.Src`: the path, or its last part when metrics are aggregated; the target of a pod.
    pub source: Arc<str>,
    /// What the positions of its files are kept under: two entries may read one file.
    pub label: Arc<str>,
    /// Labels of the entry.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Name of the module.
    pub module: Name,
    /// Which clock buckets follow.
    pub mode: Mode,
    /// Whether fragments of container log lines are joined.
    pub joins_fragments: bool,
}

/// An acquisition entry that reads files.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The logs of a pod, in place of patterns.
    pub pod: Option<Arc<Logs>>,
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

/// What positions of pods' files are kept under begins so; no label `type` does.
pub(crate) const POD_LABEL: &str = "pods ";

/// Suffixes of rotated files that are no text.
pub(crate) const COMPRESSED: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"];

impl Entry {
    /// Resolves one configured source.
    pub fn new(source: &Source, short_source: bool) -> Result<Self, Error> {
        let place = format!("{}:{}", source.file.display(), source.line);
        if source.transform.is_some() {
            let message = "transform is not supported by this version; remove it".to_owned();
            return Err(Error::Unsupported { place, message });
        }
        let Reader::File(files) = &source.reader else {
            let message = "source: pods is no pattern of files".to_owned();
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
            pod: None,
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
            pod: None,
            patterns: vec![path.to_string_lossy().into_owned()],
            exclude: Vec::new(),
            is_cat: true,
            max_line,
            short_source: false,
            labels: Arc::new(labels),
            mode: Mode::TimeMachine,
        }
    }

    /// Makes an entry of the logs of a pod.
    pub fn of_pod(logs: Logs) -> Self {
        Self {
            patterns: Vec::new(),
            exclude: Vec::new(),
            is_cat: false,
            max_line: None,
            short_source: false,
            labels: Arc::default(),
            mode: Mode::Live,
            pod: Some(Arc::new(logs)),
        }
    }

    /// Returns what the lines of `path`, which begins with `prefix`, have in common.
    pub fn origin(&self, path: &Path, prefix: &Prefix) -> Origin {
        let module = Name::new("file");
        if let Some(logs) = &self.pod {
            let (labels, joins_fragments) = logs.labels(path, prefix);
            return Origin {
                // Pods come and go: metrics by path would grow for ever.
                source: Arc::from(logs.target()),
                label: self.label().into(),
                labels: Arc::new(labels),
                module,
                mode: self.mode,
                joins_fragments,
            };
        }
        let source = match path.file_name() {
            Some(name) if self.short_source => name.to_string_lossy(),
            _ => path.to_string_lossy(),
        };
        Origin {
            source: Arc::from(&*source),
            label: self.label().into(),
            labels: Arc::clone(&self.labels),
            module,
            mode: self.mode,
            joins_fragments: CRI_LABELS.contains(&self.kind()),
        }
    }

    /// Returns the label `type`.
    pub fn kind(&self) -> &str {
        match &self.pod {
            Some(logs) => logs.kind(),
            None => self.labels.get("type").map_or("", String::as_str),
        }
    }

    /// Returns what positions of its files are kept under.
    pub fn label(&self) -> String {
        match &self.pod {
            Some(logs) => format!("{POD_LABEL}{}", logs.target()),
            None => self.kind().to_owned(),
        }
    }

    /// Tells whether a file of the checkpoint was read by this entry.
    pub fn has_read(&self, position: &Position) -> bool {
        let is_inside = |logs: &Arc<Logs>| position.path.starts_with(&logs.folder);
        self.label() == position.label && self.pod.as_ref().is_none_or(is_inside)
    }

    /// Returns the names under which its files are reported.
    pub fn names(&self) -> Vec<String> {
        match &self.pod {
            Some(logs) => vec![logs.target()],
            None => self.patterns.clone(),
        }
    }

    /// Returns the files that are there now, in the order of reading, each with its place in [`Entry::names`].
    pub fn files(&self) -> Vec<(PathBuf, usize)> {
        if let Some(logs) = &self.pod {
            return logs.files().into_iter().map(|path| (path, 0)).collect();
        }
        let mut found = BTreeMap::new();
        for (number, pattern) in self.patterns.iter().enumerate() {
            for path in file::glob::expand(pattern) {
                found.entry(path).or_insert(number);
            }
        }
        found.retain(|path, _| {
            let text = path.to_string_lossy();
            !self.exclude.iter().any(|regex| regex.is_match(&text))
                && !COMPRESSED.iter().any(|suffix| text.ends_with(suffix))
        });
        found.into_iter().collect()
    }

    /// Returns the names under which a checkpoint remembers the entry's patterns.
    pub fn pattern_names(&self) -> impl Iterator<Item = String> + '_ {
        self.patterns
            .iter()
            .map(|pattern| format!("{} {pattern}", self.kind()))
    }
}
