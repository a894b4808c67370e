//! Where a shard keeps its buckets: slots found by key, and for each scenario the order of last use.

use hashbrown::HashMap;

use super::{Bucket, Key, KeyRef, ScenarioId};

/// End of a list.
const NONE: u32 = u32::MAX;

/// The open buckets of a shard.
#[derive(Debug, Default)]
pub(super) struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
    index: HashMap<Key, u32, foldhash::fast::RandomState>,
    lists: Vec<List>,
}

#[derive(Debug)]
struct Slot {
    bucket: Option<Bucket>,
    previous: u32,
    next: u32,
}

/// Buckets of one scenario, least recently used first.
#[derive(Debug, Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
    len: usize,
}

impl Slab {
    pub(super) fn new(scenarios: usize) -> Self {
        Self {
            lists: vec![
                List {
                    head: NONE,
                    tail: NONE,
                    len: 0
                };
                scenarios
            ],
            ..Self::default()
        }
    }

    pub(super) fn find(&self, key: &KeyRef<'_>) -> Option<u32> {
        self.index.get(key).copied()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Bucket> {
        self.slots.get(slot as usize)?.bucket.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Bucket> {
        self.slots.get_mut(slot as usize)?.bucket.as_mut()
    }

    /// Returns how many buckets `scenario` owns.
    pub(super) fn len(&self, scenario: ScenarioId) -> usize {
        self.lists.get(scenario as usize).map_or(0, |list| list.len)
    }

    /// Returns the bucket of `scenario` that was left alone longest.
    pub(super) fn oldest(&self, scenario: ScenarioId) -> Option<u32> {
        self.lists
            .get(scenario as usize)
            .map(|list| list.head)
            .filter(|&head| head != NONE)
    }

    pub(super) fn insert(&mut self, bucket: Bucket) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                bucket: None,
                previous: NONE,
                next: NONE,
            });
            u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
        });
        self.index.insert(bucket.key.clone(), slot);
        let owner = bucket.owner;
        if let Some(held) = self.slots.get_mut(slot as usize) {
            held.bucket = Some(bucket);
        }
        self.link_last(owner, slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Bucket> {
        let bucket = self.slots.get_mut(slot as usize)?.bucket.take()?;
        self.unlink(bucket.owner, slot);
        self.index.remove(&bucket.key);
        self.free.push(slot);
        Some(bucket)
    }

    /// Marks the bucket as used now.
    pub(super) fn touch(&mut self, slot: u32) {
        let Some(owner) = self.get(slot).map(|bucket| bucket.owner) else {
            return;
        };
        if self
            .lists
            .get(owner as usize)
            .is_some_and(|list| list.tail == slot)
        {
            return;
        }
        self.unlink(owner, slot);
        self.link_last(owner, slot);
    }

    /// Visits the open buckets scenario by scenario, least recently used first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Bucket> {
        self.lists.iter().flat_map(move |list| {
            std::iter::successors(Some(list.head), |&slot| {
                self.slots.get(slot as usize).map(|s| s.next)
            })
            .take_while(|&slot| slot != NONE)
            .filter_map(|slot| self.get(slot))
        })
    }

    fn unlink(&mut self, owner: ScenarioId, slot: u32) {
        let Some((previous, next)) = self.slots.get(slot as usize).map(|s| (s.previous, s.next)) else {
            return;
        };
        if let Some(before) = self.slots.get_mut(previous as usize) {
            before.next = next;
        }
        if let Some(after) = self.slots.get_mut(next as usize) {
            after.previous = previous;
        }
        if let Some(list) = self.lists.get_mut(owner as usize) {
            if list.head == slot {
                list.head = next;
            }
            if list.tail == slot {
                list.tail = previous;
            }
            list.len -= 1;
        }
    }

    fn link_last(&mut self, owner: ScenarioId, slot: u32) {
        let Some(list) = self.lists.get_mut(owner as usize) else {
            return;
        };
        let previous = list.tail;
        list.tail = slot;
        if list.head == NONE {
            list.head = slot;
        }
        list.len += 1;
        if let Some(before) = self.slots.get_mut(previous as usize) {
            before.next = slot;
        }
        if let Some(held) = self.slots.get_mut(slot as usize) {
            held.previous = previous;
            held.next = NONE;
        }
    }
}
