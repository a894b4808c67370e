//! The work queue of one controller: which resources are due, at most so many at once, retries with backoff.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::store::Key;
use crate::cluster::world::Change;

/// How long changes are collected before a resource is reconciled.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Pause after a first failure; it doubles with each further one.
const RETRY: Duration = Duration::from_secs(1);
/// Longest pause after failures.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Resources of one controller that are reconciled at once.
const CONCURRENCY: usize = 8;

/// When a resource is looked at again, unless it changes earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// After a while.
    After(Duration),
    /// When something about it changes.
    Change,
    /// Soon, later with each time: something failed.
    Retry,
}

/// What a controller listens to.
pub struct Triggers<C, A> {
    /// Everything that happens in the cluster.
    pub changes: broadcast::Receiver<Change>,
    /// Returns the resources that a change concerns.
    pub concerns: C,
    /// Returns all resources; asked at the start, and after changes were missed.
    pub all: A,
}

/// Reconciles what is due until `stop`; then waits for what is running.
pub async fn run<C, A, F, R>(mut triggers: Triggers<C, A>, reconcile: F, stop: CancellationToken)
where
    C: Fn(&Change) -> Vec<Key>,
    A: Fn() -> Vec<Key>,
    F: Fn(Key) -> R,
    R: Future<Output = Next> + Send + 'static,
{
    let mut queue = Queue::default();
    let mut running: JoinSet<(Key, Next)> = JoinSet::new();
    queue.add((triggers.all)(), Instant::now());
    loop {
        while running.len() < CONCURRENCY
            && let Some(key) = queue.take(Instant::now())
        {
            let work = reconcile(key.clone());
            running.spawn(async move { (key, work.await) });
        }
        let due = queue.due().filter(|_| running.len() < CONCURRENCY);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = running.join_next() => {
                // A panic has been printed; the key is tried again with the next full pass.
                if let Ok((key, next)) = ended {
                    queue.ended(key, next, Instant::now());
                } else {
                    queue.running.clear();
                    queue.add((triggers.all)(), Instant::now() + RETRY);
                }
            }
            change = triggers.changes.recv() => match change {
                Ok(change) => queue.add((triggers.concerns)(&change), Instant::now() + DEBOUNCE),
                Err(RecvError::Lagged(_)) => queue.add((triggers.all)(), Instant::now() + DEBOUNCE),
                Err(RecvError::Closed) => break,
            },
            () = until(due) => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Which keys are due when; a key is never worked on twice at once.
#[derive(Debug, Default)]
struct Queue {
    due: BTreeMap<Key, Instant>,
    running: BTreeSet<Key>,
    failures: BTreeMap<Key, u32>,
}

impl Queue {
    fn add(&mut self, keys: Vec<Key>, at: Instant) {
        for key in keys {
            let due = self.due.entry(key).or_insert(at);
            *due = (*due).min(at);
        }
    }

    fn take(&mut self, now: Instant) -> Option<Key> {
        let key = self
            .due
            .iter()
            .filter(|(key, due)| **due <= now && !self.running.contains(*key))
            .min_by_key(|(_, due)| **due)
            .map(|(key, _)| key.clone())?;
        self.due.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    fn due(&self) -> Option<Instant> {
        self.due
            .iter()
            .filter(|(key, _)| !self.running.contains(*key))
            .map(|(_, due)| *due)
            .min()
    }

    fn ended(&mut self, key: Key, next: Next, now: Instant) {
        self.running.remove(&key);
        if next != Next::Retry {
            self.failures.remove(&key);
        }
        let after = match next {
            Next::Change => return,
            Next::After(after) => after,
            Next::Retry => {
                let failures = self.failures.entry(key.clone()).or_default();
                let pause = RETRY.saturating_mul(1 << (*failures).min(6));
                *failures = failures.saturating_add(1);
                pause.min(RETRY_MAX)
            }
        };
        self.add(vec![key], now + after);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_resource_is_retried_with_growing_pauses() {
        let started = Instant::now();
        let times = Arc::new(Mutex::new(Vec::new()));
        let (sender, changes) = broadcast::channel(4);
        let stop = CancellationToken::new();
        let triggers = Triggers {
            changes,
            concerns: |_: &Change| Vec::new(),
            all: || vec![key("a")],
        };
        let reconcile = {
            let (times, stop) = (Arc::clone(&times), stop.clone());
            move |_| {
                let mut times = times.lock().unwrap();
                times.push(started.elapsed().as_secs());
                if times.len() == 5 {
                    stop.cancel();
                }
                async { Next::Retry }
            }
        };
        run(triggers, reconcile, stop).await;
        drop(sender);
        assert_eq!(*times.lock().unwrap(), [0, 1, 3, 7, 15]);
    }

    #[test]
    fn a_change_during_the_work_is_not_lost_and_not_worked_on_twice_at_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(vec![key("a")], now);
        assert_eq!(queue.take(now), Some(key("a")));
        queue.add(vec![key("a")], now);
        assert_eq!(queue.take(now), None);
        queue.ended(key("a"), Next::Change, now);
        assert_eq!(queue.take(now), Some(key("a")));
    }

    #[test]
    fn the_earlier_of_two_dates_holds() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(vec![key("a")], now + Duration::from_secs(300));
        queue.add(vec![key("a")], now);
        assert_eq!(queue.due(), Some(now));
    }
}
