//! Bouncers by key, with their cursors.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use foldhash::fast::RandomState;

/// Cursor of a bouncer that never pulled.
const NEVER: i64 = i64::MIN;

/// A row of the `bouncers` table.
#[derive(Debug)]
pub struct Bouncer {
    /// Row id.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Lower-case hex SHA-512 of its key.
    pub key_hash: String,
    /// Address it pulls from; empty until its first pull.
    pub ip_address: String,
    /// Kind of bouncer.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// `api-key` or `tls`.
    pub auth_type: String,
    /// Whether it was made because a known key came from a new address.
    pub auto_created: bool,
    /// What it was told up to, nanoseconds since 1970.
    cursor: AtomicI64,
}

impl Bouncer {
    /// Makes a bouncer with its stored cursor.
    pub fn new(id: i64, name: String, key_hash: String, cursor: Option<i64>) -> Self {
        Self {
            id,
            name,
            key_hash,
            ip_address: String::new(),
            kind: String::new(),
            version: String::new(),
            auth_type: "api-key".to_owned(),
            auto_created: false,
            cursor: AtomicI64::new(cursor.unwrap_or(NEVER)),
        }
    }

    /// Makes it one that was told nothing yet.
    #[must_use]
    pub fn without_cursor(self) -> Self {
        self.cursor.store(NEVER, Ordering::Release);
        self
    }

    /// Returns what it was told up to; `None` when it never pulled.
    pub fn cursor(&self) -> Option<i64> {
        Some(self.cursor.load(Ordering::Acquire)).filter(|at| *at != NEVER)
    }

    /// Moves the cursor; an answer that ends after a later one does not move it back.
    pub fn move_cursor(&self, to: i64) {
        self.cursor.fetch_max(to, Ordering::AcqRel);
    }
}

/// All bouncers.
#[derive(Debug, Default)]
pub struct Bouncers {
    rows: BTreeMap<i64, Arc<Bouncer>>,
    by_key: HashMap<String, Vec<i64>, RandomState>,
    by_name: HashMap<String, i64, RandomState>,
}

impl Bouncers {
    /// Takes in a row; the cursor in memory is the true one and stays.
    pub(super) fn put(&mut self, bouncer: Bouncer) {
        if let Some(old) = self.rows.get(&bouncer.id).cloned() {
            bouncer
                .cursor
                .store(old.cursor.load(Ordering::Acquire), Ordering::Release);
            self.remove(bouncer.id);
        }
        let ids = self.by_key.entry(bouncer.key_hash.clone()).or_default();
        ids.push(bouncer.id);
        ids.sort_unstable();
        self.by_name.insert(bouncer.name.clone(), bouncer.id);
        self.rows.insert(bouncer.id, Arc::new(bouncer));
    }

    pub(super) fn remove(&mut self, id: i64) {
        let Some(old) = self.rows.remove(&id) else { return };
        self.by_name.remove(&old.name);
        if let Some(ids) = self.by_key.get_mut(&old.key_hash) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_key.remove(&old.key_hash);
            }
        }
    }

    pub(super) fn replace(&mut self, rows: Vec<Bouncer>) {
        let kept: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        let gone: Vec<i64> = self
            .rows
            .keys()
            .copied()
            .filter(|id| !kept.contains(id))
            .collect();
        for id in gone {
            self.remove(id);
        }
        for row in rows {
            self.put(row);
        }
    }

    /// Returns the bouncers of a key, oldest row first.
    pub fn of_key(&self, key_hash: &str) -> Vec<Arc<Bouncer>> {
        self.by_key
            .get(key_hash)
            .into_iter()
            .flatten()
            .filter_map(|id| self.rows.get(id))
            .cloned()
            .collect()
    }

    /// Returns the bouncer of a name.
    pub fn named(&self, name: &str) -> Option<Arc<Bouncer>> {
        self.by_name.get(name).and_then(|id| self.rows.get(id)).cloned()
    }

    /// Returns all, by id.
    pub fn all(&self) -> Vec<Arc<Bouncer>> {
        self.rows.values().cloned().collect()
    }
}
