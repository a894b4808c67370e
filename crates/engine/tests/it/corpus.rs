//! Where shared data lies, and the hub's items as the engine takes them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use engine::{ItemFile, Kind, World};
use golang::yaml::{self, Kind as Yaml, Node};

/// Returns the folder that the environment variable `name` says, or `fallback` below the shared folder.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find shared data through the environment"
)]
fn folder(name: &str, fallback: &str) -> Option<PathBuf> {
    let shared = || {
        let given = std::env::var("SHARED_DIR").ok().map(PathBuf::from);
        given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"))
    };
    let path = std::env::var(name).map_or_else(|_| shared().join(fallback), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no {name}");
    None
}

/// Returns the hub's folder; `None`, with a line that says so, when it is absent.
pub(crate) fn hub() -> Option<PathBuf> {
    folder("HUB_DIR", "hub")
}

/// Returns the folder of recordings of real programs; `None`, with a line that says so, when it is absent.
pub(crate) fn captures() -> Option<PathBuf> {
    folder("CAPTURES_DIR", "captures")
}

/// Returns the world with the hub's data files and the patterns; what it is made of is read once.
pub(crate) fn world() -> World {
    static DATA: OnceLock<BTreeMap<String, Arc<str>>> = OnceLock::new();
    let data = DATA.get_or_init(|| match (hub(), folder("HUB_DATA_DIR", "hub-data")) {
        (Some(hub), Some(data)) => data_files(&hub, &data),
        _ => BTreeMap::new(),
    });
    World {
        patterns: engine::grok::patterns(),
        data: data.clone(),
        ..World::default()
    }
}

/// Reads the data files that items name, from where their address would be below `data`.
fn data_files(hub: &Path, data: &Path) -> BTreeMap<String, Arc<str>> {
    let mut found = BTreeMap::new();
    for item in items(hub).values() {
        for document in yaml::documents(&item.text).unwrap() {
            let Some(Yaml::Sequence(entries)) = document.node.get("data").map(Node::kind) else {
                continue;
            };
            for entry in entries {
                let text = |key: &str| entry.get(key).and_then(Node::text).unwrap_or_default();
                let place = text("source_url").trim_start_matches("https://hub-data.crowdsec.net/");
                if let Ok(content) = fs::read_to_string(data.join(place)) {
                    found.insert(text("dest_file").to_owned(), Arc::from(content));
                }
            }
        }
    }
    found
}

/// Reads every parser and post-overflow of the hub, by hub name.
pub(crate) fn items(hub: &Path) -> BTreeMap<String, ItemFile> {
    let mut all = BTreeMap::new();
    for (kind, folder) in [(Kind::Parser, "parsers"), (Kind::Postoverflow, "postoverflows")] {
        let mut files = Vec::new();
        walk(&hub.join(folder), &mut files);
        for path in files
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        {
            let item = item(kind, folder, path);
            all.insert(format!("{folder}:{}", item.name), item);
        }
    }
    all
}

/// Reads the item file at `…/<stage>/<author>/<name>.yaml`.
pub(crate) fn item(kind: Kind, folder: &str, path: &Path) -> ItemFile {
    let part = |up: usize| {
        let part = path.ancestors().nth(up).and_then(Path::file_name);
        part.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let stem = path.file_stem().unwrap().to_string_lossy();
    ItemFile {
        kind,
        stage: part(2),
        path: format!("{folder}/{}/{}", part(2), part(0)),
        name: format!("{}/{stem}", part(1)),
        version: String::new(),
        hash: String::new(),
        text: fs::read_to_string(path).unwrap(),
    }
}

/// Collects the files below `folder`, sorted.
pub(crate) fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            walk(&entry, files);
        } else {
            files.push(entry);
        }
    }
}
