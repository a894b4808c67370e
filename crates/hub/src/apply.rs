//! Carries a plan out: files, links and data. Each step leaves the folders consistent, so a failure in the middle
//! can be repaired by running the same command again.

use std::io;
use std::path::{Path, PathBuf};

use crate::data;
use crate::document::Document;
use crate::index::digest;
use crate::item::Item;
use crate::kind::{ItemRef, ItemType};
use crate::plan::{Action, Plan};
use crate::source::{Origin, SourceError, Sources};
use crate::state::Hub;
use crate::{Index, starter};

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The item's file could not be had.
    #[error("failed to download {id}: {source}")]
    Download {
        /// The item.
        id: ItemRef,
        /// Why.
        source: SourceError,
    },
    /// One of its data files is not there.
    #[error("while downloading data for {file}: {source}")]
    Data {
        /// The item's file name.
        file: String,
        /// Why.
        source: data::Error,
    },
    /// The configuration or hub folder cannot be changed.
    #[error("cannot write {}: {}", path.display(), crate::state::io_text(source))]
    Write {
        /// The file or link.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else stands where the link belongs.
    #[error("{} is not the hub's: move it away to install {id}", path.display())]
    Occupied {
        /// The item.
        id: ItemRef,
        /// The file.
        path: PathBuf,
    },
}

/// Does the plan's steps in order; `tell` gets a line before each.
pub fn apply(
    hub: &Hub,
    plan: &Plan,
    sources: &Sources<'_>,
    tell: &mut dyn FnMut(&str),
) -> Result<(), ApplyError> {
    for action in &plan.actions {
        match action {
            Action::RefreshData { force } => refresh_data(hub, sources, *force, tell)?,
            Action::Download { id, .. } => {
                tell(&format!("downloading {id}"));
                with_item(hub, id, |item| download(hub, item, sources, tell))?;
            }
            Action::Enable(id) => {
                tell(&format!("enabling {id}"));
                with_item(hub, id, |item| enable(hub, item))?;
            }
            Action::Disable(id) => {
                tell(&format!("disabling {id}"));
                with_item(hub, id, |item| {
                    item.state.local_path.as_deref().map_or(Ok(()), remove)
                })?;
            }
            Action::Purge(id) => {
                tell(&format!("purging {id}"));
                with_item(hub, id, |item| {
                    item.state.download_path.as_deref().map_or(Ok(()), remove)
                })?;
            }
        }
    }
    Ok(())
}

/// Brings the index up to date from the sources. Returns who gave it and whether the file changed.
/// When the network fails and no index is there, the starter set's index is written.
pub fn update_index(
    index_path: &Path,
    sources: &Sources<'_>,
) -> Result<(Origin, bool, Option<SourceError>), UpdateError> {
    let (origin, bytes, problem) = match sources.index() {
        Ok((origin, bytes)) => (origin, bytes, None),
        Err(problem) if index_path.exists() => return Err(UpdateError::Source(problem)),
        Err(problem) => (
            Origin::Starter,
            starter::index().to_json().into_bytes(),
            Some(problem),
        ),
    };
    Index::parse(&bytes).map_err(|source| UpdateError::Index {
        origin: origin.clone(),
        source,
    })?;
    if std::fs::read(index_path).is_ok_and(|old| old == bytes) {
        return Ok((origin, false, problem));
    }
    data::write_atomic(index_path, &bytes).map_err(|source| UpdateError::Write {
        path: index_path.into(),
        source,
    })?;
    Ok((origin, true, problem))
}

/// Why the index was not updated.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The source failed, and the index on disk stays.
    #[error("failed to update hub: {0}")]
    Source(#[source] SourceError),
    /// What came is no index, and the index on disk stays.
    #[error("failed to update hub: {origin:?} gave no hub index: {source}")]
    Index {
        /// Who gave it.
        origin: Origin,
        /// What is wrong.
        source: crate::index::ParseError,
    },
    /// The file cannot be written.
    #[error("failed to update hub: cannot write {}: {}", path.display(), crate::state::io_text(source))]
    Write {
        /// The index.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn with_item(
    hub: &Hub,
    id: &ItemRef,
    step: impl FnOnce(&Item) -> Result<(), ApplyError>,
) -> Result<(), ApplyError> {
    hub.get(id).map_or(Ok(()), step)
}

fn download(
    hub: &Hub,
    item: &Item,
    sources: &Sources<'_>,
    tell: &mut dyn FnMut(&str),
) -> Result<(), ApplyError> {
    let (Some(entry), Some(path)) = (&item.entry, hub.download_path(item)) else {
        return Ok(());
    };
    let bytes = sources.item(entry).map_err(|source| ApplyError::Download {
        id: item.id.clone(),
        source,
    })?;
    data::write_atomic(&path, &bytes).map_err(|source| ApplyError::Write { path, source })?;
    fetch_data(hub, item, &bytes, sources, false, tell)
}

fn fetch_data(
    hub: &Hub,
    item: &Item,
    bytes: &[u8],
    sources: &Sources<'_>,
    refresh: bool,
    tell: &mut dyn FnMut(&str),
) -> Result<(), ApplyError> {
    // A text that is not YAML has no data files; the engine reports the file itself.
    let Ok(document) = Document::parse(&String::from_utf8_lossy(bytes)) else {
        return Ok(());
    };
    let mut before = |url: &str| tell(&format!("downloading {url}"));
    data::fetch(
        &document,
        &digest(bytes),
        &hub.paths.data_dir,
        sources,
        refresh,
        &mut before,
    )
    .map(drop)
    .map_err(|source| ApplyError::Data {
        file: item.file_name.clone(),
        source,
    })
}

fn refresh_data(
    hub: &Hub,
    sources: &Sources<'_>,
    force: bool,
    tell: &mut dyn FnMut(&str),
) -> Result<(), ApplyError> {
    for kind in ItemType::ALL {
        for item in hub.installed_of_type(kind) {
            let Some(path) = &item.state.local_path else {
                continue;
            };
            let bytes = std::fs::read(path).map_err(|source| ApplyError::Write {
                path: path.clone(),
                source,
            })?;
            fetch_data(hub, item, &bytes, sources, force, tell)?;
        }
    }
    Ok(())
}

fn enable(hub: &Hub, item: &Item) -> Result<(), ApplyError> {
    let Some(target) = hub.download_path(item) else {
        return Ok(());
    };
    let path = hub.install_path(item);
    let failed = |source: io::Error| ApplyError::Write {
        path: path.clone(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match std::os::unix::fs::symlink(&target, &path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match std::fs::read_link(&path) {
            Ok(old) if old == target => Ok(()),
            // A link that leads nowhere is the remains of an older installation.
            Ok(_) if !path.exists() => {
                std::fs::remove_file(&path).map_err(failed)?;
                std::os::unix::fs::symlink(&target, &path).map_err(failed)
            }
            _ => Err(ApplyError::Occupied {
                id: item.id.clone(),
                path,
            }),
        },
        result => result.map_err(failed),
    }
}

fn remove(path: &Path) -> Result<(), ApplyError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(ApplyError::Write {
            path: path.into(),
            source,
        }),
        _ => Ok(()),
    }
}
