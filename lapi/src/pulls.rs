//! Cursors on their way to the database: the newest of each bouncer, written together once a second.
//!
//! The live model holds them already; losing the last second of them makes a bouncer hear things twice, never miss any.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::store::{Stamp, Store, StoreError, bouncers};

/// Pulls that are not stored yet, one a bouncer.
#[derive(Debug, Default)]
pub(crate) struct Pulls {
    pending: Mutex<BTreeMap<i64, i64>>,
}

impl Pulls {
    /// Notes a complete stream answer, up to its watermark.
    pub(crate) fn pulled(&self, bouncer: i64, watermark: i64) {
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(bouncer, watermark);
    }

    /// Notes that a bouncer without cursor asked for single decisions, so that it does not look dead.
    pub(crate) fn asked(&self, bouncer: i64, now: Timestamp) {
        let at = Stamp(now).nanoseconds();
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(bouncer)
            .or_insert(at);
    }

    /// Writes what is noted.
    pub(crate) async fn store(&self, store: &Store) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if pending.is_empty() {
            return Ok(());
        }
        store
            .write(move |tx| {
                Box::pin(async move {
                    for (id, at) in pending {
                        bouncers::set_last_pull(tx, id, Stamp::from_nanoseconds(at).0).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
