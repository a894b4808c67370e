//! What was already evaluated for the current event.

use crate::library::Library;
use crate::scheme::FieldId;

/// Remembers the results of pure sub-expressions for one event; reused from event to event by one thread.
///
/// The owner of the event calls [`Memo::clear`] when the environment stands for another event (or another bucket),
/// and [`Memo::invalidate`] after it changed a field itself; writes by expressions do it on their own.
#[derive(Debug, Default)]
pub struct Memo {}

impl Memo {
    /// Makes an empty memo for `library`; more expressions compiled later are covered too.
    pub fn new(library: &Library) -> Self {
        let _ = library;
        Self {}
    }

    /// Forgets everything: the next evaluation is for another event.
    pub fn clear(&mut self) {}

    /// Forgets what depends on a field (of any instance).
    pub fn invalidate(&mut self, field: FieldId) {
        let _ = field;
    }
}
