//! Opens files: from their first byte, from where they were left, or from their end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::acquire::file::follow::beside::{copy_of, is_copy, last_line_start, later_rotations, moved_to};
use crate::acquire::file::follow::{EntryId, Followed, Follower, REFUSED};
use crate::acquire::file::identity::{Node, Prefix};
use crate::acquire::file::tail::{Start, Tail};
use crate::acquire::{FileId, Note};
use crate::checkpoint::Position;

impl Follower {
    /// A pattern leads to `path`: goes on with the file behind it, or opens it.
    pub(super) fn meet(
        &mut self,
        entry: EntryId,
        path: &Path,
        name: usize,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        // Through the link: container logs are links that change their target.
        let Ok(metadata) = path.metadata() else { return };
        if !metadata.is_file() {
            return;
        }
        let node = Node::of(&metadata);
        let known = self.nodes.get(&(entry, node)).copied();
        if let Some((id, followed)) = known.and_then(|id| Some((id, self.tails.get_mut(&id)?))) {
            if !followed.has_path && followed.tail.path != path {
                path.clone_into(&mut followed.tail.path);
                notes.push(Note::Position(id, followed.tail.position()));
            }
            followed.has_path = true;
            return;
        }
        let name = self.name_of(entry, name);
        match self.open(entry, path, &name, now, notes) {
            Ok(()) => {
                self.refused.remove(path);
            }
            Err(error) => {
                let refusal = (name, error.to_string());
                if self.refused.len() < REFUSED && self.refused.insert(path.to_owned(), refusal).is_none() {
                    self.tally.errors += 1;
                    tracing::warn!(file = %path.display(), %error, "file cannot be opened");
                }
            }
        }
    }

    fn name_of(&self, entry: EntryId, number: usize) -> String {
        let names = self.slots.get(&entry).map(|slot| slot.entry.names());
        names
            .unwrap_or_default()
            .into_iter()
            .nth(number)
            .unwrap_or_default()
    }

    /// Opens a file that was not followed yet, unless it is the copy of one that is.
    fn open(
        &mut self,
        id: EntryId,
        path: &Path,
        name: &str,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) -> io::Result<()> {
        let Some(entry) = self.slots.get(&id).map(|slot| slot.entry.clone()) else {
            return Ok(());
        };
        let file = File::open(path)?;
        let prefix = Prefix::read(&file)?;
        let origin = entry.origin(path, &prefix);
        let metadata = file.metadata()?;
        let (node, size) = (Node::of(&metadata), metadata.len());
        let of_entry = self.files_of(id);
        let mut followed = of_entry.iter().filter_map(|file| self.tails.get(file));
        if followed.any(|f| is_copy(&f.tail, path, &prefix)) {
            return Ok(());
        }
        let stored = self
            .resume
            .positions
            .iter()
            .position(|p| p.node == node && *p.label == *origin.label);
        let stored = stored.map(|at| self.resume.positions.swap_remove(at));
        let is_old = match &entry.pod {
            Some(logs) => !logs.is_new(&metadata),
            None => self.is_first_look && !self.is_known_pattern(id),
        };
        let mut start = match stored {
            Some(position) if prefix.can_be(&position.fingerprint) && position.offset <= size => {
                Start::at(position)
            }
            Some(position) => {
                self.tally.replaced += 1;
                if let Some(copy) = copy_of(path, &position.fingerprint, position.offset, &[node]) {
                    self.drain((id, name), &copy, &Start::at(position), now, notes);
                }
                Start::default()
            }
            None if is_old => Start {
                offset: last_line_start(&file, size)?,
                ..Start::default()
            },
            None => Start::default(),
        };
        start.replay = self.replay_of(node, &origin.label, &prefix);
        let tail = Tail::new(self.next_id, path, file, origin, &start, now)?;
        tracing::info!(file = %path.display(), offset = start.offset, "file is followed");
        notes.push(self.follow(tail, (id, name), true));
        Ok(())
    }

    fn follow(&mut self, mut tail: Tail, (entry, name): (EntryId, &str), has_path: bool) -> Note {
        let id = self.next_id;
        self.next_id += 1;
        let kind = self.slots.get(&entry).map_or("", |slot| slot.entry.kind());
        tail.count_in(self.register.begin(name, kind));
        let position = tail.position();
        let real = tail.path.canonicalize().unwrap_or_else(|_| tail.path.clone());
        let folder = real.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        self.nodes.insert((entry, tail.node), id);
        self.places.entry(folder.clone()).or_default().insert(id);
        self.awake.insert(id);
        self.tails.insert(
            id,
            Followed {
                folder,
                name: name.to_owned(),
                tail,
                entry,
                has_path,
                has_successor: false,
            },
        );
        Note::Position(id, position)
    }

    fn is_known_pattern(&self, id: EntryId) -> bool {
        let mut names = self
            .slots
            .get(&id)
            .into_iter()
            .flat_map(|slot| slot.entry.pattern_names());
        names.any(|name| self.resume.patterns.contains(&name))
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
    pub(super) fn reopen_moved(&mut self, now: Timestamp, notes: &mut Vec<Note>) {
        let positions = std::mem::take(&mut self.resume.positions);
        let mut rotated: Vec<(PathBuf, EntryId, Position)> = Vec::new();
        let mut in_place = BTreeSet::new();
        for position in positions {
            let is_in_place = position
                .path
                .metadata()
                .is_ok_and(|found| Node::of(&found) == position.node);
            let matched = self.slots.iter().find(|(_, slot)| slot.entry.has_read(&position));
            let Some(id) = matched.map(|(id, _)| *id) else {
                // Its pod may become known later.
                self.remember(position);
                continue;
            };
            if is_in_place {
                in_place.insert(position.path.clone());
                self.resume.positions.push(position);
                continue;
            }
            let Some(moved) = moved_to(&position) else {
                tracing::warn!(file = %position.path.display(), "file is gone; what was not read of it is lost");
                continue;
            };
            let is_matched = |path: &Path| {
                let mut slots = self.slots.values();
                slots
                    .any(|slot| slot.entry.pod.is_none() && slot.entry.files().iter().any(|(p, _)| p == path))
            };
            if is_matched(&moved) {
                self.resume.positions.push(Position {
                    path: moved,
                    ..position
                });
                continue;
            }
            rotated.push((moved, id, position));
        }
        rotated.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut rotated = rotated.into_iter().peekable();
        while let Some((moved, id, position)) = rotated.next() {
            // Only after the one that was current can others have come and gone.
            let next = rotated.peek();
            let was_current = !in_place.contains(&position.path)
                && next.is_none_or(|(_, _, other)| other.path != position.path);
            self.reopen((id, was_current), &moved, position, now, notes);
        }
    }

    /// Reads on in a file that was rotated, and in those that were rotated after it, oldest first.
    fn reopen(
        &mut self,
        (id, was_current): (EntryId, bool),
        moved: &Path,
        position: Position,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        let is_pod = self.slots.get(&id).is_some_and(|slot| slot.entry.pod.is_some());
        let later = if is_pod && was_current {
            later_rotations(moved, &position.path)
        } else {
            Vec::new()
        };
        let name = self.name_of(id, 0);
        let (path, node, label) = (position.path.clone(), position.node, position.label.clone());
        let first = (moved.to_owned(), Start::at(position));
        let rest = later.into_iter().map(|path| (path, Start::default()));
        for (file_path, mut start) in std::iter::once(first).chain(rest) {
            let Some(slot) = self.slots.get(&id) else { return };
            let Ok(file) = File::open(&file_path) else {
                continue;
            };
            let Ok(prefix) = Prefix::read(&file) else { continue };
            start.replay = self.replay_of(node, &label, &prefix);
            let origin = slot.entry.origin(&path, &prefix);
            if let Ok(tail) = Tail::new(self.next_id, &path, file, origin, &start, now) {
                tracing::info!(file = %file_path.display(), offset = start.offset, "rotated file is read to its end");
                notes.push(self.follow(tail, (id, &name), false));
            }
        }
    }

    /// The content of a followed file is another one: reads the rest from its copy, then the new content.
    pub(super) fn begin_anew(&mut self, id: FileId, now: Timestamp, notes: &mut Vec<Note>) {
        let taken: Vec<Node> = self.tails.values().map(|f| f.tail.node).collect();
        let Some(followed) = self.forget(id) else { return };
        let Followed {
            tail,
            entry,
            name,
            has_path,
            ..
        } = followed;
        self.tally.replaced += 1;
        let old = tail.position();
        if let Some(copy) = copy_of(&tail.path, &old.fingerprint, old.offset, &taken) {
            self.drain((entry, &name), &copy, &Start::at(old), now, notes);
        }
        notes.push(Note::Closed(id));
        let path = tail.path;
        tracing::info!(file = %path.display(), "file was truncated or replaced and is read from its start");
        match self.tail_of(entry, &path, &Start::default(), now) {
            Ok(tail) => notes.push(self.follow(tail, (entry, &name), has_path)),
            Err(error) => tracing::warn!(file = %path.display(), %error, "file cannot be opened"),
        }
    }

    fn drain(
        &mut self,
        (entry, name): (EntryId, &str),
        copy: &Path,
        start: &Start,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        match self.tail_of(entry, copy, start, now) {
            Ok(tail) => {
                tracing::info!(file = %copy.display(), offset = start.offset, "copy of a truncated file is read to its end");
                notes.push(self.follow(tail, (entry, name), false));
            }
            Err(error) => {
                tracing::warn!(file = %copy.display(), %error, "copy of a truncated file cannot be opened");
            }
        }
    }

    fn tail_of(&self, entry: EntryId, path: &Path, start: &Start, now: Timestamp) -> io::Result<Tail> {
        let slot = self.slots.get(&entry).ok_or(io::ErrorKind::NotFound)?;
        let file = File::open(path)?;
        let origin = slot.entry.origin(path, &Prefix::read(&file)?);
        Tail::new(self.next_id, path, file, origin, start, now)
    }
}
