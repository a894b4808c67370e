//! The reader thread: looks for files, reads what they gained, waits for more.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pods::View;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::acquire::file::cat::Cat;
use crate::acquire::file::follow::{Follower, Resume};
use crate::acquire::file::identity::Prefix;
use crate::acquire::file::wake::{Wake, Waker};
use crate::acquire::pods::Plan;
use crate::acquire::{Batch, Entry, FileId, Item, Note, Tally};
use crate::sources::{Counts, Register};

/// Files are looked at this often even if nobody says that they grew.
const POLL: Duration = Duration::from_millis(100);

/// The same when watches tell of everything.
const REST: Duration = Duration::from_millis(500);

/// Pause after a round that read something, so that a busy file is read in larger pieces.
const GATHER: Duration = Duration::from_millis(2);

/// New files are looked for this often.
const DISCOVER: Duration = Duration::from_secs(1);

/// The same when a folder changed.
const DISCOVER_SOON: Duration = Duration::from_millis(300);

/// File number of lines that no checkpoint keeps: files that are read once.
const UNTRACKED: FileId = FileId::MAX;

/// The pods whose logs are read, as they come and go.
pub struct Pods {
    /// What is known of them; it changes while the reader runs.
    pub view: watch::Receiver<View>,
    /// Makes of it what is to be read.
    pub plan: Plan,
}

/// All sources, not yet read.
pub struct Reader {
    follower: Follower,
    pods: Option<Pods>,
    cats: VecDeque<(Entry, PathBuf, Arc<Counts>)>,
    follows: bool,
    wake: Wake,
    tally: Tally,
    register: Register,
    /// When files were last looked for, and whether a hint asks for it.
    discovered: Option<Instant>,
    is_stirred: bool,
}

impl Reader {
    /// Prepares the sources; files that are read once are looked up at once.
    pub fn new(entries: Vec<Entry>, pods: Option<Pods>, resume: Resume, register: Register) -> Self {
        let (once, following): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.is_cat);
        let mut cats = VecDeque::new();
        for entry in once {
            let names = entry.names();
            for (path, number) in entry.files() {
                let name = names.get(number).map_or("", String::as_str);
                cats.push_back((entry.clone(), path, register.begin(name, entry.kind())));
            }
        }
        Self {
            follows: pods.is_some() || !following.is_empty(),
            follower: Follower::new(following, resume, register.clone()),
            pods,
            cats,
            wake: Wake::new(),
            tally: Tally::default(),
            register,
            discovered: None,
            is_stirred: false,
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
        let mut is_caught_up = false;
        while !token.is_cancelled() {
            if self.follows && !self.look_around(send) {
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
            let is_polling = !self.cats.is_empty() || self.follower.is_polling();
            self.wake.pause(match (is_more, is_polling) {
                (true, _) => GATHER,
                (false, true) => POLL,
                (false, false) => REST,
            });
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

    /// Takes hints and changes of what is to be read, and looks for files when it is time; `false` at the end.
    fn look_around(&mut self, send: &mut dyn FnMut(Batch) -> bool) -> bool {
        let now = service::clock::now();
        let hints = self.wake.hints();
        self.is_stirred |= hints.is_lost || !hints.moved.is_empty();
        self.follower.hint(&hints, now);
        let is_new_view = self.discovered.is_none()
            || self
                .pods
                .as_ref()
                .is_some_and(|pods| pods.view.has_changed().unwrap_or(false));
        let mut notes = Vec::new();
        if is_new_view {
            notes = self.arrange(now);
        }
        let wait = if self.is_stirred { DISCOVER_SOON } else { DISCOVER };
        if !is_new_view && self.discovered.is_some_and(|at| at.elapsed() < wait) {
            return true;
        }
        notes.extend(self.follower.discover(now));
        self.discovered = Some(Instant::now());
        self.is_stirred = false;
        if notes.is_empty() && !is_new_view {
            return true;
        }
        let mut folders = self.follower.folders();
        folders.extend(self.pods.as_ref().map(|pods| pods.plan.root().to_owned()));
        self.follower.cover(self.wake.watch(&folders));
        notes.is_empty()
            || send(Batch {
                notes,
                items: Vec::new(),
            })
    }

    /// Puts the newest view of pods into effect.
    fn arrange(&mut self, now: jiff::Timestamp) -> Vec<Note> {
        let Some(Pods { view, plan }) = &mut self.pods else {
            return Vec::new();
        };
        let view = view.borrow_and_update().clone();
        let desired = plan.take(&view, now);
        tracing::debug!(pods = desired.logs.len(), "pods are arranged");
        self.register.arrange_targets(&view);
        self.follower.update(desired, now)
    }

    /// Reads the first of the files that are read once, all of it. `None` when there is none.
    fn read_once(&mut self, is_more: &mut bool, send: &mut dyn FnMut(Batch) -> bool) -> Option<bool> {
        let (entry, path, counts) = self.cats.pop_front()?;
        *is_more = true;
        let now = service::clock::now();
        let mode = entry.mode;
        let mut cat = match Cat::open(
            &path,
            entry.origin(&path, &Prefix::default()),
            entry.max_line,
            now,
        ) {
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
                    counts: Some(Arc::clone(&counts)),
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
