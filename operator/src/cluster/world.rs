//! What the operator knows of the cluster: one store a kind, and the stream of changes that controllers listen to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Resource;
use kube::core::{DynamicObject, PartialObjectMeta, ResourceExt as _};
use tokio::sync::{broadcast, watch};

use crate::cluster::kinds::{Kind, Served, WATCHED};
use crate::cluster::scope::Scope;
use crate::cluster::store::{Key, Seen, Store};
use crate::crd::{Acquisition, Bouncer, LogProcessor, SecurityEngine};
use crate::labels::OWNER;

/// Changes that a slow controller may lag behind before it looks at everything again.
const CHANGES: usize = 1024;

/// Something that happened in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A resource of ours.
    Resource {
        /// Its kind.
        kind: &'static str,
        /// Which one.
        key: Key,
        /// What of it changed.
        part: Part,
    },
    /// An object that was made for a resource.
    Owned {
        /// Kind of the resource it belongs to.
        kind: String,
        /// The resource it belongs to.
        owner: Key,
    },
    /// A node came, went or changed its addresses or labels.
    Node,
    /// A namespace came, went or changed its labels.
    Namespace,
    /// The API server has other addresses, or an optional kind is served or no longer served.
    Surroundings,
}

/// What of a resource changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its spec, labels or deletion; also its coming and going.
    Spec,
    /// Its status alone; others may care, its own controller wrote it.
    Status,
}

/// Everything that is watched.
#[derive(Debug)]
pub struct World {
    /// Which namespaces are looked at.
    pub scope: Scope,
    /// All SecurityEngines.
    pub engines: Store<SecurityEngine>,
    /// All LogProcessors.
    pub processors: Store<LogProcessor>,
    /// All Acquisitions.
    pub acquisitions: Store<Acquisition>,
    /// All Bouncers.
    pub bouncers: Store<Bouncer>,
    /// All nodes; empty when only some namespaces are looked at.
    pub nodes: Store<Node>,
    /// Names and labels of all namespaces; empty when only some namespaces are looked at.
    pub namespaces: Store<PartialObjectMeta<Namespace>>,
    /// Where the API server is.
    pub api_server: Store<EndpointSlice>,
    owned: BTreeMap<&'static str, Store<DynamicObject>>,
    served: Mutex<BTreeSet<&'static str>>,
    changes: broadcast::Sender<Change>,
    /// Watches that have not told everything yet.
    behind: watch::Sender<usize>,
}

impl World {
    /// Makes an empty world; `watch::spawn` fills it.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            engines: Store::default(),
            processors: Store::default(),
            acquisitions: Store::default(),
            bouncers: Store::default(),
            nodes: Store::default(),
            namespaces: Store::default(),
            api_server: Store::default(),
            owned: WATCHED.iter().map(|kind| (kind.kind, Store::default())).collect(),
            served: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
            behind: watch::Sender::new(0),
        }
    }

    /// Returns the objects of a kind that were made by the operator; none for kinds that are not watched.
    pub fn owned(&self, kind: &Kind) -> Option<&Store<DynamicObject>> {
        self.owned.get(kind.kind)
    }

    /// Returns an object that was made by the operator in its own type.
    pub fn owned_as<K>(&self, kind: &str, key: &Key) -> Option<K>
    where
        K: serde::de::DeserializeOwned,
    {
        let object = self.owned.get(kind)?.get(key)?;
        serde_json::to_value(&*object)
            .and_then(serde_json::from_value)
            .ok()
    }

    /// Says whether the cluster serves a kind.
    pub fn serves(&self, kind: &Kind) -> bool {
        kind.served == Served::Always
            || self
                .served
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(kind.kind)
    }

    /// Notes whether the cluster serves an optional kind; returns whether that is news.
    pub(crate) fn note_served(&self, kind: &Kind, served: bool) -> bool {
        let mut all = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if served {
            all.insert(kind.kind)
        } else {
            all.remove(kind.kind)
        }
    }

    /// Returns a receiver of everything that happens from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Tells the controllers of a change; without any listening it is dropped, as they begin with everything.
    pub fn tell(&self, change: Change) {
        // No receiver means that no controller runs yet.
        drop(self.changes.send(change));
    }

    /// Tells of a change of one of our resources, unless nothing but its bookkeeping changed.
    pub(crate) fn tell_resource<K: Resource<DynamicType = ()>>(&self, kind: &'static str, seen: &Seen<K>) {
        let part = match (&seen.before, &seen.after) {
            (Some(before), Some(after)) if same_version(before.meta(), after.meta()) => return,
            (Some(before), Some(after)) if same_spec(before.meta(), after.meta()) => Part::Status,
            _ => Part::Spec,
        };
        let key = seen.key.clone();
        self.tell(Change::Resource { kind, key, part });
    }

    /// Tells of a change of an object that was made for a resource.
    pub(crate) fn tell_owned(&self, seen: &Seen<DynamicObject>) {
        let object = seen.after.as_ref().or(seen.before.as_ref());
        let owner = object.and_then(|object| object.annotations().get(OWNER).cloned());
        let Some(owner) = owner else { return };
        let mut parts = owner.splitn(3, '/').map(str::to_owned);
        if let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) {
            let owner = Key { namespace, name };
            self.tell(Change::Owned { kind, owner });
        }
    }

    /// Counts a watch that has to tell everything before controllers may act on what is missing.
    pub(crate) fn expect(&self) {
        self.behind.send_modify(|behind| *behind += 1);
    }

    /// Counts a watch that has told everything.
    pub(crate) fn told(&self) {
        self.behind
            .send_modify(|behind| *behind = behind.saturating_sub(1));
    }

    /// Says whether every watch has told everything once.
    pub fn is_known(&self) -> bool {
        *self.behind.borrow() == 0
    }

    /// Returns once every watch has told everything.
    pub async fn known(&self) {
        let mut behind = self.behind.subscribe();
        // The sender lives in `self`, so the channel cannot close while this waits.
        drop(behind.wait_for(|behind| *behind == 0).await);
    }
}

type Meta = kube::core::ObjectMeta;

fn same_version(before: &Meta, after: &Meta) -> bool {
    before.resource_version == after.resource_version && before.uid == after.uid
}

fn same_spec(before: &Meta, after: &Meta) -> bool {
    before.uid == after.uid
        && before.generation == after.generation
        && before.labels == after.labels
        && before.deletion_timestamp == after.deletion_timestamp
}
