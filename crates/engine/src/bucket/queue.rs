//! The last events of a bucket: what an alert shows and what conditions look at.

use std::{collections::VecDeque, sync::Arc};

use crate::Event;

/// The events a bucket keeps, oldest first.
///
/// Before an event is added the queue is cut to its limit, so it holds up to **limit + 1** events.
/// Upstream: `pkg/leakybucket/queue.go`.
#[derive(Debug, Clone)]
pub struct Queue {
    /// `None` keeps everything, up to the engine's own bound.
    limit: Option<usize>,
    events: VecDeque<Arc<Event>>,
}

/// Bound of a queue that the scenario leaves unlimited (`capacity: -1` without `cache_size`); the oldest go first.
pub const UNLIMITED_BOUND: usize = 10_000;

impl Queue {
    /// Returns an empty queue for a bucket of `capacity` with `cache_size` (0 when absent).
    pub fn new(capacity: i64, cache_size: i64) -> Self {
        Self {
            limit: limit(capacity, cache_size),
            events: VecDeque::new(),
        }
    }

    /// Returns a queue that holds `events` and takes no more.
    pub(crate) fn of(events: impl IntoIterator<Item = Arc<Event>>) -> Self {
        Self {
            limit: Some(0),
            events: events.into_iter().collect(),
        }
    }

    /// Adds `event`, dropping the oldest beyond the limit.
    pub fn push(&mut self, event: Arc<Event>) {
        let limit = self.limit.unwrap_or(UNLIMITED_BOUND);
        while self.events.len() > limit {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Returns the events, oldest first.
    pub fn events(&self) -> &VecDeque<Arc<Event>> {
        &self.events
    }

    /// Returns the events as the alert takes them, oldest first.
    pub fn into_events(self) -> Vec<Arc<Event>> {
        self.events.into()
    }
}

/// Capacity bounds the queue, a smaller `cache_size` more so; capacity -1 leaves the word to `cache_size`.
fn limit(capacity: i64, cache_size: i64) -> Option<usize> {
    let limit = if cache_size > 0 && (capacity < 0 || cache_size <= capacity) {
        cache_size
    } else {
        capacity
    };
    usize::try_from(limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(capacity: i64, cache_size: i64, expected: Option<usize>) {
        assert_eq!(
            limit(capacity, cache_size),
            expected,
            "capacity {capacity}, cache_size {cache_size}"
        );
    }

    #[test]
    fn the_limit_is_the_capacity_or_a_smaller_cache_size() {
        check(5, 0, Some(5));
        check(40, 5, Some(5));
        check(5, 5, Some(5));
        check(5, 40, Some(5));
        check(0, 0, Some(0));
    }

    #[test]
    fn without_capacity_the_cache_size_decides() {
        check(-1, 0, None);
        check(-1, 7, Some(7));
    }
}
