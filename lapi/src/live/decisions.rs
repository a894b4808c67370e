//! Decisions by id, address, value and time; recently ended ones stay as bounded tombstones.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use foldhash::fast::RandomState;
use wire::range::Range;

use super::filter::Filter;
use super::record::Record;

/// Ended decisions that are remembered for deltas; the oldest go first.
const TOMBSTONES: usize = 100_000;
/// Decisions between two looks for tombstones to forget.
const PRUNE_EVERY: usize = 8192;
/// How far before the cursor ends are told again, as upstream does.
const OVERLAP: i64 = 2_000_000_000;
/// What rounds to `0s` is not told as new: some clients would keep it for ever.
const ROUNDS_TO_ZERO: i64 = 500_000_000;

/// Scenario, origin and type.
pub type Group = (Arc<str>, Arc<str>, Arc<str>);

/// All decisions in force and the tombstones.
#[derive(Debug, Default)]
pub struct Decisions {
    by_id: BTreeMap<i64, Arc<Record>>,
    by_visible: BTreeSet<(i64, i64)>,
    by_end: BTreeSet<(i64, i64)>,
    by_start: BTreeMap<(i64, i64, i64), Vec<i64>>,
    /// How many networks there are of each family and prefix length.
    lengths: BTreeMap<(i64, u8), usize>,
    by_value: HashMap<Box<str>, Vec<i64>, RandomState>,
    names: HashSet<Arc<str>, RandomState>,
    /// Size at which tombstones are counted again.
    prune_at: usize,
}

/// The answer to a pull.
#[derive(Debug, Clone)]
pub struct Pull {
    /// Decisions to enforce, by ascending id.
    pub new: Vec<Arc<Record>>,
    /// Decisions to lift, by ascending id.
    pub deleted: Vec<Arc<Record>>,
    /// What the cursor may be set to once the answer is complete.
    pub watermark: i64,
}

impl Decisions {
    /// Takes in a decision; one that is already there keeps the time at which it became visible.
    pub(super) fn put(&mut self, mut record: Record, time: i64) {
        if let Some(old) = self.by_id.get(&record.id).cloned() {
            record.visible = old.visible;
            // An end that another program wrote is told from now on, whatever time that program gave it.
            record.ended = if record.until < old.until {
                Some(time)
            } else {
                old.ended.filter(|_| record.until <= old.until)
            };
            if *old == record {
                return;
            }
            self.remove(record.id);
        } else if record.visible == 0 {
            record.visible = time;
        }
        for name in [
            &mut record.scope,
            &mut record.kind,
            &mut record.origin,
            &mut record.scenario,
        ] {
            *name = self.intern(name);
        }
        self.insert(record);
    }

    /// Ends a decision now.
    pub(super) fn end(&mut self, id: i64, time: i64) {
        let Some(old) = self.by_id.get(&id).filter(|old| old.until > time).cloned() else {
            return;
        };
        self.remove(id);
        self.insert(Record {
            until: time,
            ended: Some(time),
            ..Record::clone(&old)
        });
    }

    fn insert(&mut self, record: Record) {
        let id = record.id;
        self.by_visible.insert((record.visible, id));
        self.by_end.insert((record.end(), id));
        if record.range.size != 0 {
            self.by_start.entry(start(&record.range)).or_default().push(id);
            *self.lengths.entry(length(&record.range)).or_default() += 1;
        }
        self.by_value.entry(record.value.clone()).or_default().push(id);
        self.by_id.insert(id, Arc::new(record));
    }

    fn remove(&mut self, id: i64) {
        let Some(record) = self.by_id.remove(&id) else {
            return;
        };
        self.by_visible.remove(&(record.visible, id));
        self.by_end.remove(&(record.end(), id));
        if record.range.size != 0 {
            if let Some(ids) = self.by_start.get_mut(&start(&record.range)) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_start.remove(&start(&record.range));
                }
            }
            if let Some(count) = self.lengths.get_mut(&length(&record.range)) {
                *count -= 1;
                if *count == 0 {
                    self.lengths.remove(&length(&record.range));
                }
            }
        }
        if let Some(ids) = self.by_value.get_mut(&record.value) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_value.remove(&record.value);
            }
        }
    }

    /// Forgets the oldest tombstones beyond the bound, and names nobody uses; cheap unless much was added.
    pub(super) fn prune(&mut self, now: i64) {
        if self.by_id.len() < self.prune_at {
            return;
        }
        let ended = self.by_end.range(..(now, i64::MIN)).count();
        let gone: Vec<i64> = self
            .by_end
            .iter()
            .take(ended.saturating_sub(TOMBSTONES))
            .map(|(_, id)| *id)
            .collect();
        for id in gone {
            self.remove(id);
        }
        self.names.retain(|name| Arc::strong_count(name) > 1);
        self.prune_at = self.by_id.len() + PRUNE_EVERY;
    }

    fn intern(&mut self, name: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        self.names.insert(Arc::clone(name));
        Arc::clone(name)
    }

    /// Returns a decision or tombstone.
    pub fn get(&self, id: i64) -> Option<&Arc<Record>> {
        self.by_id.get(&id)
    }

    /// Returns the ids of everything in force.
    pub(crate) fn active_ids(&self, now: i64) -> Vec<i64> {
        self.active(now).map(|record| record.id).collect()
    }

    /// Visits what is in force, soonest end first.
    pub fn active(&self, now: i64) -> impl Iterator<Item = &Arc<Record>> {
        self.by_end
            .range((now, i64::MIN)..)
            .filter_map(|(_, id)| self.by_id.get(id))
            .filter(move |record| record.is_active(now))
    }

    /// Returns what is in force and passes the filter, soonest end first (the order of upstream's index).
    pub fn find(&self, filter: &Filter, now: i64) -> Vec<Arc<Record>> {
        let wanted = |record: &&Arc<Record>| record.is_active(now) && filter.matches(record);
        let mut found: Vec<Arc<Record>> = match (&filter.range, &filter.value) {
            (Some((range, contains)), _) => self
                .near(range, *contains)
                .into_iter()
                .filter_map(|id| self.by_id.get(&id))
                .filter(wanted)
                .cloned()
                .collect(),
            (None, Some(value)) => self
                .by_value
                .get(value.as_str())
                .into_iter()
                .flatten()
                .filter_map(|id| self.by_id.get(id))
                .filter(wanted)
                .cloned()
                .collect(),
            (None, None) => self.active(now).filter(wanted).cloned().collect(),
        };
        found.sort_by_key(|record| (record.until, record.id));
        filter.page(found)
    }

    /// Returns every decision that contains the range, ended ones that are remembered too.
    pub fn containing(&self, range: &Range) -> Vec<Arc<Record>> {
        let candidates = self
            .near(range, true)
            .into_iter()
            .filter_map(|id| self.by_id.get(&id));
        candidates
            .filter(|record| record.range.contains(range))
            .cloned()
            .collect()
    }

    /// Returns candidates that contain the range, or that it contains.
    fn near(&self, range: &Range, contains: bool) -> Vec<i64> {
        let mut ids = Vec::new();
        if contains {
            for (size, length) in self.lengths.keys().filter(|(size, _)| *size == range.size) {
                let Some(masked) = range.first().and_then(|first| Range::of_network(first, *length)) else {
                    continue;
                };
                debug_assert_eq!(masked.size, *size);
                ids.extend(self.by_start.get(&start(&masked)).into_iter().flatten());
            }
            ids.sort_unstable();
            ids.dedup();
        } else {
            let last = (range.size, range.end_ip, range.end_suffix);
            let within = (Bound::Included(start(range)), Bound::Included(last));
            ids.extend(self.by_start.range(within).flat_map(|(_, ids)| ids));
        }
        ids
    }

    /// Says whether another decision on the same subject lasts longer.
    fn is_outlived(&self, record: &Record) -> bool {
        self.by_value
            .get(&record.value)
            .into_iter()
            .flatten()
            .filter_map(|id| self.by_id.get(id))
            .any(|other| other.until > record.until && other.same_subject(record))
    }

    /// Computes a pull; `since` is the cursor, `None` asks for everything.
    pub fn pull(&self, filter: &Filter, since: Option<i64>, watermark: i64, now: i64) -> Pull {
        let passes =
            |record: &&Arc<Record>| filter.matches(record) && !(filter.dedup && self.is_outlived(record));
        let fresh = |record: &&Arc<Record>| {
            record.until > now.saturating_add(ROUNDS_TO_ZERO) && record.visible <= watermark
        };
        let mut new: Vec<Arc<Record>> = match since {
            None => self.active(now).filter(fresh).filter(passes).cloned().collect(),
            Some(since) => self
                .by_visible
                .range((Bound::Excluded((since, i64::MAX)), Bound::Unbounded))
                .filter_map(|(_, id)| self.by_id.get(id))
                .filter(fresh)
                .filter(passes)
                .cloned()
                .collect(),
        };
        let from = since.map_or(i64::MIN, |since| since.saturating_sub(OVERLAP));
        let mut deleted: Vec<Arc<Record>> = self
            .by_end
            .range((
                Bound::Excluded((from, i64::MAX)),
                Bound::Included((now, i64::MAX)),
            ))
            .filter_map(|(_, id)| self.by_id.get(id))
            .filter(|record| record.until < now)
            .filter(passes)
            .cloned()
            .collect();
        new.sort_unstable_by_key(|record| record.id);
        deleted.sort_unstable_by_key(|record| record.id);
        Pull {
            new,
            deleted,
            watermark,
        }
    }

    /// Counts what is in force by scenario, origin and type, without simulated ones.
    pub fn count(&self, now: i64) -> BTreeMap<Group, i64> {
        let mut counts = BTreeMap::new();
        for record in self.active(now).filter(|record| !record.simulated) {
            let key = (
                Arc::clone(&record.scenario),
                Arc::clone(&record.origin),
                Arc::clone(&record.kind),
            );
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

fn start(range: &Range) -> (i64, i64, i64) {
    (range.size, range.start_ip, range.start_suffix)
}

fn length(range: &Range) -> (i64, u8) {
    let bits = match (range.first(), range.last()) {
        (Some(std::net::IpAddr::V4(a)), Some(std::net::IpAddr::V4(b))) => {
            (u32::from(a) ^ u32::from(b)).leading_zeros()
        }
        (Some(std::net::IpAddr::V6(a)), Some(std::net::IpAddr::V6(b))) => {
            (u128::from(a) ^ u128::from(b)).leading_zeros()
        }
        _ => 0,
    };
    (range.size, u8::try_from(bits).unwrap_or(128))
}
