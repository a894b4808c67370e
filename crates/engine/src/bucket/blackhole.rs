//! Which buckets are silent after an alert: an overflow within the scenario's `blackhole` time makes no second alert.

use std::{collections::HashMap, hash::Hash};

use golang::duration::Duration;

/// Most keys one scenario may hide at a time; beyond it the one that ends first is shown again, and counted.
const LIMIT: usize = 1 << 20;

/// The hidden bucket keys of one scenario; times are nanoseconds since the epoch.
///
/// Upstream: `pkg/leakybucket/blackhole.go`.
#[derive(Debug, Clone)]
pub struct Blackhole<K> {
    span: i64,
    until: HashMap<K, i64, foldhash::fast::RandomState>,
    purge_at: usize,
}

impl<K: Hash + Eq + Clone + Ord> Blackhole<K> {
    /// Returns an empty blackhole that hides a key for `span` after an alert.
    pub fn new(span: Duration) -> Self {
        Self {
            span: span.0,
            until: HashMap::default(),
            purge_at: 1024,
        }
    }

    /// Decides about an overflow of `key` at `now`: `true` lets it pass and hides what follows for the span,
    /// strictly before its end; `false` drops it and does not extend the span.
    pub fn admit(&mut self, key: &K, now: i64) -> bool {
        if let Some(until) = self.until.get_mut(key) {
            if *until > now {
                return false;
            }
            *until = now.saturating_add(self.span);
            return true;
        }
        self.make_room(now);
        self.until.insert(key.clone(), now.saturating_add(self.span));
        true
    }

    /// Returns the hidden keys and the ends of their silence, sorted.
    pub fn entries(&self) -> Vec<(K, i64)> {
        let mut entries: Vec<_> = self
            .until
            .iter()
            .map(|(key, until)| (key.clone(), *until))
            .collect();
        entries.sort_unstable();
        entries
    }

    /// Hides `key` until `until`, as a snapshot says.
    pub fn restore(&mut self, key: K, until: i64) {
        if self.until.len() < LIMIT {
            self.until.insert(key, until);
        }
    }

    /// Forgets what has ended whenever the table has doubled, so that it stays proportional to what is hidden.
    fn make_room(&mut self, now: i64) {
        if self.until.len() < self.purge_at {
            return;
        }
        self.until.retain(|_, until| *until > now);
        if self.until.len() >= LIMIT
            && let Some(first) = self
                .until
                .iter()
                .min_by_key(|(_, until)| **until)
                .map(|(key, _)| key.clone())
        {
            self.until.remove(&first);
        }
        self.purge_at = (self.until.len() * 2).clamp(1024, LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_within_the_span_is_dropped_and_does_not_extend_it() {
        let mut blackhole = Blackhole::new(Duration(100));
        let seen: Vec<bool> = [0, 50, 99, 100, 150, 200]
            .iter()
            .map(|&now| blackhole.admit(&"k", now))
            .collect();
        assert_eq!(seen, [true, false, false, true, false, true]);
    }

    #[test]
    fn keys_do_not_hide_each_other() {
        let mut blackhole = Blackhole::new(Duration(100));
        assert!(blackhole.admit(&"a", 0));
        assert!(blackhole.admit(&"b", 1));
        assert!(!blackhole.admit(&"a", 2));
    }

    #[test]
    fn what_has_ended_is_forgotten() {
        let mut blackhole = Blackhole::new(Duration(10));
        for key in 0..100_000_i64 {
            assert!(blackhole.admit(&key, key * 5));
        }
        assert!(blackhole.until.len() <= 1025, "{} keys", blackhole.until.len());
    }

    #[test]
    fn a_restored_key_stays_hidden() {
        let mut before = Blackhole::new(Duration(10));
        before.admit(&1, 0);
        let mut after = Blackhole::new(Duration(10));
        for (key, until) in before.entries() {
            after.restore(key, until);
        }
        assert!(!after.admit(&1, 9));
        assert!(after.admit(&1, 10));
    }
}
