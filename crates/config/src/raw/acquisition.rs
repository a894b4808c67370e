//! One document of an acquisition file. Upstream: `pkg/acquisition`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::raw::section;

/// The keys that say which source a document is for; all others are ignored here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Head {
    /// Name of the source.
    pub source: Option<String>,
    /// Key of `source: file`.
    pub filename: Option<serde_json::Value>,
    /// Key of `source: file`.
    pub filenames: Option<serde_json::Value>,
    /// Key of `source: journalctl`.
    pub journalctl_filter: Option<serde_json::Value>,
}

section! {
    /// `source: file` with the keys every source has.
    FileAcquisition {
        /// `file`.
        source: String,
        /// Name in logs and metrics.
        name: String,
        /// Labels of each line; required.
        labels: BTreeMap<String, String>,
        /// `tail`, `cat` or `server`.
        mode: String,
        /// Least severe level of its log lines.
        log_level: String,
        /// Whether the time of a line is the one written in it.
        use_time_machine: bool,
        /// Identifier.
        unique_id: String,
        /// Expression on the event.
        transform: String,
        /// One glob.
        filename: String,
        /// More globs.
        filenames: Vec<String>,
        /// Names that are left out.
        exclude_regexps: Vec<String>,
        /// Whether folders are watched even when nothing matches yet.
        force_inotify: bool,
        /// Bytes of the longest line with `mode: cat`.
        max_buffer_size: i64,
        /// Whether files are polled.
        poll_without_inotify: bool,
        /// Whether new files are searched for.
        discovery_poll_enable: bool,
        /// How often.
        discovery_poll_interval: String,
    }
}

section! {
    /// `source: pods`: the containers of this node that targets select; ours, upstream has no such source.
    PodsAcquisition {
        /// `pods`.
        source: String,
        /// Name in logs.
        name: String,
        /// Least severe level of its log lines.
        log_level: String,
        /// `ConfigMap` whose key `targets.yaml` lists the targets.
        config_map: String,
        /// Namespace of the `ConfigMap`; by default the agent's own, `$POD_NAMESPACE`.
        namespace: String,
        /// Name of this node; by default `$NODE_NAME`.
        node: String,
        /// Folder with one folder for each pod; by default `/var/log/pods`.
        root: String,
    }
}
