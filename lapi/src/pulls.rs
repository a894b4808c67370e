//! Cursors on their way to the database: the newest of each bouncer, written together once a second.
//!
//! The live model holds them already; losing the last second of them makes a bouncer hear things twice, never miss any.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::stamp::Stamp;
use crate::store::{Store, StoreError, bouncers};

/// How often a bouncer that asks for single decisions is noted. Upstream: the same minute.
const ASKED: i64 = 60_000_000_000;

/// Pulls that are not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Pulls {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Watermark of the last complete stream answer, by bouncer.
    pulled: BTreeMap<i64, i64>,
    /// Time of the last question for single decisions, by bouncer.
    asked: BTreeMap<i64, i64>,
    /// When such a question was last noted; one entry a bouncer.
    noted: BTreeMap<i64, i64>,
}

impl Pulls {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a complete stream answer, up to its watermark.
    pub(crate) fn pulled(&self, bouncer: i64, watermark: i64) {
        let mut state = self.state();
        state.asked.remove(&bouncer);
        state.pulled.insert(bouncer, watermark);
    }

    /// Notes that a bouncer without cursor asked for single decisions, so that it does not look dead.
    pub(crate) fn asked(&self, bouncer: i64, now: Timestamp) {
        let at = Stamp(now).nanoseconds();
        let mut state = self.state();
        if state.noted.get(&bouncer).is_none_or(|last| at - last >= ASKED) {
            state.noted.insert(bouncer, at);
            state.asked.insert(bouncer, at);
        }
    }

    /// Writes what is noted.
    pub(crate) async fn store(&self, store: &Store) -> Result<(), StoreError> {
        let (pulled, asked) = {
            let mut state = self.state();
            (
                std::mem::take(&mut state.pulled),
                std::mem::take(&mut state.asked),
            )
        };
        if pulled.is_empty() && asked.is_empty() {
            return Ok(());
        }
        store
            .write(move |tx| {
                Box::pin(async move {
                    for (id, at) in pulled {
                        bouncers::set_last_pull(tx, id, Stamp::from_nanoseconds(at).0).await?;
                    }
                    for (id, at) in asked {
                        bouncers::set_last_question(tx, id, Stamp::from_nanoseconds(at).0).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
