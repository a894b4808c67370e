//! Finds the state of every item: files in the hub folder, links and files in the configuration folder.
//! Upstream: `pkg/cwhub/sync.go`, `state.go`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::index::Index;
use crate::item::{Item, State};
use crate::kind::{ItemRef, ItemType};
use crate::starter;
use crate::state::{Error, Hub, Paths, io_text};

/// Deeper folders are somebody's mistake or a link circle.
const MAX_DEPTH: usize = 4;
const UNKNOWN_VERSION: &str = "?";

impl Hub {
    /// Reads the index and scans the folders. A missing configuration folder is an empty one.
    ///
    /// The starter set's items stand beside those of the index, and alone where nobody has fetched one yet: a first
    /// install needs no network, and a later `cscli hub update` orphans nothing.
    pub fn open(paths: Paths) -> Result<Self, Error> {
        let mut index = read_index(&paths.index_path)?;
        index.add_missing(starter::index());
        Self::with_index(paths, index)
    }

    /// Scans the folders for the items of `index`.
    pub fn with_index(paths: Paths, index: Index) -> Result<Self, Error> {
        scan(paths, index)
    }
}

/// Reads the index file; a missing one is empty.
fn read_index(path: &Path) -> Result<Index, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Index::default()),
        Err(source) => {
            return Err(Error::ReadIndex {
                path: path.into(),
                source,
            });
        }
    };
    Index::parse(&bytes).map_err(|source| Error::ParseIndex {
        path: path.into(),
        source,
    })
}

/// Builds the hub from the index and the folders.
fn scan(paths: Paths, index: Index) -> Result<Hub, Error> {
    let mut scan = Scan {
        items: BTreeMap::new(),
        by_path: BTreeMap::new(),
        warnings: Vec::new(),
    };
    for (kind, entries) in index.items {
        for (name, entry) in entries {
            let id = ItemRef::new(kind, name);
            scan.by_path.insert(entry.path.clone(), id.clone());
            let item = Item {
                stage: entry.stage.clone(),
                file_name: entry.file_name().to_owned(),
                current: entry.dependencies.clone(),
                entry: Some(entry),
                state: State::default(),
                id: id.clone(),
            };
            scan.items.insert(id, item);
        }
    }
    scan.downloaded(&paths.hub_dir)?;
    let hub_dir = std::fs::canonicalize(&paths.hub_dir).unwrap_or_else(|_| paths.hub_dir.clone());
    for kind in ItemType::ALL {
        let root = paths.install_dir.join(kind.as_str());
        scan.installed(kind, &root, &hub_dir)?;
    }
    scan.current_dependencies();
    let mut hub = Hub {
        paths,
        warnings: scan.warnings,
        items: scan.items,
    };
    tag_parents(&mut hub);
    check_parts(&mut hub);
    Ok(hub)
}

struct Scan {
    items: BTreeMap<ItemRef, Item>,
    by_path: BTreeMap<String, ItemRef>,
    warnings: Vec<String>,
}

impl Scan {
    fn downloaded(&mut self, hub_dir: &Path) -> Result<(), Error> {
        for item in self.items.values_mut() {
            let Some(entry) = &item.entry else { continue };
            let path = hub_dir.join(&entry.path);
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if is_absent(&error) => continue,
                Err(source) => return Err(Error::Read { path, source }),
            };
            let hash = hex::encode(Sha256::digest(&bytes));
            if let Some(version) = entry.version_of(&hash) {
                version.clone_into(&mut item.state.local_version);
            } else {
                UNKNOWN_VERSION.clone_into(&mut item.state.local_version);
                item.state.tainted = true;
                item.state.tainted_by.push(item.id.to_string());
            }
            item.state.up_to_date = item.state.local_version == entry.version;
            item.state.local_hash = hash;
            item.state.download_path = Some(path);
        }
        Ok(())
    }

    fn installed(&mut self, kind: ItemType, root: &Path, hub_dir: &Path) -> Result<(), Error> {
        let mut files = Vec::new();
        collect(root, MAX_DEPTH, &mut files)?;
        for path in files {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            let folders: Vec<String> = relative
                .parent()
                .map(|parent| {
                    parent
                        .iter()
                        .map(|part| part.to_string_lossy().into_owned())
                        .collect()
                })
                .unwrap_or_default();
            let stage = match (kind.has_stages(), folders.as_slice()) {
                (true, [stage, ..]) => stage.clone(),
                (true, []) => {
                    self.warnings.push(format!(
                        "Ignoring file {}: {} belong in a stage folder such as {}/s01-parse",
                        path.display(),
                        kind.as_str(),
                        kind.as_str()
                    ));
                    continue;
                }
                (false, _) => String::new(),
            };
            self.install(kind, stage, path, hub_dir)?;
        }
        Ok(())
    }

    fn install(&mut self, kind: ItemType, stage: String, path: PathBuf, hub_dir: &Path) -> Result<(), Error> {
        if let Ok(target) = std::fs::read_link(&path) {
            // Upstream: a link to /dev/null is the documented way to switch a packaged item off.
            if target == Path::new("/dev/null") {
                return Ok(());
            }
            let real = match std::fs::canonicalize(&path) {
                Ok(real) => real,
                Err(error) => {
                    self.warnings.push(format!(
                        "Ignoring file {}: lstat {}: {}",
                        path.display(),
                        target.display(),
                        io_text(&error)
                    ));
                    return Ok(());
                }
            };
            if let Ok(inside) = real.strip_prefix(hub_dir) {
                let inside = inside.to_string_lossy().into_owned();
                match self.by_path.get(&inside).and_then(|id| self.items.get_mut(id)) {
                    Some(item) => item.state.local_path = Some(path),
                    None => self.warnings.push(format!(
                        "Ignoring file {}: {inside} is not in the hub index; run 'cscli hub update' or remove the link",
                        path.display()
                    )),
                }
                return Ok(());
            }
        }
        self.local(kind, stage, path)
    }

    fn local(&mut self, kind: ItemType, stage: String, path: PathBuf) -> Result<(), Error> {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let file_name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let document = match Document::parse(&String::from_utf8_lossy(&bytes)) {
            Ok(document) => document,
            Err(error) => {
                // The engine reports the same file with line and column; here it still has to be listed.
                self.warnings.push(format!("{}: {error}", path.display()));
                Document::default()
            }
        };
        let name = if document.name.is_empty() {
            file_name.clone()
        } else {
            document.name
        };
        let id = ItemRef::new(kind, name);
        if let Some(other) = self
            .items
            .get(&id)
            .and_then(|item| item.state.local_path.as_ref())
        {
            let text = format!(
                "multiple {kind} named {}: {} and {}",
                id.name,
                other.display(),
                path.display()
            );
            self.warnings
                .push(format!("Ignoring file {}: {text}", path.display()));
            return Ok(());
        }
        let item = Item {
            stage,
            file_name,
            entry: None,
            current: document.dependencies,
            state: State {
                local_path: Some(path),
                up_to_date: true,
                local: true,
                ..State::default()
            },
            id: id.clone(),
        };
        self.items.insert(id, item);
        Ok(())
    }

    /// The parts of an outdated or changed collection are what its own file says.
    fn current_dependencies(&mut self) {
        for item in self.items.values_mut() {
            if item.id.kind != ItemType::Collections || item.state.up_to_date || item.state.local {
                continue;
            }
            let Some(path) = &item.state.download_path else {
                continue;
            };
            let parsed = std::fs::read_to_string(path)
                .ok()
                .and_then(|text| Document::parse(&text).ok());
            if let Some(document) = parsed {
                item.current = document.dependencies;
            }
        }
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(source) => {
            return Err(Error::Read {
                path: folder.into(),
                source,
            });
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| Error::Read {
            path: folder.into(),
            source,
        })?;
        let kind = entry.file_type().map_err(|source| Error::Read {
            path: entry.path(),
            source,
        })?;
        found.push((entry.file_name(), entry.path(), kind));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, path, kind) in found {
        // Kubernetes mounts a ConfigMap as `..data` plus links; the folder would show every file twice.
        if kind.is_dir() && !name.to_string_lossy().starts_with('.') {
            if depth > 1 {
                collect(&path, depth - 1, files)?;
            }
            continue;
        }
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if !kind.is_dir() && is_yaml && !name.to_string_lossy().starts_with('.') {
            files.push(path);
        }
    }
    Ok(())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn tag_parents(hub: &mut Hub) {
    let collections: Vec<ItemRef> = hub
        .items
        .keys()
        .filter(|id| id.kind == ItemType::Collections)
        .cloned()
        .collect();
    let mut parents: BTreeMap<ItemRef, Vec<String>> = BTreeMap::new();
    for id in &collections {
        for part in hub.descendants(id) {
            parents.entry(part).or_default().push(id.name.clone());
        }
    }
    for (id, mut names) in parents {
        names.sort_by_key(|name| name.to_lowercase());
        if let Some(item) = hub.items.get_mut(&id) {
            item.state.belongs_to = names;
        }
    }
}

/// Taints installed collections with missing or tainted parts, and marks them outdated with outdated parts.
fn check_parts(hub: &mut Hub) {
    let collections: Vec<ItemRef> = hub
        .items
        .values()
        .filter(|item| item.id.kind == ItemType::Collections && item.state.is_installed())
        .map(|item| item.id.clone())
        .collect();
    let mut done = BTreeSet::new();
    for id in collections {
        check_part(hub, &id, &mut done);
    }
}

fn check_part(hub: &mut Hub, id: &ItemRef, done: &mut BTreeSet<ItemRef>) {
    // The first visit decides, which also ends a circle of collections.
    if !done.insert(id.clone()) {
        return;
    }
    let Some(parts) = hub.items.get(id).map(|item| item.current.refs()) else {
        return;
    };
    let mut tainted_by = Vec::new();
    let mut up_to_date = true;
    for part in parts {
        check_part(hub, &part, done);
        let Some(item) = hub.items.get(&part) else {
            continue;
        };
        if item.state.tainted || !item.state.is_installed() {
            tainted_by.push(part.to_string());
        } else if !item.state.up_to_date {
            up_to_date = false;
        }
    }
    if let Some(item) = hub.items.get_mut(id).filter(|item| item.state.is_installed()) {
        item.state.tainted |= !tainted_by.is_empty();
        item.state.tainted_by.extend(tainted_by);
        item.state.up_to_date &= up_to_date;
    }
}
