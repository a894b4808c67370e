//! Which files are followed and from where: patterns are looked up again and again, identities decide.
//!
//! A path that leads to another file than before is a rotation: the old file is drained, the new one read from its
//! first byte. A file that lost its content is begun anew, after the rest of its copy, when there is one, was read.

mod beside;
mod desired;
mod open;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::acquire::file::glob;
use crate::acquire::file::identity::Node;
use crate::acquire::file::tail::{CHUNK, Standing, Tail};
use crate::acquire::file::wake::Hints;
use crate::acquire::pods::Key;
use crate::acquire::{Batch, Entry, FileId, Note, POD_LABEL, Tally};
use crate::checkpoint::Position;
use crate::sources::Register;

/// A file that lost its path is read on until it was quiet for so long and has a successor or no name.
const DRAIN_IDLE: SignedDuration = SignedDuration::from_secs(10);

/// The same when it has neither: its writer may still reopen late.
const DRAIN_LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// Logs of pods are looked at this often without any hint.
const SWEEP: SignedDuration = SignedDuration::from_secs(5);

/// After a hint the folder of a pod is listed again and again for so long: files follow folders.
const RESTLESS: SignedDuration = SignedDuration::from_secs(10);

/// Paths remembered as refused; beyond that a refusal is neither counted nor logged.
const REFUSED: usize = 4096;

/// What a restart knows.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// See [`crate::checkpoint::Checkpoint`].
    pub positions: Vec<Position>,
    /// Patterns seen before; `None` at the very first start.
    pub patterns: BTreeSet<String>,
    /// Effects recorded after the checkpoint: positions and when they were reached, oldest first.
    pub cuts: Vec<(Timestamp, Vec<Position>)>,
}

/// Number of an entry in this process.
type EntryId = u32;

/// All followed files.
#[derive(Debug)]
pub struct Follower {
    slots: BTreeMap<EntryId, Slot>,
    next_entry: EntryId,
    /// Entries of pods.
    pods: BTreeMap<Key, EntryId>,
    tails: BTreeMap<FileId, Followed>,
    next_id: FileId,
    /// Which file of which entry is which.
    nodes: BTreeMap<(EntryId, Node), FileId>,
    /// Which files lie where.
    places: BTreeMap<PathBuf, BTreeSet<FileId>>,
    resume: Resume,
    is_first_look: bool,
    /// Paths that could not be opened, so that each is reported once: the source's name, and why.
    refused: BTreeMap<PathBuf, (String, String)>,
    /// Files that are looked at in the next round.
    awake: BTreeSet<FileId>,
    /// Entries of pods whose folders changed.
    stale: BTreeSet<EntryId>,
    /// Folders that are watched: nothing happens there without a hint.
    covered: BTreeSet<PathBuf>,
    swept_at: Timestamp,
    buffer: Vec<u8>,
    /// Time of the last line: no two have the same, so that what begins with them can be told apart.
    last_at: Timestamp,
    register: Register,
    /// Counts so far.
    pub tally: Tally,
}

/// An entry that is followed.
#[derive(Debug)]
struct Slot {
    entry: Entry,
    /// Looked up without a hint until then.
    restless_until: Timestamp,
    /// Its pod is gone: what is open is read to its end.
    is_leaving: bool,
}

#[derive(Debug)]
struct Followed {
    tail: Tail,
    entry: EntryId,
    /// Name of the source.
    name: String,
    /// Folder of the file itself, not of links to it.
    folder: PathBuf,
    /// Whether a pattern still leads to it.
    has_path: bool,
    /// Whether another file took its path.
    has_successor: bool,
}

impl Follower {
    /// Begins with what a restart knows; nothing is opened yet.
    pub fn new(entries: Vec<Entry>, resume: Resume, register: Register) -> Self {
        let mut follower = Self {
            slots: BTreeMap::new(),
            next_entry: 0,
            pods: BTreeMap::new(),
            tails: BTreeMap::new(),
            next_id: 0,
            nodes: BTreeMap::new(),
            places: BTreeMap::new(),
            resume,
            is_first_look: true,
            refused: BTreeMap::new(),
            awake: BTreeSet::new(),
            stale: BTreeSet::new(),
            covered: BTreeSet::new(),
            swept_at: Timestamp::MIN,
            buffer: vec![0; CHUNK],
            last_at: Timestamp::MIN,
            register,
            tally: Tally::default(),
        };
        for entry in entries {
            follower.add(entry, Timestamp::MIN);
        }
        follower
    }

    /// Returns how many files are open.
    pub fn open_files(&self) -> usize {
        self.tails.len()
    }

    /// Tells whether there is anything that no hint tells about.
    pub fn is_polling(&self) -> bool {
        !self.awake.is_empty() || self.slots.values().any(|slot| slot.entry.pod.is_none())
    }

    /// Returns the folders in which something may appear.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let entries = self.slots.values().filter(|slot| !slot.is_leaving);
        let fixed = entries.flat_map(|slot| match &slot.entry.pod {
            Some(logs) => vec![logs.folder.clone()],
            None => slot
                .entry
                .patterns
                .iter()
                .map(|p| glob::fixed_folder(p))
                .collect(),
        });
        fixed.chain(self.places.keys().cloned()).collect()
    }

    /// Says in which folders nothing happens without a hint.
    pub fn cover(&mut self, folders: &BTreeSet<PathBuf>) {
        // What happened before a folder was watched gave no hint.
        let new: Vec<PathBuf> = folders.difference(&self.covered).cloned().collect();
        self.stale.extend(
            self.slots
                .iter()
                .filter(|(_, slot)| {
                    slot.entry
                        .pod
                        .as_ref()
                        .is_some_and(|logs| new.contains(&logs.folder))
                })
                .map(|(id, _)| *id),
        );
        self.covered.clone_from(folders);
        self.awake.extend(self.tails.keys());
    }

    /// Takes what the watched folders say.
    pub fn hint(&mut self, hints: &Hints, now: Timestamp) {
        if hints.is_lost {
            self.swept_at = Timestamp::MIN;
        }
        if !hints.moved.is_empty() {
            for (id, slot) in &mut self.slots {
                let is_hinted = |logs: &Path| hints.moved.iter().any(|path| path.starts_with(logs));
                if slot
                    .entry
                    .pod
                    .as_ref()
                    .is_some_and(|logs| is_hinted(&logs.folder))
                {
                    self.stale.insert(*id);
                    slot.restless_until = now.saturating_add(RESTLESS).unwrap_or(now);
                }
            }
        }
        let folders: BTreeSet<&Path> = hints
            .grown
            .iter()
            .chain(&hints.moved)
            .filter_map(|path| path.parent())
            .collect();
        for folder in folders {
            self.awake.extend(self.places.get(folder).into_iter().flatten());
        }
    }

    /// Looks the patterns up: opens new files, notices lost paths. The notes belong before any later line.
    pub fn discover(&mut self, now: Timestamp) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.is_first_look {
            // What was rotated away while we were down comes before its successor.
            self.reopen_moved(now, &mut notes);
        }
        let is_sweep = now.duration_since(self.swept_at) >= SWEEP;
        if is_sweep {
            self.swept_at = now;
            self.awake.extend(self.tails.keys());
            self.refused.retain(|path, _| path.exists());
        }
        let due: Vec<EntryId> = self
            .slots
            .iter()
            .filter(|(id, slot)| !slot.is_leaving && (is_sweep || self.is_due(**id, slot, now)))
            .map(|(id, _)| *id)
            .collect();
        self.stale.clear();
        for id in due {
            self.look(id, now, &mut notes);
        }
        if self.is_first_look {
            self.is_first_look = false;
            // Pods may become known later.
            self.resume
                .positions
                .retain(|position| position.label.starts_with(POD_LABEL));
            self.resume.patterns = self
                .slots
                .values()
                .flat_map(|slot| slot.entry.pattern_names())
                .collect();
            notes.push(Note::Patterns(self.resume.patterns.iter().cloned().collect()));
        }
        self.tell_files();
        notes
    }

    fn is_due(&self, id: EntryId, slot: &Slot, now: Timestamp) -> bool {
        let Some(logs) = &slot.entry.pod else { return true };
        let root = logs.folder.parent().unwrap_or_else(|| Path::new("/"));
        now < slot.restless_until
            || self.stale.contains(&id)
            || !(self.covered.contains(&logs.folder) || self.covered.contains(root) && !logs.folder.exists())
    }

    /// Lists the files of an entry.
    fn look(&mut self, id: EntryId, now: Timestamp, notes: &mut Vec<Note>) {
        let Some(slot) = self.slots.get(&id) else { return };
        let files = slot.entry.files();
        for file in self.files_of(id) {
            if let Some(followed) = self.tails.get_mut(&file) {
                followed.has_path = false;
            }
        }
        for (path, name) in files {
            self.meet(id, &path, name, now, notes);
        }
        let files = self.files_of(id);
        let current: BTreeSet<PathBuf> = files
            .iter()
            .filter_map(|file| self.tails.get(file))
            .filter(|f| f.has_path)
            .map(|f| f.tail.path.clone())
            .collect();
        for file in files {
            if let Some(followed) = self.tails.get_mut(&file).filter(|f| !f.has_path) {
                followed.has_successor |= current.contains(&followed.tail.path);
            }
        }
    }

    fn files_of(&self, entry: EntryId) -> Vec<FileId> {
        let lowest = Node { dev: 0, ino: 0 };
        let highest = Node {
            dev: u64::MAX,
            ino: u64::MAX,
        };
        self.nodes
            .range((entry, lowest)..=(entry, highest))
            .map(|(_, file)| *file)
            .collect()
    }

    /// Reads a chunk of every file that has grown; the batches go to `send`. Tells whether there may be more.
    ///
    /// `send` returns false when the pipeline is gone; reading stops then.
    pub fn read(&mut self, now: Timestamp, send: &mut dyn FnMut(Batch) -> bool) -> bool {
        let mut is_more = false;
        let ids: Vec<FileId> = self.awake.iter().copied().collect();
        for id in ids {
            let mut batch = Batch::default();
            let is_open = self.turn(id, now, &mut batch, &mut is_more);
            for item in batch.items.iter_mut().filter(|item| !item.is_replay) {
                let next = self
                    .last_at
                    .saturating_add(SignedDuration::from_nanos(1))
                    .unwrap_or(now);
                self.last_at = next.max(item.line.at);
                item.line.at = self.last_at;
            }
            if !is_open {
                self.forget(id);
                batch.notes.push(Note::Closed(id));
                self.tell_files();
            }
            if (!batch.notes.is_empty() || !batch.items.is_empty()) && !send_split(batch, is_open, send) {
                return false;
            }
        }
        is_more
    }

    /// One turn of one file; `false` when it is done with.
    fn turn(&mut self, id: FileId, now: Timestamp, batch: &mut Batch, is_more: &mut bool) -> bool {
        let Some(followed) = self.tails.get_mut(&id) else {
            self.awake.remove(&id);
            return true;
        };
        let (standing, is_known_better) = match followed.tail.standing() {
            Ok(standing) => standing,
            Err(error) => {
                self.tally.errors += 1;
                tracing::warn!(file = %followed.tail.path.display(), %error, "file is given up");
                return false;
            }
        };
        if is_known_better {
            batch.notes.push(Note::Position(id, followed.tail.position()));
        }
        match standing {
            Standing::Replaced => {
                self.begin_anew(id, now, &mut batch.notes);
                *is_more = true;
                true
            }
            Standing::Grown => {
                match followed
                    .tail
                    .read(&mut self.buffer, now, &mut batch.items, &mut self.tally)
                {
                    Ok(n) => *is_more |= n > 0,
                    Err(error) => {
                        self.tally.errors += 1;
                        tracing::warn!(file = %followed.tail.path.display(), %error, "file cannot be read");
                    }
                }
                true
            }
            Standing::Idle => {
                followed.tail.expire(now, &mut batch.items, &mut self.tally);
                let is_drained = followed.is_drained(now);
                if is_drained {
                    followed.tail.close(now, &mut batch.items, &mut self.tally);
                }
                let of_pod = |slot: &Slot| slot.entry.pod.is_some();
                if self.slots.get(&followed.entry).is_some_and(of_pod)
                    && self.covered.contains(&followed.folder)
                {
                    self.awake.remove(&id);
                }
                !is_drained
            }
        }
    }

    /// Lets a file go; an entry whose pod is gone goes with its last one.
    fn forget(&mut self, id: FileId) -> Option<Followed> {
        self.awake.remove(&id);
        let followed = self.tails.remove(&id)?;
        self.nodes.remove(&(followed.entry, followed.tail.node));
        if let Some(files) = self.places.get_mut(&followed.folder) {
            files.remove(&id);
            if files.is_empty() {
                self.places.remove(&followed.folder);
            }
        }
        let is_leaving = self
            .slots
            .get(&followed.entry)
            .is_some_and(|slot| slot.is_leaving);
        if is_leaving && self.files_of(followed.entry).is_empty() {
            self.remove_entry(followed.entry);
        }
        Some(followed)
    }

    /// Tells the register how many files each source has, and which cannot be opened.
    fn tell_files(&self) {
        let mut files: BTreeMap<String, usize> = BTreeMap::new();
        for followed in self.tails.values() {
            *files.entry(followed.name.clone()).or_default() += 1;
        }
        self.register.set_files(&files);
        let refused = self.refused.iter().map(|(path, (name, error))| {
            (
                name.clone(),
                format!("{} cannot be opened: {error}", path.display()),
            )
        });
        self.register.set_refused(&refused.collect());
    }
}

impl Followed {
    fn is_drained(&self, now: Timestamp) -> bool {
        if self.has_path {
            return false;
        }
        let idle = now.duration_since(self.tail.active_at);
        idle >= DRAIN_LONGEST || (idle >= DRAIN_IDLE && (self.has_successor || !self.tail.is_linked()))
    }
}

/// A batch of one chunk is sent in pieces; notes come first, except that a file is closed after its last line.
fn send_split(batch: Batch, is_open: bool, send: &mut dyn FnMut(Batch) -> bool) -> bool {
    let Batch { mut notes, items } = batch;
    let last = if is_open { None } else { notes.pop() };
    let mut items = items.into_iter().peekable();
    while !notes.is_empty() || items.peek().is_some() {
        let piece = items.by_ref().take(crate::acquire::BATCH).collect();
        if !send(Batch {
            notes: std::mem::take(&mut notes),
            items: piece,
        }) {
            return false;
        }
    }
    last.is_none_or(|note| {
        send(Batch {
            notes: vec![note],
            items: Vec::new(),
        })
    })
}
