//! What is in force right now, in memory: decisions, bouncers with their cursors, allowlists.
//!
//! Requests read it without touching the database. The writer is its only author: it announces a commit with
//! [`Live::begin`], commits, and ends with [`Live::finish`]; between the two the watermark stands still, so no cursor
//! can pass a row that is not visible yet.

pub mod allowlists;
pub mod bouncers;
pub mod decisions;
pub mod filter;
pub mod record;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;

pub use allowlists::Allowlists;
pub use bouncers::{Bouncer, Bouncers};
pub use decisions::{Decisions, Pull};
pub use filter::{Filter, FilterError};
pub use record::Record;

use crate::stamp::nanoseconds;

/// Something the writer committed.
#[derive(Debug)]
pub enum Change {
    /// A decision, new or with other content; `visible` is set by [`Live::finish`] where it is 0.
    Decision(Box<Record>),
    /// A decision ended early (`until` moved to the commit's time) or its row is gone.
    Ended(i64),
    /// A bouncer, new or changed.
    Bouncer(Box<Bouncer>),
    /// A bouncer is gone.
    BouncerGone(i64),
    /// All bouncers, read again.
    Bouncers(Vec<Bouncer>),
    /// All allowlists, read again.
    Allowlists(Allowlists),
}

impl Change {
    /// Returns the id of an added decision.
    pub(crate) fn added_decision(&self) -> Option<i64> {
        match self {
            Self::Decision(record) => Some(record.id),
            _ => None,
        }
    }
}

/// The read model; readers share it and never wait for the database.
#[derive(Debug, Default)]
pub struct Live {
    marks: Mutex<Marks>,
    decisions: RwLock<Decisions>,
    bouncers: RwLock<Bouncers>,
    allowlists: RwLock<Arc<Allowlists>>,
    following: AtomicBool,
}

/// Times in nanoseconds since 1970.
#[derive(Debug, Default)]
struct Marks {
    /// Highest time handed out, to writers or readers.
    highest: i64,
    /// Time of the commit under way.
    committing: Option<i64>,
}

impl Live {
    /// Announces a commit and returns its time: later than every watermark handed out so far.
    pub(crate) fn begin(&self, now: Timestamp) -> Timestamp {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let time = nanoseconds(now).max(marks.highest + 1);
        marks.highest = time;
        marks.committing = Some(time);
        crate::stamp::Stamp::from_nanoseconds(time).0
    }

    /// Takes over what the commit changed and lets the watermark move again.
    pub(crate) fn finish(&self, now: Timestamp, changes: Vec<Change>) {
        let time = nanoseconds(now);
        if !changes.is_empty() {
            self.apply(time, changes);
        }
        self.marks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .committing = None;
    }

    /// Returns the time up to which the read model is complete.
    pub fn watermark(&self, now: Timestamp) -> i64 {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = marks
            .committing
            .map_or_else(|| nanoseconds(now).max(marks.highest), |time| time - 1);
        marks.highest = marks.highest.max(mark);
        mark
    }

    fn apply(&self, time: i64, changes: Vec<Change>) {
        let mut decisions = self.decisions.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Decision(record) => decisions.put(*record, time),
                Change::Ended(id) => decisions.end(id, time),
                Change::Bouncer(bouncer) => self.edit_bouncers(|all| all.put(*bouncer)),
                Change::BouncerGone(id) => self.edit_bouncers(|all| all.remove(id)),
                Change::Bouncers(rows) => self.edit_bouncers(|all| all.replace(rows)),
                Change::Allowlists(lists) => {
                    *self.allowlists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
                }
            }
        }
        decisions.prune(time);
    }

    fn edit_bouncers(&self, edit: impl FnOnce(&mut Bouncers)) {
        edit(&mut self.bouncers.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets `look` read the decisions; it must be short, copies what it needs and does nothing else.
    pub fn decisions<T>(&self, look: impl FnOnce(&Decisions) -> T) -> T {
        look(&self.decisions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets `look` read the bouncers; the same rules hold.
    pub fn bouncers<T>(&self, look: impl FnOnce(&Bouncers) -> T) -> T {
        look(&self.bouncers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the allowlists as they are now.
    pub fn allowlists(&self) -> Arc<Allowlists> {
        Arc::clone(&self.allowlists.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers a pull: what began and ended since the cursor, up to the watermark it carries.
    pub fn pull(&self, filter: &Filter, since: Option<i64>, now: Timestamp) -> Pull {
        // The watermark is taken first: what is committed between the two is sent again next time, never missed.
        let watermark = self.watermark(now);
        self.decisions(|decisions| decisions.pull(filter, since, watermark, nanoseconds(now)))
    }

    pub(crate) fn is_following(&self) -> bool {
        self.following.load(Ordering::Acquire)
    }

    pub(crate) fn set_following(&self) {
        self.following.store(true, Ordering::Release);
    }
}
