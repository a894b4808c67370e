//! What was already evaluated for the current event.

use std::sync::Arc;

use crate::id::FieldId;
use crate::ir::Graph;
use crate::objects::Objects;
use crate::value::Value;

/// Remembers the results of pure sub-expressions for one event; reused from event to event by one thread.
///
/// The owner of the event calls [`Memo::clear`] when the environment stands for another event (or another bucket),
/// and [`Memo::invalidate`] after it changed a field itself; writes by expressions do it on their own.
#[derive(Debug, Default)]
pub struct Memo {
    /// The structures of the library that it was last used with.
    objects: Option<Arc<Objects>>,
    slots: Vec<Slot>,
    /// When each field (by dense number) was last written.
    written: Vec<u64>,
    /// Counts events and writes.
    now: u64,
    /// When the current event began.
    begin: u64,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    at: u64,
    value: Value,
}

impl Memo {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut memo = Self {
            now: 1,
            begin: 1,
            ..Self::default()
        };
        memo.fit(graph);
        memo
    }

    /// Forgets everything: the next evaluation is for another event.
    pub fn clear(&mut self) {
        self.now += 1;
        self.begin = self.now;
    }

    /// Forgets what depends on a field (of any instance).
    pub fn invalidate(&mut self, field: FieldId) {
        if let Some(field) = self.objects.as_ref().and_then(|objects| objects.dense(field)) {
            self.touch(field);
        }
    }

    /// Counts events and writes, so that a walk over filters sees that something changed.
    pub(crate) fn version(&self) -> u64 {
        self.now
    }

    pub(crate) fn touch(&mut self, field: usize) {
        self.now += 1;
        if let Some(written) = self.written.get_mut(field) {
            *written = self.now;
        }
    }

    /// Makes room for what the library has by now.
    pub(crate) fn fit(&mut self, graph: &Graph) {
        let slots = graph.memo_slots as usize;
        if self.slots.len() < slots {
            self.slots.resize(slots, Slot::default());
        }
        if self.written.len() < graph.objects.field_count() {
            self.written.resize(graph.objects.field_count(), 0);
        }
        if self.objects.is_none() {
            self.objects = Some(Arc::clone(&graph.objects));
        }
        if self.begin == 0 {
            self.clear();
        }
    }

    pub(crate) fn get(&self, slot: u32, reads: &[u16]) -> Option<&Value> {
        let slot = self.slots.get(slot as usize)?;
        let fresh = slot.at >= self.begin
            && reads.iter().all(|field| {
                self.written
                    .get(usize::from(*field))
                    .is_none_or(|at| slot.at >= *at)
            });
        fresh.then_some(&slot.value)
    }

    pub(crate) fn put(&mut self, slot: u32, value: Value) {
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            *slot = Slot { at: self.now, value };
        }
    }
}
