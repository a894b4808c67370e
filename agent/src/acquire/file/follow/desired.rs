//! Entries that come and go while the agent runs: the logs of pods.

use jiff::Timestamp;

use crate::acquire::file::follow::{EntryId, Follower, RESTLESS, Slot};
use crate::acquire::pods::Desired;
use crate::acquire::{Entry, Note};
use crate::checkpoint::Position;

/// Positions of files that are not read any more, or not yet; beyond that the oldest are forgotten.
const REMEMBERED: usize = 8192;

impl Follower {
    /// Follows from now on the logs of exactly these pods.
    ///
    /// A pod that is gone is read to its end. One that is not wanted any more is let go at once, and is gone on with,
    /// not begun anew, when it is wanted again.
    pub fn update(&mut self, desired: Desired, now: Timestamp) -> Vec<Note> {
        let Desired {
            mut logs,
            pods,
            targets,
        } = desired;
        let mut notes = Vec::new();
        let known: Vec<_> = self.pods.iter().map(|(key, id)| (key.clone(), *id)).collect();
        for (key, id) in known {
            let Some(slot) = self.slots.get_mut(&id) else {
                continue;
            };
            let wanted = logs.get(&key);
            if wanted.is_some() && wanted == slot.entry.pod.as_deref() {
                slot.is_leaving = false;
                logs.remove(&key);
            } else if wanted.is_none() && targets.contains(&key.0) && !pods.contains(&key.1) {
                self.leave(id, now, &mut notes);
            } else {
                self.drop_entry(id, &mut notes);
            }
        }
        for (key, logs) in logs {
            let id = self.add(Entry::of_pod(logs), now.saturating_add(RESTLESS).unwrap_or(now));
            self.pods.insert(key, id);
            self.stale.insert(id);
        }
        notes
    }

    pub(super) fn add(&mut self, entry: Entry, restless_until: Timestamp) -> EntryId {
        let id = self.next_entry;
        self.next_entry += 1;
        for name in entry.names() {
            self.register.begin(&name, entry.kind());
        }
        self.slots.insert(
            id,
            Slot {
                entry,
                restless_until,
                is_leaving: false,
            },
        );
        id
    }

    pub(super) fn remove_entry(&mut self, id: EntryId) {
        self.slots.remove(&id);
        self.stale.remove(&id);
        self.pods.retain(|_, known| *known != id);
    }

    /// Keeps the position of a file that is not read now.
    pub(super) fn remember(&mut self, position: Position) {
        if self.resume.positions.len() >= REMEMBERED {
            self.resume.positions.remove(0);
        }
        self.resume.positions.push(position);
    }

    /// The pod is gone: looks a last time for files, then reads what there is to its end.
    fn leave(&mut self, id: EntryId, now: Timestamp, notes: &mut Vec<Note>) {
        if self.slots.get(&id).is_none_or(|slot| slot.is_leaving) {
            return;
        }
        self.look(id, now, notes);
        let files = self.files_of(id);
        if files.is_empty() {
            return self.remove_entry(id);
        }
        for file in files {
            if let Some(followed) = self.tails.get_mut(&file) {
                (followed.has_path, followed.has_successor) = (false, true);
            }
        }
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.is_leaving = true;
        }
    }

    fn drop_entry(&mut self, id: EntryId, notes: &mut Vec<Note>) {
        for file in self.files_of(id) {
            if let Some(followed) = self.forget(file) {
                self.remember(followed.tail.position());
                notes.push(Note::Closed(file));
            }
        }
        self.remove_entry(id);
    }
}
