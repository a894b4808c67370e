//! The starter set: a small hub in the hub's own layout, compiled into the program, so that a first install needs
//! no network. Its files are under `starter/`; `build.rs` makes the table.

use std::sync::OnceLock;

use base64::Engine as _;

use crate::document::Document;
use crate::index::{Entry, Index, Version, digest};
use crate::kind::ItemType;

include!(concat!(env!("OUT_DIR"), "/starter.rs"));

/// Data files of the set are named `starter://<file>` in its items: they are in the program, never on the network.
pub const SCHEME: &str = "starter://";

/// The set has one version a release of this program; the digest tells texts apart.
const VERSION: &str = "0.1";

/// Returns the index of the starter set, with embedded contents.
pub fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(build_index)
}

/// Returns the starter set's data file for the path of a URL.
pub fn data(url_path: &str) -> Option<&'static [u8]> {
    let wanted = format!("data/{url_path}");
    FILES
        .iter()
        .find(|(path, _)| *path == wanted)
        .map(|(_, bytes)| *bytes)
}

/// Returns whether an item with this digest is the starter set's.
pub fn has_item(hash: &str) -> bool {
    index()
        .items
        .values()
        .flat_map(|entries| entries.values())
        .any(|entry| entry.digest() == hash)
}

fn build_index() -> Index {
    let mut index = Index::default();
    for (path, bytes) in FILES {
        let Some((kind, entry_name, entry)) = entry(path, bytes) else {
            continue;
        };
        index.items.entry(kind).or_default().insert(entry_name, entry);
    }
    index
}

fn entry(path: &str, bytes: &[u8]) -> Option<(ItemType, String, Entry)> {
    let mut parts = path.split('/');
    let kind = ItemType::parse(parts.next()?)?;
    let stage = if kind.has_stages() {
        parts.next()?.to_owned()
    } else {
        String::new()
    };
    let author = parts.next()?.to_owned();
    let stem = parts.next()?.strip_suffix(".yaml")?;
    let document = Document::parse(std::str::from_utf8(bytes).ok()?).ok()?;
    let name = if document.name.is_empty() {
        format!("{author}/{stem}")
    } else {
        document.name
    };
    let version = Version {
        digest: digest(bytes),
        deprecated: false,
    };
    let entry = Entry {
        path: path.to_owned(),
        stage,
        version: VERSION.to_owned(),
        versions: [(VERSION.to_owned(), version)].into(),
        content: base64::engine::general_purpose::STANDARD.encode(bytes),
        description: document.description,
        author,
        references: document.references,
        labels: serde_json::Value::Null,
        dependencies: document.dependencies,
    };
    Some((kind, name, entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_set_is_an_item_or_a_data_file() {
        for (path, bytes) in FILES {
            let known = path.starts_with("data/") || entry(path, bytes).is_some();
            assert!(
                known,
                "starter/{path} is neither an item in the hub's layout nor a data file"
            );
        }
    }

    #[test]
    fn every_part_a_collection_of_the_set_names_is_in_the_set() {
        let index = index();
        for (name, entry) in index.items.get(&ItemType::Collections).into_iter().flatten() {
            for part in entry.dependencies.refs() {
                assert!(index.get(&part).is_some(), "{name} needs {part}");
            }
        }
    }

    #[test]
    fn every_data_file_an_item_of_the_set_names_is_in_the_set() {
        for (path, bytes) in FILES.iter().filter(|(path, _)| !path.starts_with("data/")) {
            let document = Document::parse(std::str::from_utf8(bytes).unwrap()).unwrap();
            for file in document.data.iter().filter(|file| !file.source_url.is_empty()) {
                let name = file.source_url.strip_prefix(SCHEME).unwrap_or_default();
                assert!(data(name).is_some(), "{path} needs {}", file.source_url);
            }
        }
    }
}
