//! What pulling and answering share: the decisions, and how fresh they are.

use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::decisions::{Decisions, Verdict};

/// The decisions and when they were pulled last.
#[derive(Debug, Default)]
pub struct State {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    decisions: Decisions,
    pulled: Option<Instant>,
}

/// What is known of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// No decision is about it.
    Clean,
    /// One is.
    Refused(Verdict),
    /// The decisions are not known, or too old.
    Nothing,
}

impl State {
    /// Says what is known of an address.
    pub fn ask(&self, address: IpAddr, stale_after: Option<Duration>, now: Timestamp) -> Known {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = inner
            .pulled
            .is_some_and(|pulled| stale_after.is_none_or(|most| pulled.elapsed() <= most));
        if !is_fresh {
            return Known::Nothing;
        }
        inner
            .decisions
            .verdict(address, now)
            .map_or(Known::Clean, Known::Refused)
    }

    /// Changes the decisions after a complete answer; `begin` forgets the old ones.
    pub fn update(&self, begin: bool, change: impl FnOnce(&mut Decisions)) {
        // A new set is built beside the old one, so that nobody waits for a large first answer.
        let fresh = begin.then(Decisions::default);
        if let Some(mut fresh) = fresh {
            change(&mut fresh);
            let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
            inner.decisions = fresh;
            inner.pulled = Some(Instant::now());
            return;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut inner.decisions);
        inner.pulled = Some(Instant::now());
    }

    /// Reads the decisions.
    pub fn read<T>(&self, reader: impl FnOnce(&Decisions) -> T) -> T {
        reader(
            &self
                .inner
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .decisions,
        )
    }
}
