//! Objects of one kind as a watch last told them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use kube::Resource;
use kube::runtime::watcher::Event;

/// Namespace and name; the namespace of a cluster-wide object is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace, empty for cluster-wide objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// Makes a key.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Returns the key of an object.
    pub fn of<K: Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self::new(
            meta.namespace.clone().unwrap_or_default(),
            meta.name.clone().unwrap_or_default(),
        )
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// Objects of one kind; filled by one watch for each namespace in scope.
#[derive(Debug)]
pub struct Store<K> {
    objects: RwLock<BTreeMap<Key, Arc<K>>>,
}

/// An object before and after something happened to it.
#[derive(Clone, Debug)]
pub struct Seen<K> {
    /// Which object.
    pub key: Key,
    /// What it was; none when it is new.
    pub before: Option<Arc<K>>,
    /// What it is; none when it is gone.
    pub after: Option<Arc<K>>,
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        Self {
            objects: RwLock::new(BTreeMap::new()),
        }
    }
}

impl<K> Store<K> {
    /// Returns an object.
    pub fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// Returns all objects, ordered by namespace and name.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Returns the keys of all objects in order.
    pub fn keys(&self) -> Vec<Key> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    /// Puts an object in or takes it out.
    pub fn put(&self, key: Key, after: Option<Arc<K>>) -> Seen<K> {
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        let before = match &after {
            Some(object) => objects.insert(key.clone(), Arc::clone(object)),
            None => objects.remove(&key),
        };
        Seen { key, before, after }
    }
}

/// Brings one watch's events into a store; a watch that begins anew also tells what is gone meanwhile.
#[derive(Debug, Default)]
pub struct Feed {
    known: BTreeSet<Key>,
    listed: BTreeSet<Key>,
}

impl Feed {
    /// Applies an event and returns what was seen by it; `synced` tells that the store is complete from now on.
    pub fn take<K: Resource>(&mut self, store: &Store<K>, event: Event<K>) -> Told<K> {
        let mut seen = Vec::new();
        let mut synced = false;
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                let key = Key::of(&object);
                self.listed.insert(key.clone());
                self.known.insert(key.clone());
                seen.push(store.put(key, Some(Arc::new(object))));
            }
            Event::InitDone => {
                synced = true;
                for key in self.known.difference(&self.listed) {
                    seen.push(store.put(key.clone(), None));
                }
                self.known = std::mem::take(&mut self.listed);
            }
            Event::Apply(object) => {
                let key = Key::of(&object);
                self.known.insert(key.clone());
                seen.push(store.put(key, Some(Arc::new(object))));
            }
            Event::Delete(object) => {
                let key = Key::of(&object);
                self.known.remove(&key);
                seen.push(store.put(key, None));
            }
        }
        Told { seen, synced }
    }

    /// Takes out of the store whatever this watch put in, when the watch ends.
    pub fn end<K>(&mut self, store: &Store<K>) -> Vec<Seen<K>> {
        std::mem::take(&mut self.known)
            .into_iter()
            .map(|key| store.put(key, None))
            .collect()
    }
}

/// What one event of a watch told.
#[derive(Debug)]
pub struct Told<K> {
    /// The objects it was about.
    pub seen: Vec<Seen<K>>,
    /// Whether a first or new listing is complete with it.
    pub synced: bool,
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::core::ObjectMeta;

    use super::*;

    fn object(name: &str) -> ConfigMap {
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.into()),
                namespace: Some("ns".into()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        }
    }

    #[test]
    fn what_is_missing_from_a_new_listing_is_told_as_gone() {
        let (store, mut feed) = (Store::default(), Feed::default());
        for event in [
            Event::Init,
            Event::InitApply(object("a")),
            Event::InitApply(object("b")),
            Event::InitDone,
        ] {
            feed.take(&store, event);
        }
        feed.take(&store, Event::Init);
        feed.take(&store, Event::InitApply(object("b")));
        let told = feed.take(&store, Event::InitDone);
        assert!(told.synced);
        assert_eq!(told.seen.len(), 1);
        assert_eq!(told.seen[0].key, Key::new("ns", "a"));
        assert!(told.seen[0].after.is_none());
        assert_eq!(store.keys(), [Key::new("ns", "b")]);
    }

    #[test]
    fn a_watch_of_one_namespace_leaves_the_objects_of_another_alone() {
        let store = Store::default();
        let (mut one, mut other) = (Feed::default(), Feed::default());
        one.take(&store, Event::Apply(object("a")));
        other.take(&store, Event::Init);
        other.take(&store, Event::InitDone);
        assert_eq!(store.keys(), [Key::new("ns", "a")]);
        assert_eq!(one.end(&store).len(), 1);
        assert!(store.all().is_empty());
    }
}
