//! Which files are followed and from where: patterns are looked up again and again, identities decide.
//!
//! A path that leads to another file than before is a rotation: the old file is drained, the new one read from its
//! first byte. A file that lost its content is begun anew, after the rest of its copy, when there is one, was read.

mod beside;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::acquire::file::follow::beside::{copy_of, is_copy, last_line_start, moved_to};
use crate::acquire::file::glob;
use crate::acquire::file::identity::{Node, Prefix};
use crate::acquire::file::tail::{CHUNK, Standing, Start, Tail};
use crate::acquire::{Batch, Entry, FileId, Note, Tally};
use crate::checkpoint::Position;

/// A file that lost its path is read on until it was quiet for so long and has a successor or no name.
const DRAIN_IDLE: SignedDuration = SignedDuration::from_secs(10);

/// The same when it has neither: its writer may still reopen late.
const DRAIN_LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// Paths remembered as refused; beyond that a refusal is neither counted nor logged.
const REFUSED: usize = 4096;

/// Suffixes of rotated files that are no text.
const COMPRESSED: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"];

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

/// All followed files.
#[derive(Debug)]
pub struct Follower {
    entries: Vec<Entry>,
    tails: BTreeMap<FileId, Followed>,
    next_id: FileId,
    resume: Resume,
    is_first_look: bool,
    /// Paths that could not be opened, so that each is reported once.
    refused: BTreeSet<PathBuf>,
    buffer: Vec<u8>,
    /// Time of the last line: no two have the same, so that what begins with them can be told apart.
    last_at: Timestamp,
    /// Counts so far.
    pub tally: Tally,
}

#[derive(Debug)]
struct Followed {
    tail: Tail,
    entry: usize,
    /// Whether a pattern still leads to it.
    has_path: bool,
    /// Whether another file took its path.
    has_successor: bool,
}

impl Follower {
    /// Begins with what a restart knows; nothing is opened yet.
    pub fn new(entries: Vec<Entry>, resume: Resume) -> Self {
        Self {
            entries,
            tails: BTreeMap::new(),
            next_id: 0,
            resume,
            is_first_look: true,
            refused: BTreeSet::new(),
            buffer: vec![0; CHUNK],
            last_at: Timestamp::MIN,
            tally: Tally::default(),
        }
    }

    /// Returns how many files are open.
    pub fn open_files(&self) -> usize {
        self.tails.len()
    }

    /// Returns the folders in which something may appear.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let fixed = self
            .entries
            .iter()
            .flat_map(|entry| &entry.patterns)
            .map(|p| glob::fixed_folder(p));
        let real = self.tails.values().filter_map(|followed| {
            followed
                .tail
                .path
                .canonicalize()
                .ok()?
                .parent()
                .map(Path::to_owned)
        });
        fixed.chain(real).collect()
    }

    /// Looks the patterns up: opens new files, notices lost paths. The notes belong before any later line.
    pub fn discover(&mut self, now: Timestamp) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.is_first_look {
            // What was rotated away while we were down comes before its successor.
            self.reopen_moved(now, &mut notes);
        }
        for followed in self.tails.values_mut() {
            followed.has_path = false;
        }
        for index in 0..self.entries.len() {
            for path in self.matched(index) {
                self.meet(index, &path, now, &mut notes);
            }
        }
        let current: BTreeSet<PathBuf> = self
            .tails
            .values()
            .filter(|f| f.has_path)
            .map(|f| f.tail.path.clone())
            .collect();
        for followed in self.tails.values_mut().filter(|f| !f.has_path) {
            followed.has_successor |= current.contains(&followed.tail.path);
        }
        if self.is_first_look {
            self.is_first_look = false;
            self.resume.positions.clear();
            self.resume.patterns = self.entries.iter().flat_map(Entry::pattern_names).collect();
            notes.push(Note::Patterns(self.resume.patterns.iter().cloned().collect()));
        }
        notes
    }

    /// Reads a chunk of every file that has grown; the batches go to `send`. Tells whether there may be more.
    ///
    /// `send` returns false when the pipeline is gone; reading stops then.
    pub fn read(&mut self, now: Timestamp, send: &mut dyn FnMut(Batch) -> bool) -> bool {
        let mut is_more = false;
        let ids: Vec<FileId> = self.tails.keys().copied().collect();
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
                self.tails.remove(&id);
                batch.notes.push(Note::Closed(id));
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
            return false;
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
                !is_drained
            }
        }
    }

    fn matched(&self, index: usize) -> Vec<PathBuf> {
        let Some(entry) = self.entries.get(index) else {
            return Vec::new();
        };
        let found: BTreeSet<PathBuf> = entry
            .patterns
            .iter()
            .flat_map(|pattern| glob::expand(pattern))
            .collect();
        found
            .into_iter()
            .filter(|path| {
                let text = path.to_string_lossy();
                !entry.exclude.iter().any(|regex| regex.is_match(&text))
                    && !COMPRESSED.iter().any(|suffix| text.ends_with(suffix))
            })
            .collect()
    }

    /// A pattern leads to `path`: goes on with the file behind it, or opens it.
    fn meet(&mut self, index: usize, path: &Path, now: Timestamp, notes: &mut Vec<Note>) {
        // Through the link: container logs are links that change their target.
        let Ok(metadata) = path.metadata() else { return };
        if !metadata.is_file() {
            return;
        }
        let node = Node::of(&metadata);
        let known = self
            .tails
            .iter_mut()
            .find(|(_, f)| f.entry == index && f.tail.node == node);
        if let Some((id, followed)) = known {
            if !followed.has_path && followed.tail.path != path {
                path.clone_into(&mut followed.tail.path);
                notes.push(Note::Position(*id, followed.tail.position()));
            }
            followed.has_path = true;
            return;
        }
        match self.open(index, path, now, notes) {
            Ok(()) => {
                self.refused.remove(path);
            }
            Err(error) => {
                if self.refused.len() < REFUSED && self.refused.insert(path.to_owned()) {
                    self.tally.errors += 1;
                    tracing::warn!(file = %path.display(), %error, "file cannot be opened");
                }
            }
        }
    }

    /// Opens a file that was not followed yet, unless it is the copy of one that is.
    fn open(&mut self, index: usize, path: &Path, now: Timestamp, notes: &mut Vec<Note>) -> io::Result<()> {
        let Some(entry) = self.entries.get(index) else {
            return Ok(());
        };
        let origin = entry.origin(path);
        let file = File::open(path)?;
        let prefix = Prefix::read(&file)?;
        let metadata = file.metadata()?;
        let (node, size) = (Node::of(&metadata), metadata.len());
        if self
            .tails
            .values()
            .any(|f| f.entry == index && is_copy(&f.tail, path, &prefix))
        {
            return Ok(());
        }
        let stored = self
            .resume
            .positions
            .iter()
            .position(|p| p.node == node && p.label == origin.kind());
        let stored = stored.map(|at| self.resume.positions.swap_remove(at));
        let mut start = match stored {
            Some(position) if prefix.can_be(&position.fingerprint) && position.offset <= size => Start {
                offset: position.offset,
                partials: position.partials,
                replay: Vec::new(),
            },
            Some(position) => {
                self.tally.replaced += 1;
                let Position {
                    fingerprint,
                    offset,
                    partials,
                    ..
                } = position;
                if let Some(copy) = copy_of(path, &fingerprint, offset, &[node]) {
                    self.drain(
                        index,
                        &copy,
                        &Start {
                            offset,
                            partials,
                            replay: Vec::new(),
                        },
                        now,
                        notes,
                    );
                }
                Start::default()
            }
            None if self.is_first_look && !self.is_known_pattern(index) => Start {
                offset: last_line_start(&file, size)?,
                ..Start::default()
            },
            None => Start::default(),
        };
        start.replay = self.replay_of(node, origin.kind(), &prefix);
        let tail = Tail::new(self.next_id, path, file, origin, &start, now)?;
        tracing::info!(file = %path.display(), offset = start.offset, "file is followed");
        notes.push(self.follow(tail, index, true));
        Ok(())
    }

    fn follow(&mut self, tail: Tail, entry: usize, has_path: bool) -> Note {
        let id = self.next_id;
        self.next_id += 1;
        let position = tail.position();
        self.tails.insert(
            id,
            Followed {
                tail,
                entry,
                has_path,
                has_successor: false,
            },
        );
        Note::Position(id, position)
    }

    fn is_known_pattern(&self, index: usize) -> bool {
        let Some(entry) = self.entries.get(index) else {
            return false;
        };
        entry
            .pattern_names()
            .any(|name| self.resume.patterns.contains(&name))
    }

    fn replay_of(&self, node: Node, label: &str, prefix: &Prefix) -> Vec<(u64, Timestamp)> {
        let of_file = |position: &&Position| {
            position.node == node && position.label == label && prefix.can_be(&position.fingerprint)
        };
        self.resume
            .cuts
            .iter()
            .filter_map(|(at, positions)| positions.iter().find(of_file).map(|p| (p.offset, *at)))
            .collect()
    }

    /// Opens files of the checkpoint that no longer have their path, to read what was written after it.
    fn reopen_moved(&mut self, now: Timestamp, notes: &mut Vec<Note>) {
        let positions = std::mem::take(&mut self.resume.positions);
        for position in positions {
            let is_in_place = position
                .path
                .metadata()
                .is_ok_and(|found| Node::of(&found) == position.node);
            let matched = (0..self.entries.len()).find(|index| {
                self.entries
                    .get(*index)
                    .is_some_and(|e| e.origin(&position.path).kind() == position.label)
            });
            let Some(index) = matched else { continue };
            if is_in_place {
                self.resume.positions.push(position);
                continue;
            }
            let Some(moved) = moved_to(&position) else {
                tracing::warn!(file = %position.path.display(), "file is gone; what was not read of it is lost");
                continue;
            };
            let is_matched = (0..self.entries.len()).any(|i| self.matched(i).contains(&moved));
            if is_matched {
                self.resume.positions.push(Position {
                    path: moved,
                    ..position
                });
                continue;
            }
            let Some(entry) = self.entries.get(index) else {
                continue;
            };
            let origin = entry.origin(&position.path);
            let Ok(file) = File::open(&moved) else { continue };
            let Ok(prefix) = Prefix::read(&file) else { continue };
            let replay = self.replay_of(position.node, &position.label, &prefix);
            let start = Start {
                offset: position.offset,
                partials: position.partials,
                replay,
            };
            if let Ok(tail) = Tail::new(self.next_id, &position.path, file, origin, &start, now) {
                tracing::info!(file = %moved.display(), offset = start.offset, "rotated file is read to its end");
                notes.push(self.follow(tail, index, false));
            }
        }
    }

    /// The content of a followed file is another one: reads the rest from its copy, then the new content.
    fn begin_anew(&mut self, id: FileId, now: Timestamp, notes: &mut Vec<Note>) {
        let Some(followed) = self.tails.remove(&id) else {
            return;
        };
        let Followed {
            tail,
            entry,
            has_path,
            ..
        } = followed;
        self.tally.replaced += 1;
        let old = tail.position();
        let taken: Vec<Node> = self
            .tails
            .values()
            .map(|f| f.tail.node)
            .chain([tail.node])
            .collect();
        let Position {
            fingerprint,
            offset,
            partials,
            ..
        } = old;
        if let Some(copy) = copy_of(&tail.path, &fingerprint, offset, &taken) {
            self.drain(
                entry,
                &copy,
                &Start {
                    offset,
                    partials,
                    replay: Vec::new(),
                },
                now,
                notes,
            );
        }
        notes.push(Note::Closed(id));
        let path = tail.path;
        let Some(origin) = self.entries.get(entry).map(|e| e.origin(&path)) else {
            return;
        };
        tracing::info!(file = %path.display(), "file was truncated or replaced and is read from its start");
        let reopened = File::open(&path)
            .and_then(|file| Tail::new(self.next_id, &path, file, origin, &Start::default(), now));
        match reopened {
            Ok(tail) => notes.push(self.follow(tail, entry, has_path)),
            Err(error) => tracing::warn!(file = %path.display(), %error, "file cannot be opened"),
        }
    }

    fn drain(&mut self, entry: usize, copy: &Path, start: &Start, now: Timestamp, notes: &mut Vec<Note>) {
        let Some(origin) = self.entries.get(entry).map(|e| e.origin(copy)) else {
            return;
        };
        let opened =
            File::open(copy).and_then(|file| Tail::new(self.next_id, copy, file, origin, start, now));
        match opened {
            Ok(tail) => {
                tracing::info!(file = %copy.display(), offset = start.offset, "copy of a truncated file is read to its end");
                notes.push(self.follow(tail, entry, false));
            }
            Err(error) => {
                tracing::warn!(file = %copy.display(), %error, "copy of a truncated file cannot be opened");
            }
        }
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
