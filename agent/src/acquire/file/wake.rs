//! Wakes the reader when a watched folder changes. Only a hint: the reader looks by itself anyway.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// Folders that are watched at most; the rest is polled.
const FOLDERS: usize = 512;

/// The hint and its watches.
pub struct Wake {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    woken: Receiver<()>,
    waker: Waker,
    /// Whether the last pause ended by a hint.
    was_hint: bool,
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
        let for_watcher = waker.clone();
        // No inotify (limits, exotic file systems) costs latency only.
        let watcher = notify::recommended_watcher(move |_| for_watcher.wake()).ok();
        Self {
            watcher,
            watched: BTreeSet::new(),
            woken,
            waker,
            was_hint: false,
        }
    }

    /// Returns what ends a pause from elsewhere.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Watches `folder` from now on.
    pub fn watch(&mut self, folder: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if self.watched.len() >= FOLDERS || self.watched.contains(folder) {
            return;
        }
        if watcher.watch(folder, RecursiveMode::NonRecursive).is_ok() {
            self.watched.insert(folder.to_owned());
        }
    }

    /// Waits until something changed, at most `longest`.
    pub fn pause(&mut self, longest: Duration) {
        self.was_hint = self.woken.recv_timeout(longest).is_ok();
    }

    /// Tells whether something changed during the last pause.
    pub fn is_woken(&self) -> bool {
        self.was_hint
    }
}
