//! The hub on this machine: every item with its state, and what the engine has to load.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::index::ParseError;
use crate::item::Item;
use crate::kind::{ItemRef, ItemType};

/// The folders the hub works in; all absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Downloaded files, `<hub_dir>/<path of the index>`.
    pub hub_dir: PathBuf,
    /// The index, usually `<hub_dir>/.index.json`.
    pub index_path: PathBuf,
    /// Configuration folder; installed items are links in `<install_dir>/<type>[/<stage>]/`.
    pub install_dir: PathBuf,
    /// Data files of items.
    pub data_dir: PathBuf,
}

/// Every item the index or the configuration folder knows.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Where this hub lives.
    pub paths: Paths,
    /// What the scan wants a person to know, one sentence each (ignored files, broken links).
    pub warnings: Vec<String>,
    pub(crate) items: BTreeMap<ItemRef, Item>,
}

/// An installed item as the engine's loader takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledItem {
    /// Its type.
    pub kind: ItemType,
    /// Stage, empty for types without.
    pub stage: String,
    /// Install path: the link or file in the configuration folder.
    pub path: PathBuf,
    /// `author/name`.
    pub name: String,
    /// Version on disk, `?` for tainted, empty for local.
    pub version: String,
    /// SHA-256 of the file, empty for local.
    pub hash: String,
}

/// Why the hub cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index file is absent or unreadable.
    #[error("invalid hub index: unable to read index file: open {}: {}", path.display(), io_text(source))]
    ReadIndex {
        /// The index.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index file is no index.
    #[error("invalid hub index: failed to parse {}: {source}", path.display())]
    ParseIndex {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        source: ParseError,
    },
    /// A folder or file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Returns the system's words as Go prints them, without Rust's `(os error N)`.
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + chars.as_str()
    })
}

impl Hub {
    /// Returns one item.
    pub fn get(&self, id: &ItemRef) -> Option<&Item> {
        self.items.get(id)
    }

    /// Returns the items of one type sorted by name without regard to case, as upstream lists them.
    pub fn of_type(&self, kind: ItemType) -> Vec<&Item> {
        let mut items: Vec<&Item> = self.items.values().filter(|item| item.id.kind == kind).collect();
        items.sort_by_key(|item| (item.id.name.to_lowercase(), item.id.name.clone()));
        items
    }

    /// Returns the installed items of one type, sorted like `of_type`.
    pub fn installed_of_type(&self, kind: ItemType) -> Vec<&Item> {
        self.of_type(kind)
            .into_iter()
            .filter(|item| item.state.is_installed())
            .collect()
    }

    /// Returns what the engine has to load of one type, in the order of the install path.
    pub fn installed(&self, kind: ItemType) -> Vec<InstalledItem> {
        let mut items: Vec<InstalledItem> = self
            .items
            .values()
            .filter(|item| item.id.kind == kind)
            .filter_map(|item| {
                Some(InstalledItem {
                    kind,
                    stage: item.stage.clone(),
                    path: item.state.local_path.clone()?,
                    name: item.id.name.clone(),
                    version: item.state.local_version.clone(),
                    hash: item.state.local_hash.clone(),
                })
            })
            .collect();
        items.sort_by(|a, b| a.path.cmp(&b.path));
        items
    }

    /// Returns the installed collections that contain `item`, directly or not, each once.
    pub fn installed_parents<'a>(&self, item: &'a Item) -> Vec<&'a str> {
        let parents: BTreeSet<&str> = item.state.belongs_to.iter().map(String::as_str).collect();
        let mut parents: Vec<&str> = parents
            .into_iter()
            .filter(|name| {
                self.items
                    .get(&ItemRef::new(ItemType::Collections, *name))
                    .is_some_and(|parent| parent.state.is_installed())
            })
            .collect();
        parents.sort_by_key(|name| name.to_lowercase());
        parents
    }

    /// Returns every part of `id`, of its parts and so on; an entry for each edge, as upstream counts them.
    pub fn descendants(&self, id: &ItemRef) -> Vec<ItemRef> {
        let mut visited = BTreeSet::new();
        let mut found = Vec::new();
        let mut pending = vec![id.clone()];
        while let Some(next) = pending.pop() {
            let Some(item) = self.items.get(&next) else {
                continue;
            };
            if !visited.insert(next) {
                continue;
            }
            for part in item.current.refs() {
                if part != *id && self.items.contains_key(&part) {
                    found.push(part.clone());
                    pending.push(part);
                }
            }
        }
        found
    }

    /// Returns the name of the same type that is nearest to `name`, when one is near enough to be a slip.
    /// Upstream: `cliitem.suggestNearestMessage` (distance below 7).
    pub fn nearest(&self, kind: ItemType, name: &str) -> Option<&str> {
        const MAX_DISTANCE: usize = 7;
        self.of_type(kind)
            .into_iter()
            .map(|item| (distance(name, &item.id.name), item.id.name.as_str()))
            .filter(|(distance, _)| *distance < MAX_DISTANCE)
            .min()
            .map(|(_, name)| name)
    }

    /// Returns how many items of a type there are, and how many unmanaged ones: `(local, tainted)` over all types.
    pub fn counts(&self) -> (Vec<(ItemType, usize)>, usize, usize) {
        let by_type = ItemType::ALL
            .into_iter()
            .map(|kind| (kind, self.items.keys().filter(|id| id.kind == kind).count()))
            .collect();
        let local = self.items.values().filter(|item| item.state.local).count();
        let tainted = self.items.values().filter(|item| item.state.tainted).count();
        (by_type, local, tainted)
    }

    /// Returns the path of an item's file in the hub folder.
    pub fn download_path(&self, item: &Item) -> Option<PathBuf> {
        item.entry
            .as_ref()
            .map(|entry| self.paths.hub_dir.join(&entry.path))
    }

    /// Returns the path an item has or would have in the configuration folder.
    pub fn install_path(&self, item: &Item) -> PathBuf {
        install_path(
            &self.paths.install_dir,
            item.id.kind,
            &item.stage,
            &item.file_name,
        )
    }
}

impl InstalledItem {
    /// Reads the file.
    pub fn text(&self) -> Result<String, Error> {
        std::fs::read_to_string(&self.path).map_err(|source| Error::Read {
            path: self.path.clone(),
            source,
        })
    }
}

pub(crate) fn install_path(install_dir: &Path, kind: ItemType, stage: &str, file_name: &str) -> PathBuf {
    let mut path = install_dir.join(kind.as_str());
    if !stage.is_empty() {
        path.push(stage);
    }
    path.push(file_name);
    path
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let cost = diagonal + usize::from(from != *to);
            left = cost.min(above + 1).min(left + 1);
            diagonal = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = left;
            }
        }
        if let Some(cell) = row.first_mut() {
            *cell = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_edits() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("ssh-bff", "ssh-bf", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn without_an_index_the_starter_set_can_be_installed() {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::open(paths(folder.path(), "hub/.index.json")).unwrap();
        let names: Vec<_> = hub
            .of_type(ItemType::Collections)
            .iter()
            .map(|item| &item.id.name)
            .collect();
        assert!(names.iter().any(|name| *name == "starter/nginx"), "{names:?}");
    }

    #[test]
    fn an_unreadable_index_is_told_without_rust_words() {
        let folder = tempfile::tempdir().unwrap();
        let error = Hub::open(paths(folder.path(), ".")).unwrap_err().to_string();
        let expected = format!(
            "invalid hub index: unable to read index file: open {}: is a directory",
            folder.path().join(".").display()
        );
        assert_eq!(error, expected);
    }

    fn paths(folder: &Path, index: &str) -> Paths {
        Paths {
            hub_dir: folder.join("hub"),
            index_path: folder.join(index),
            install_dir: folder.into(),
            data_dir: folder.into(),
        }
    }
}
