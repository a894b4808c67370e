//! The reader thread: looks for files, reads what they gained, waits for more.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::acquire::file::cat::Cat;
use crate::acquire::file::follow::{Follower, Resume};
use crate::acquire::file::glob;
use crate::acquire::file::wake::{Wake, Waker};
use crate::acquire::{Batch, Entry, FileId, Item, Note, Tally};

/// Files are looked at this often even if nobody says that they grew.
const POLL: Duration = Duration::from_millis(100);

/// Pause after a round that read something, so that a busy file is read in larger pieces.
const GATHER: Duration = Duration::from_millis(2);

/// New files are looked for this often.
const DISCOVER: Duration = Duration::from_secs(1);

/// The same when a folder changed.
const DISCOVER_SOON: Duration = Duration::from_millis(300);

/// File number of lines that no checkpoint keeps: files that are read once.
const UNTRACKED: FileId = FileId::MAX;

/// All sources, not yet read.
pub struct Reader {
    follower: Follower,
    cats: VecDeque<(Entry, PathBuf)>,
    follows: bool,
    wake: Wake,
    tally: Tally,
}

impl Reader {
    /// Prepares the sources; files that are read once are looked up at once.
    pub fn new(entries: Vec<Entry>, resume: Resume) -> Self {
        let (once, following): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.is_cat);
        let cats = once
            .into_iter()
            .flat_map(|entry| {
                let paths: Vec<PathBuf> = entry.patterns.iter().flat_map(|p| glob::expand(p)).collect();
                paths.into_iter().map(move |path| (entry.clone(), path))
            })
            .filter(|(entry, path)| {
                !entry
                    .exclude
                    .iter()
                    .any(|regex| regex.is_match(&path.to_string_lossy()))
            })
            .collect();
        Self {
            follows: !following.is_empty(),
            follower: Follower::new(following, resume),
            cats,
            wake: Wake::new(),
            tally: Tally::default(),
        }
    }

    /// Returns what ends a pause at once.
    pub fn waker(&self) -> Waker {
        self.wake.waker()
    }

    /// Reads until `token` is cancelled, `send` says that nobody listens, or there is nothing to follow.
    ///
    /// `report` takes the counts and the number of open files after each round.
    pub fn run(
        mut self,
        token: &CancellationToken,
        send: &mut dyn FnMut(Batch) -> bool,
        report: &mut dyn FnMut(Tally, usize),
    ) {
        let mut discovered: Option<Instant> = None;
        let mut is_caught_up = false;
        while !token.is_cancelled() {
            let is_due = discovered.is_none_or(|at| at.elapsed() >= DISCOVER_SOON);
            if self.follows && is_due && !self.discover(&mut discovered, send) {
                return;
            }
            let mut is_more = false;
            if let Some(keeps_going) = self.read_once(&mut is_more, send)
                && !keeps_going
            {
                return;
            }
            let mut is_gone = false;
            is_more |= self.follower.read(service::clock::now(), &mut |batch| {
                is_gone = token.is_cancelled() || !send(batch);
                !is_gone
            });
            if !is_more && !is_gone && !is_caught_up {
                is_caught_up = true;
                is_gone = !send(Batch {
                    notes: vec![Note::CaughtUp],
                    items: Vec::new(),
                });
            }
            report(self.counts(), self.follower.open_files());
            if is_gone || (!self.follows && self.cats.is_empty() && !is_more) {
                return;
            }
            self.wake.pause(if is_more { GATHER } else { POLL });
        }
    }

    fn counts(&self) -> Tally {
        let Tally {
            truncated,
            replaced,
            errors,
        } = self.follower.tally;
        Tally {
            truncated: truncated + self.tally.truncated,
            replaced: replaced + self.tally.replaced,
            errors: errors + self.tally.errors,
        }
    }

    fn discover(&mut self, discovered: &mut Option<Instant>, send: &mut dyn FnMut(Batch) -> bool) -> bool {
        if discovered.is_some_and(|at| at.elapsed() < DISCOVER && !self.wake.is_woken()) {
            return true;
        }
        let notes = self.follower.discover(service::clock::now());
        *discovered = Some(Instant::now());
        if notes.is_empty() {
            return true;
        }
        for folder in self.follower.folders() {
            self.wake.watch(&folder);
        }
        send(Batch {
            notes,
            items: Vec::new(),
        })
    }

    /// Reads the first of the files that are read once, all of it. `None` when there is none.
    fn read_once(&mut self, is_more: &mut bool, send: &mut dyn FnMut(Batch) -> bool) -> Option<bool> {
        let (entry, path) = self.cats.pop_front()?;
        *is_more = true;
        let now = service::clock::now();
        let mode = entry.mode;
        let mut cat = match Cat::open(&path, entry.origin(&path), entry.max_line, now) {
            Ok(cat) => cat,
            Err(error) => {
                self.tally.errors += 1;
                tracing::error!(file = %path.display(), %error, "file cannot be opened");
                return Some(true);
            }
        };
        loop {
            let mut lines = Vec::new();
            match cat.read(service::clock::now(), &mut self.tally, &mut lines) {
                Ok(true) => {}
                Ok(false) => return Some(true),
                Err(error) => {
                    self.tally.errors += 1;
                    tracing::error!(file = %path.display(), %error, "file cannot be read");
                    return Some(true);
                }
            }
            let mut items = lines.into_iter().peekable();
            while items.peek().is_some() {
                let piece = items.by_ref().take(crate::acquire::BATCH).map(|line| Item {
                    file: UNTRACKED,
                    end: 0,
                    partials: None,
                    is_replay: false,
                    mode,
                    line,
                });
                if !send(Batch {
                    notes: Vec::new(),
                    items: piece.collect(),
                }) {
                    return Some(false);
                }
            }
        }
    }
}
