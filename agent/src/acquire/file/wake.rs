//! Says where something changed in watched folders. Only a hint: the reader looks by itself anyway.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Folders that are watched at most; the rest is polled.
const FOLDERS: usize = 8192;

/// Paths of one round of hints at most; beyond that everything is looked at.
const PATHS: usize = 4096;

/// The one inotify instance (users have 128) and its watches.
pub struct Wake {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    woken: Receiver<()>,
    waker: Waker,
    hints: Arc<Mutex<Hints>>,
}

/// What changed since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Files that were written to.
    pub grown: BTreeSet<PathBuf>,
    /// Paths that appeared, vanished or changed their name.
    pub moved: BTreeSet<PathBuf>,
    /// Hints were lost.
    pub is_lost: bool,
}

impl Hints {
    /// Takes an event; `false` when it says nothing about files having changed.
    fn take(&mut self, event: notify::Result<Event>) -> bool {
        let Ok(event) = event else {
            self.is_lost = true;
            return true;
        };
        let paths = match event.kind {
            // Our own reading is seen too.
            EventKind::Access(_) => return false,
            EventKind::Modify(ModifyKind::Data(_)) => &mut self.grown,
            _ => &mut self.moved,
        };
        self.is_lost |= event.need_rescan() || paths.len() >= PATHS;
        if !self.is_lost {
            paths.extend(event.paths);
        }
        true
    }
}

/// Wakes the reader from elsewhere, to make it look at its stop token.
#[derive(Debug, Clone)]
pub struct Waker(SyncSender<()>);

impl Waker {
    /// Ends the current or next pause at once.
    pub fn wake(&self) {
        // A full channel means that it is already awake.
        self.0.try_send(()).unwrap_or_default();
    }
}

impl Wake {
    /// Makes a hint that watches nothing yet.
    #[expect(clippy::new_without_default, reason = "it opens a kernel resource")]
    pub fn new() -> Self {
        let (sender, woken) = sync_channel(1);
        let waker = Waker(sender);
        let hints: Arc<Mutex<Hints>> = Arc::default();
        let (for_watcher, for_hints) = (waker.clone(), Arc::clone(&hints));
        // No inotify (limits, exotic file systems) costs latency only.
        let watcher = notify::recommended_watcher(move |event| {
            if for_hints
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(event)
            {
                for_watcher.wake();
            }
        })
        .ok();
        Self {
            watcher,
            watched: BTreeSet::new(),
            woken,
            waker,
            hints,
        }
    }

    /// Returns what ends a pause from elsewhere.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Watches exactly these folders from now on, and returns those that could be watched.
    pub fn watch(&mut self, folders: &BTreeSet<PathBuf>) -> &BTreeSet<PathBuf> {
        let Some(watcher) = &mut self.watcher else {
            return &self.watched;
        };
        self.watched.retain(|folder| {
            let is_kept = folders.contains(folder) && folder.is_dir();
            if !is_kept {
                // The kernel has let go of a folder that was deleted.
                watcher.unwatch(folder).unwrap_or_default();
            }
            is_kept
        });
        for folder in folders {
            if self.watched.len() < FOLDERS
                && !self.watched.contains(folder)
                && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(folder.clone());
            }
        }
        &self.watched
    }

    /// Waits until something changed, at most `longest`.
    pub fn pause(&self, longest: Duration) {
        // Both ends of the wait are looked into by the caller.
        self.woken.recv_timeout(longest).unwrap_or_default();
    }

    /// Returns what changed since the last call.
    pub fn hints(&self) -> Hints {
        std::mem::take(&mut *self.hints.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
