//! The logs of pods: which files there are, how their lines are labelled, and what is known over a restart.
//!
//! Layout of the folders: Kubernetes, `pkg/kubelet/kuberuntime`: `<namespace>_<pod>_<uid>/<container>/<restarts>.log`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use pods::{Format, Known, Pod, Target, View};
use serde::{Deserialize, Serialize};

use crate::acquire::cri;
use crate::acquire::file::identity::Prefix;

/// Name of the file in the state folder.
const NAME: &str = "pods.json";

/// A file that began this long before its target was first known is still read from its first byte: an application
/// and its Acquisition are often applied together.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);

/// What every label `type` of a container's line is, as the hub's `cri-logs` wants it.
const CRI_TYPE: &str = "containerd";

/// Which pods' logs are read, and for whom: target and pod.
pub type Key = (String, String);

/// The logs of one pod as one target wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    target: Target,
    pod: Pod,
    /// Folder of the pod; it need not exist yet.
    pub folder: PathBuf,
    /// When the target was first known in this form.
    since: Timestamp,
}

impl Logs {
    /// Returns the name of the target, `namespace/name`.
    pub fn target(&self) -> String {
        self.target.id()
    }

    /// Returns the label `type` of the target.
    pub fn kind(&self) -> &str {
        self.target.labels.get("type").map_or("", String::as_str)
    }

    /// Lists the files that are written to, those of earlier runs of a container first.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for container in names(&self.folder) {
            if !self.target.wants(&container) {
                continue;
            }
            let folder = self.folder.join(&container);
            let numbers: BTreeSet<u64> = names(&folder)
                .iter()
                .filter_map(|name| name.strip_suffix(".log")?.parse().ok())
                .collect();
            found.extend(
                numbers
                    .into_iter()
                    .map(|number| folder.join(format!("{number}.log"))),
            );
        }
        found
    }

    /// Returns the labels of the lines of a file, and whether they stand behind the runtime's prefix.
    pub fn labels(&self, path: &Path, prefix: &Prefix) -> (BTreeMap<String, String>, bool) {
        let container = path.parent().and_then(Path::file_name).unwrap_or_default();
        let is_cri = match self.target.format {
            Format::Cri => true,
            Format::Plain => false,
            Format::Auto => prefix.is_empty() || cri::is_line(&prefix.text()),
        };
        let mut labels = self.target.labels.clone();
        if is_cri {
            labels.insert("program".to_owned(), self.kind().to_owned());
            labels.insert("type".to_owned(), CRI_TYPE.to_owned());
        }
        labels.insert("namespace".to_owned(), self.pod.namespace.clone());
        labels.insert("pod".to_owned(), self.pod.name.clone());
        labels.insert("container".to_owned(), container.to_string_lossy().into_owned());
        (labels, is_cri)
    }

    /// Tells whether a file that was never read is read from its first byte, or only what comes from now on.
    pub fn is_new(&self, file: &Metadata) -> bool {
        // Where the file system keeps no birth, the last write decides: what nobody writes to is old.
        let born = file.created().or_else(|_unknown| file.modified());
        let born = born.ok().and_then(|time| Timestamp::try_from(time).ok());
        born.is_none_or(|born| born.duration_since(self.since) >= -YOUNG)
    }
}

/// Returns the names in a folder, sorted; one that cannot be read counts as empty.
fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// What is to be read from now on.
#[derive(Debug, Default)]
pub struct Desired {
    /// All logs.
    pub logs: BTreeMap<Key, Logs>,
    /// Folders of all pods that are there.
    pub pods: BTreeSet<String>,
    /// Names of all targets.
    pub targets: BTreeSet<String>,
}

/// What is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    known: Known,
    /// Since when a target is known with its selector and containers.
    since: BTreeMap<String, Timestamp>,
}

/// Makes of each view what is to be read, and keeps what a restart needs of it.
#[derive(Debug)]
pub struct Plan {
    root: PathBuf,
    file: PathBuf,
    stored: Stored,
    complains: bool,
}

impl Plan {
    /// Begins with what `state` keeps of an earlier run; pods are looked for below `root`.
    pub fn load(root: &Path, state: &Path) -> Self {
        let file = state.join(NAME);
        let stored = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, file = %file.display(), "known pods are forgotten");
                Stored::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stored::default(),
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "known pods cannot be read");
                Stored::default()
            }
        };
        Self {
            root: root.to_owned(),
            file,
            stored,
            complains: false,
        }
    }

    /// Returns the folder with the folders of pods.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns what an earlier run knew.
    pub fn known(&self) -> Known {
        self.stored.known.clone()
    }

    /// Returns what a view says is to be read, and stores it.
    pub fn take(&mut self, view: &View, now: Timestamp) -> Desired {
        let before = &self.stored;
        let since: BTreeMap<String, Timestamp> = view
            .known
            .targets
            .iter()
            .map(|target| (target.id(), before.since_of(target).unwrap_or(now)))
            .collect();
        let desired = Desired {
            logs: view
                .known
                .sources()
                .map(|source| {
                    let (id, folder) = (source.target.id(), source.pod.folder());
                    let logs = Logs {
                        since: since.get(&id).copied().unwrap_or(now),
                        target: source.target.clone(),
                        pod: source.pod.clone(),
                        folder: self.root.join(&folder),
                    };
                    ((id, folder), logs)
                })
                .collect(),
            pods: view.known.pods.iter().map(Pod::folder).collect(),
            targets: since.keys().cloned().collect(),
        };
        if view.known != self.stored.known || since != self.stored.since {
            self.stored = Stored {
                known: view.known.clone(),
                since,
            };
            self.store();
        }
        desired
    }

    fn store(&mut self) {
        let result = serde_json::to_vec(&self.stored)
            .map_err(io::Error::other)
            .and_then(|text| {
                let folder = self.file.parent().unwrap_or_else(|| Path::new("/"));
                crate::checkpoint::replace(folder, &self.file, &text)
            });
        if let Err(error) = &result
            && !self.complains
        {
            tracing::error!(%error, file = %self.file.display(), "known pods cannot be stored");
        }
        self.complains = result.is_err();
    }
}

impl Stored {
    /// Returns since when exactly these pods and containers are wanted.
    fn since_of(&self, target: &Target) -> Option<Timestamp> {
        let Target {
            selector, containers, ..
        } = target;
        let is_same = |known: &&Target| {
            known.id() == target.id() && known.selector == *selector && known.containers == *containers
        };
        self.known.targets.iter().find(is_same)?;
        self.since.get(&target.id()).copied()
    }
}
