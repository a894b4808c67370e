//! The stash: small caches that parsers write (`stash:`) and expressions read (`GetFromStash`), bounded and timed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
};

use golang::duration::Duration;
use jiff::Timestamp;

use crate::Text;

/// Which entry leaves a full cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The one not used for longest; `ARC` is served by this too.
    #[default]
    Lru,
    /// The one used least often.
    Lfu,
}

/// All caches by name; shared by all workers, and worth keeping over a reload.
#[derive(Debug, Default)]
pub struct Stash {
    caches: Mutex<BTreeMap<String, Cache>>,
}

#[derive(Debug)]
struct Cache {
    size: usize,
    ttl: Duration,
    strategy: Strategy,
    entries: HashMap<String, Entry>,
    /// Counts uses; the clock of LRU.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    value: Text,
    expires: Timestamp,
    last_use: u64,
    uses: u64,
}

impl Stash {
    /// Declares a cache of `size` entries that live for `ttl`; a cache of that name and shape keeps its contents.
    pub fn declare(&self, name: &str, size: usize, ttl: Duration, strategy: Strategy) {
        let mut caches = self.lock();
        let same = caches
            .get(name)
            .is_some_and(|held| (held.size, held.ttl, held.strategy) == (size, ttl, strategy));
        if !same {
            let fresh = Cache {
                size: size.max(1),
                ttl,
                strategy,
                entries: HashMap::new(),
                uses: 0,
            };
            caches.insert(name.to_owned(), fresh);
        }
    }

    /// Stores `value`, for the cache's own time when `expires` is `None`; false when there is no such cache.
    pub fn set(&self, name: &str, key: &str, value: &str, expires: Option<Duration>, now: Timestamp) -> bool {
        let mut caches = self.lock();
        let Some(cache) = caches.get_mut(name) else {
            return false;
        };
        let lives = expires.unwrap_or(cache.ttl);
        let expires = now.checked_add(lives.to_jiff()).unwrap_or(Timestamp::MAX);
        cache.uses += 1;
        let uses = cache.uses;
        if cache.entries.len() >= cache.size && !cache.entries.contains_key(key) {
            cache.evict(now);
        }
        // A stored value outlives the line it was cut from, so it must not hold that line in memory.
        let value = Text::from(value);
        cache.entries.insert(
            key.to_owned(),
            Entry {
                value,
                expires,
                last_use: uses,
                uses: 1,
            },
        );
        true
    }

    /// Returns the value under `key` that has not expired at `now`.
    pub fn get(&self, name: &str, key: &str, now: Timestamp) -> Option<Text> {
        let mut caches = self.lock();
        let cache = caches.get_mut(name)?;
        cache.uses += 1;
        let uses = cache.uses;
        let entry = cache.entries.get_mut(key)?;
        if entry.expires <= now {
            cache.entries.remove(key);
            return None;
        }
        entry.last_use = uses;
        entry.uses += 1;
        Some(entry.value.clone())
    }

    /// Returns the caches by name with how many entries each holds (`cs_cache_size`).
    pub fn sizes(&self) -> Vec<(String, usize)> {
        self.lock()
            .iter()
            .map(|(name, cache)| (name.clone(), cache.entries.len()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Cache>> {
        self.caches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Cache {
    fn evict(&mut self, now: Timestamp) {
        self.entries.retain(|_, entry| entry.expires > now);
        while self.entries.len() >= self.size {
            let rank = |entry: &Entry| match self.strategy {
                Strategy::Lru => (0, entry.last_use),
                Strategy::Lfu => (entry.uses, entry.last_use),
            };
            let Some(key) = self
                .entries
                .iter()
                .min_by_key(|(_, entry)| rank(entry))
                .map(|(key, _)| key.clone())
            else {
                return;
            };
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn entries_expire_after_the_time_of_their_cache() {
        let stash = Stash::default();
        stash.declare("c", 10, Duration::from_secs(5), Strategy::Lru);
        assert!(stash.set("c", "k", "v", None, at(0)));
        assert_eq!(stash.get("c", "k", at(4)).as_deref(), Some("v"));
        assert_eq!(stash.get("c", "k", at(5)), None);
    }

    #[test]
    fn a_full_cache_drops_the_entry_not_used_for_longest() {
        let stash = Stash::default();
        stash.declare("c", 2, Duration::from_secs(50), Strategy::Lru);
        for key in ["a", "b"] {
            stash.set("c", key, "v", None, at(0));
        }
        stash.get("c", "a", at(1));
        stash.set("c", "d", "v", None, at(1));
        let held = ["a", "b", "d"].map(|key| stash.get("c", key, at(2)).is_some());
        assert_eq!(held, [true, false, true]);
    }

    #[test]
    fn a_cache_nobody_declared_takes_nothing() {
        let stash = Stash::default();
        assert!(!stash.set("c", "k", "v", None, at(0)));
        assert_eq!(stash.get("c", "k", at(0)), None);
    }
}
