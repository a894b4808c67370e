//! When live buckets end: one entry a bucket, grouped in slots of time, so that a pour re-arms for free.

use std::collections::BTreeMap;

/// Nanoseconds of one slot (1/16 s): how late an end may be noticed when no event comes.
const SLOT: i64 = 1 << 26;

/// Deadlines grouped by slot. Only slots in use take memory; an entry that fires early is put back by its owner,
/// which is how a later deadline costs nothing when it is set.
#[derive(Debug, Clone)]
pub struct Wheel<T> {
    slots: BTreeMap<i64, Vec<T>>,
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self {
            slots: BTreeMap::new(),
        }
    }
}

impl<T> Wheel<T> {
    /// Arms `entry` for `deadline` (nanoseconds since the epoch).
    pub fn arm(&mut self, deadline: i64, entry: T) {
        // The slot that starts at or after the deadline: nothing fires early.
        let slot = deadline.div_euclid(SLOT).saturating_add(1);
        self.slots.entry(slot).or_default().push(entry);
    }

    /// Takes out the entries of the first slot that has begun by `now`, in the order they were armed.
    pub fn pop_due(&mut self, now: i64) -> Option<Vec<T>> {
        let first = self.slots.first_entry()?;
        (first.key().saturating_mul(SLOT) <= now).then(|| first.remove())
    }

    /// Returns when the next slot begins, in nanoseconds since the epoch.
    pub fn next(&self) -> Option<i64> {
        self.slots
            .first_key_value()
            .map(|(slot, _)| slot.saturating_mul(SLOT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_fires_at_or_just_after_its_deadline() {
        let mut wheel = Wheel::default();
        wheel.arm(SLOT * 3, "a");
        assert_eq!(wheel.pop_due(SLOT * 3 - 1), None);
        let at = wheel.next().expect("armed");
        assert!(at > SLOT * 3 && at <= SLOT * 4, "{at}");
        assert_eq!(wheel.pop_due(at), Some(vec!["a"]));
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn slots_come_in_order_of_time() {
        let mut wheel = Wheel::default();
        for deadline in [90, 10, 50] {
            wheel.arm(deadline * SLOT, deadline);
        }
        let mut seen = Vec::new();
        while let Some(due) = wheel.pop_due(i64::MAX) {
            seen.extend(due);
        }
        assert_eq!(seen, [10, 50, 90]);
    }

    #[test]
    fn deadlines_before_the_epoch_work_too() {
        let mut wheel = Wheel::default();
        wheel.arm(-5, "a");
        assert_eq!(wheel.pop_due(-5), None);
        assert_eq!(wheel.pop_due(0), Some(vec!["a"]));
    }
}
