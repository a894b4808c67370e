//! Alerts that were raised and are not yet known to be stored: a bounded file that survives a crash.
//!
//! An alert is on disk before the position of its lines counts as done. Positions go into the same record, so that
//! after a crash the lines of recorded alerts only rebuild buckets. `push` empties it; the writer thread fills it.

pub mod log;
pub mod seal;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::outbox::log::{Cut, Entry, Header, MAGIC};
use crate::outbox::seal::Sealed;

/// Name of the file in the state folder.
const NAME: &str = "outbox.log";

/// A file below this is never worth rewriting.
const COMPACT_ABOVE: u64 = 1 << 20;

/// Groups remembered since the last checkpoint at most; more means that checkpoints fail.
const RECENT: usize = 100_000;

/// Default bound of the undelivered alerts, in bytes.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// The undelivered alerts. All calls that touch the file block.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    file: File,
    /// Length of the good part of the file.
    length: u64,
    limit: u64,
    pending: BTreeMap<u64, Pending>,
    in_flight: BTreeSet<u64>,
    pending_bytes: u64,
    next_id: u64,
    next_group: u64,
    recent: Vec<Recent>,
    counts: Counts,
    /// Whether the last write failed.
    is_degraded: bool,
}

/// A group after the last checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// Its number.
    pub group: u64,
    /// How far its lines were done.
    pub cut: Option<Cut>,
    /// Identities of its alerts.
    pub identities: Vec<String>,
}

#[derive(Debug)]
struct Pending {
    entry: Entry,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Disk(u64),
    /// The disk did not take it; it waits for the next attempt.
    Memory(Vec<u8>),
}

/// What happened to alerts; each one ends in exactly one of them or is pending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken in.
    pub accepted: u64,
    /// Done with: stored, or refused for good and kept in the dead-letter file.
    pub finished: u64,
    /// Given up because the outbox was full.
    pub dropped: u64,
}

/// What the outbox looks like at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// See [`Counts`].
    pub counts: Counts,
    /// Undelivered alerts.
    pub pending: usize,
    /// Their bytes.
    pub pending_bytes: u64,
    /// Whether alerts are held in memory because the disk takes nothing.
    pub is_degraded: bool,
}

/// An alert as the pusher takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its number.
    pub id: u64,
    /// Its content key.
    pub key: String,
    /// Its JSON.
    pub body: Vec<u8>,
}

/// The outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened, read or written.
    #[error("unable to use {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process holds it.
    #[error("{path} is in use by another process; stop it or give each agent a data_dir of its own")]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

impl Outbox {
    /// Opens the outbox of `dir`. What follows a damaged record is cut off, with a warning.
    ///
    /// `checkpoint` is the last group that the checkpoint contains; the later ones come back for the replay.
    pub fn open(dir: &Path, limit: u64, checkpoint: u64) -> Result<(Self, Vec<Recent>), Error> {
        let path = dir.join(NAME);
        let failed = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let mut file = open_locked(&path)?;
        let total = file.metadata().map_err(failed)?.len();
        let (records, good) = log::scan(&mut file).map_err(failed)?;
        if good < total {
            tracing::warn!(
                file = %path.display(),
                good_bytes = good,
                lost_bytes = total - good,
                "outbox is damaged and cut off at the last whole record"
            );
        }
        let mut inner = Inner {
            dir: dir.to_owned(),
            file,
            length: good,
            limit,
            pending: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            pending_bytes: 0,
            next_id: 1,
            next_group: checkpoint + 1,
            recent: Vec::new(),
            counts: Counts::default(),
            is_degraded: false,
        };
        for record in records {
            inner.load(record, checkpoint);
        }
        inner.start_file().map_err(failed)?;
        inner.counts.accepted = inner.pending.len() as u64;
        let recent = inner.recent.clone();
        Ok((
            Self {
                inner: Mutex::new(inner),
                filled: Notify::new(),
            },
            recent,
        ))
    }

    /// Records alerts and how far their lines are done; on return both are on disk, whole.
    ///
    /// # Errors
    /// When the disk takes nothing: the alerts are held in memory, within the same bound, and the lines must not
    /// count as done.
    pub fn append(&self, cut: Option<Cut>, alerts: Vec<Sealed>) -> io::Result<()> {
        let mut inner = self.lock();
        inner.counts.accepted += alerts.len() as u64;
        let result = inner.append(cut, alerts);
        inner.is_degraded = result.is_err();
        inner.make_room();
        drop(inner);
        self.filled.notify_one();
        result
    }

    /// Returns the number of the last group: what is recorded after it is not in a checkpoint taken now.
    ///
    /// # Errors
    /// When alerts are still held in memory only.
    pub fn barrier(&self) -> io::Result<u64> {
        let mut inner = self.lock();
        inner.rewrite_if(Inner::has_memory)?;
        Ok(inner.next_group - 1)
    }

    /// Forgets what a stored checkpoint contains, and rewrites a file that is mostly finished alerts.
    pub fn checkpointed(&self, group: u64) -> io::Result<()> {
        let mut inner = self.lock();
        inner.recent.retain(|recent| recent.group > group);
        inner.rewrite_if(|inner| inner.length > COMPACT_ABOVE && inner.length > 2 * inner.pending_bytes)
    }

    /// Takes the oldest alerts, at most `count` and (beyond the first) `bytes`. They stay until they are finished.
    pub fn take(&self, count: usize, bytes: usize) -> io::Result<Vec<Letter>> {
        let mut inner = self.lock();
        let mut letters = Vec::new();
        let mut total = 0;
        for (id, pending) in inner.pending.iter().take(count) {
            let body = match &pending.body {
                Body::Memory(body) => body.clone(),
                Body::Disk(at) => {
                    let mut body = vec![0; pending.entry.len as usize];
                    inner.file.read_exact_at(&mut body, *at)?;
                    body
                }
            };
            total += body.len();
            if total > bytes && !letters.is_empty() {
                break;
            }
            letters.push(Letter {
                id: *id,
                key: pending.entry.key.clone(),
                body,
            });
        }
        inner.in_flight = letters.iter().map(|letter| letter.id).collect();
        Ok(letters)
    }

    /// Says that alerts are done with. Not synced: if a crash undoes it they are sent again, under the same keys.
    pub fn finish(&self, ids: &[u64]) -> io::Result<()> {
        let mut inner = self.lock();
        for id in ids {
            if inner.remove(*id) {
                inner.counts.finished += 1;
            }
            inner.in_flight.remove(id);
        }
        inner
            .write(
                &Header {
                    done: ids.to_vec(),
                    ..Header::default()
                },
                &[],
            )
            .map(drop)
    }

    /// Returns once there is something to take.
    pub async fn wait(&self) {
        while self.lock().pending.is_empty() {
            self.filled.notified().await;
        }
    }

    /// Returns what the outbox looks like.
    pub fn state(&self) -> State {
        let inner = self.lock();
        State {
            counts: inner.counts,
            pending: inner.pending.len(),
            pending_bytes: inner.pending_bytes,
            is_degraded: inner.is_degraded,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn load(&mut self, record: log::Record, checkpoint: u64) {
        let log::Record { header, bodies_at } = record;
        let Header {
            group,
            cut,
            alerts,
            mut identities,
            done,
        } = header;
        let mut at = bodies_at;
        for entry in alerts {
            identities.push(entry.identity.clone());
            self.next_id = self.next_id.max(entry.id + 1);
            let (len, body) = (u64::from(entry.len), Body::Disk(at));
            at += len;
            self.pending_bytes += len;
            self.pending.insert(entry.id, Pending { entry, body });
        }
        for id in done {
            self.next_id = self.next_id.max(id + 1);
            self.remove(id);
        }
        self.next_group = self.next_group.max(group + 1);
        if group > checkpoint {
            self.recent.push(Recent {
                group,
                cut,
                identities,
            });
        }
    }

    /// Makes the file end where its good part ends, with the magic at its start.
    fn start_file(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        if self.length == 0 {
            self.file.write_all(MAGIC)?;
            self.length = MAGIC.len() as u64;
        }
        self.file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    fn append(&mut self, cut: Option<Cut>, alerts: Vec<Sealed>) -> io::Result<()> {
        let group = self.next_group;
        let (mut entries, mut bodies) = (Vec::new(), Vec::new());
        for Sealed {
            key,
            identity,
            remediation,
            body,
        } in alerts
        {
            let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
            entries.push(Entry {
                id: self.next_id,
                key,
                identity,
                remediation,
                len,
            });
            bodies.push(body);
            self.next_id += 1;
        }
        let identities = entries.iter().map(|entry| entry.identity.clone()).collect();
        let header = Header {
            group,
            cut,
            alerts: entries,
            ..Header::default()
        };
        let views: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let written = self
            .rewrite_if(Self::has_memory)
            .and_then(|()| self.write(&header, &views))
            .and_then(|at| self.file.sync_data().map(|()| at));
        let mut at = written.as_ref().ok().copied();
        for (entry, bytes) in header.alerts.into_iter().zip(bodies) {
            let len = bytes.len() as u64;
            let body = match &mut at {
                Some(at) => {
                    let body = Body::Disk(*at);
                    *at += len;
                    body
                }
                None => Body::Memory(bytes),
            };
            self.pending_bytes += len;
            self.pending.insert(entry.id, Pending { entry, body });
        }
        written?;
        self.next_group += 1;
        if self.recent.len() >= RECENT {
            self.recent.remove(0);
        }
        self.recent.push(Recent {
            group,
            cut: header.cut,
            identities,
        });
        Ok(())
    }

    /// Appends a record; returns where its alerts begin. A half-written one is cut off again.
    fn write(&mut self, header: &Header, bodies: &[&[u8]]) -> io::Result<u64> {
        let (bytes, bodies_at) = log::encode(header, bodies)?;
        if let Err(error) = self.file.write_all(&bytes) {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        let at = self.length + bodies_at;
        self.length += bytes.len() as u64;
        Ok(at)
    }

    fn has_memory(&self) -> bool {
        self.is_degraded
            && self
                .pending
                .values()
                .any(|pending| matches!(pending.body, Body::Memory(_)))
    }

    /// Writes the file anew with what is still needed: undelivered alerts and the groups since the checkpoint.
    fn rewrite_if(&mut self, is_needed: impl Fn(&Self) -> bool) -> io::Result<()> {
        if !is_needed(self) {
            return Ok(());
        }
        let path = self.dir.join(NAME);
        let temporary = path.with_extension("tmp");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        file.try_lock().map_err(io::Error::other)?;
        file.write_all(MAGIC)?;
        let mut length = MAGIC.len() as u64;
        for Recent {
            group,
            cut,
            identities,
        } in &self.recent
        {
            let header = Header {
                group: *group,
                cut: cut.clone(),
                identities: identities.clone(),
                ..Header::default()
            };
            let (bytes, _) = log::encode(&header, &[])?;
            file.write_all(&bytes)?;
            length += bytes.len() as u64;
        }
        let mut places = BTreeMap::new();
        for (id, pending) in &self.pending {
            let body = match &pending.body {
                Body::Memory(body) => body.clone(),
                Body::Disk(at) => {
                    let mut body = vec![0; pending.entry.len as usize];
                    self.file.read_exact_at(&mut body, *at)?;
                    body
                }
            };
            // Group 0 is older than any checkpoint: only the alert counts, its lines are settled above.
            let header = Header {
                alerts: vec![pending.entry.clone()],
                ..Header::default()
            };
            let (bytes, bodies_at) = log::encode(&header, &[&body])?;
            file.write_all(&bytes)?;
            places.insert(*id, length + bodies_at);
            length += bytes.len() as u64;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        File::open(&self.dir)?.sync_all()?;
        for (id, at) in places {
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.body = Body::Disk(at);
            }
        }
        self.file = file;
        self.length = length;
        Ok(())
    }

    fn remove(&mut self, id: u64) -> bool {
        let Some(pending) = self.pending.remove(&id) else {
            return false;
        };
        self.pending_bytes -= u64::from(pending.entry.len);
        true
    }

    /// Drops the oldest alerts that ask for no remediation, then the oldest of all, until the bound holds.
    fn make_room(&mut self) {
        let mut lost = Vec::new();
        while self.pending_bytes > self.limit {
            let mut free = self.pending.iter().filter(|(id, _)| !self.in_flight.contains(id));
            let oldest = free
                .clone()
                .find(|(_, p)| !p.entry.remediation)
                .or_else(|| free.next());
            let Some(id) = oldest.map(|(id, _)| *id) else {
                break;
            };
            self.remove(id);
            lost.push(id);
        }
        if lost.is_empty() {
            return;
        }
        self.counts.dropped += lost.len() as u64;
        tracing::warn!(
            alerts = lost.len(),
            limit_bytes = self.limit,
            "outbox is full; oldest alerts are dropped"
        );
        if let Err(error) = self.write(
            &Header {
                done: lost,
                ..Header::default()
            },
            &[],
        ) {
            tracing::warn!(%error, "outbox cannot be written");
        }
    }
}

fn open_locked(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests;
