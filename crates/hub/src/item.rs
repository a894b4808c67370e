//! An item with its state on disk, and the words and signs a user sees for that state.

use std::path::PathBuf;

use crate::index::{Dependencies, Entry};
use crate::kind::ItemRef;

/// An item of the index, of the configuration folder, or of both.
#[derive(Clone, Debug)]
pub struct Item {
    /// Type and name.
    pub id: ItemRef,
    /// `s01-parse` for parsers and postoverflows, empty otherwise.
    pub stage: String,
    /// File name without folders.
    pub file_name: String,
    /// What the index says; `None` for a local item, even when the index has one of this name.
    pub entry: Option<Entry>,
    /// Where it is on this machine.
    pub state: State,
    /// Its parts as the version on disk lists them; equals the index for one that is up to date or absent.
    pub current: Dependencies,
}

/// What is true of an item on this machine.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Install path in the configuration folder; `None` when not installed.
    pub local_path: Option<PathBuf>,
    /// Path in the hub folder when the file is there.
    pub download_path: Option<PathBuf>,
    /// Version whose digest the file has, `?` when none has, empty when there is no file or the item is local.
    pub local_version: String,
    /// SHA-256 of the file in lower-case hex; empty when there is no file or the item is local.
    pub local_hash: String,
    /// The file is the index's latest version, and so are the item's parts.
    pub up_to_date: bool,
    /// The file has no known digest, or a part is missing or tainted.
    pub tainted: bool,
    /// `type:name` of what made it tainted.
    pub tainted_by: Vec<String>,
    /// Collections that contain it, directly or not, sorted without regard to case; one entry a path as upstream.
    pub belongs_to: Vec<String>,
    /// It is not the hub's: a file (or a link to elsewhere) in the configuration folder.
    pub local: bool,
}

impl State {
    /// Returns whether the engine loads it.
    pub fn is_installed(&self) -> bool {
        self.local_path.is_some()
    }

    /// Returns whether its file is in the hub folder.
    pub fn is_downloaded(&self) -> bool {
        self.download_path.is_some()
    }
}

impl Item {
    /// Returns the version on disk, `""` for none or local.
    pub fn version(&self) -> &str {
        &self.state.local_version
    }

    /// Returns the description of the index, without trailing space; `""` for a local item.
    pub fn description(&self) -> &str {
        self.entry.as_ref().map_or("", |entry| entry.description.trim())
    }

    /// Returns the parts the latest version has.
    pub fn latest(&self) -> &Dependencies {
        self.entry
            .as_ref()
            .map_or(&self.current, |entry| &entry.dependencies)
    }

    /// Returns the state as words: `enabled`, `enabled,tainted`, `disabled,update-available`, `enabled,local` …
    pub fn status(&self) -> String {
        let mut status = if self.state.is_installed() {
            "enabled"
        } else {
            "disabled"
        }
        .to_owned();
        if self.state.local {
            status.push_str(",local");
        }
        if self.state.tainted {
            status.push_str(",tainted");
        } else if !self.state.up_to_date && !self.state.local {
            status.push_str(",update-available");
        }
        status
    }

    /// Returns the sign in front of the words.
    pub fn sign(&self) -> &'static str {
        if self.state.local {
            "🏠"
        } else if !self.state.is_installed() {
            "🚫"
        } else if self.state.tainted || !self.state.up_to_date {
            "⚠️"
        } else {
            "✔️"
        }
    }
}
