//! Where the agent reads: one value per document of an acquisition file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::resolved::LogLevel;

/// One data source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `name`; empty when not given.
    pub name: String,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
    /// `mode`.
    pub mode: Mode,
    /// `use_time_machine`: take the time from the line.
    pub use_time_machine: bool,
    /// `transform`, an expression on the event.
    pub transform: Option<String>,
    /// `log_level`; none inherits.
    pub log_level: Option<LogLevel>,
    /// `unique_id`; empty when not given.
    pub unique_id: String,
    /// What is read.
    pub reader: Reader,
    /// The file that says so, for messages.
    pub file: PathBuf,
    /// Line of the document in `file`, from 1.
    pub line: usize,
}

/// How a source reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// `tail`: follows.
    #[default]
    Tail,
    /// `cat`: reads once.
    Cat,
}

/// What a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// `source: file`.
    File(FileSource),
    /// `source: pods`.
    Pods(PodsSource),
}

/// `source: file`; at least one path is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource {
    /// `filename`, then `filenames`; globs, at least one.
    pub globs: Vec<String>,
    /// `exclude_regexps`, in Go's syntax, checked.
    pub exclude: Vec<String>,
    /// `force_inotify`.
    pub force_inotify: bool,
    /// `poll_without_inotify`; none when not given.
    pub poll_without_inotify: Option<bool>,
    /// `discovery_poll_enable`.
    pub discovery_poll: bool,
    /// `discovery_poll_interval`; 30 s by default.
    pub discovery_poll_interval: Duration,
    /// `max_buffer_size` in bytes, for `cat`; none is the default.
    pub max_buffer_size: Option<usize>,
}

/// `source: pods`: the targets of a `ConfigMap`, on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodsSource {
    /// `config_map`.
    pub config_map: String,
    /// `namespace` of the `ConfigMap`.
    pub namespace: String,
    /// `node`: only its pods are looked at.
    pub node: String,
    /// `root`, absolute.
    pub root: PathBuf,
}
