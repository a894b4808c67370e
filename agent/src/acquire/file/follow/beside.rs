//! What lies beside a log file: rotated files and copies of it, told by name and content.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::acquire::COMPRESSED;
use crate::acquire::file::identity::{Fingerprint, Node, Prefix};
use crate::acquire::file::tail::{CHUNK, Tail};
use crate::checkpoint::Position;

/// Returns where the last line of the file begins that may still be growing.
pub(super) fn last_line_start(file: &File, size: u64) -> io::Result<u64> {
    let from = size.saturating_sub(CHUNK as u64);
    let mut bytes = Vec::new();
    let mut reader = file;
    reader.seek(SeekFrom::Start(from))?;
    reader.take(size - from).read_to_end(&mut bytes)?;
    let newline = bytes.iter().rposition(|byte| *byte == b'\n');
    Ok(newline.map_or(if from == 0 { 0 } else { size }, |at| from + at as u64 + 1))
}

/// Tells whether the file at `path` was made from a followed one by `copytruncate`, which has not truncated yet.
pub(super) fn is_copy(original: &Tail, path: &Path, prefix: &Prefix) -> bool {
    let seen = original.prefix();
    !seen.is_empty() && seen.grew_into(prefix) && is_rotated_name(&original.path, path)
}

/// Tells whether `candidate` is what log rotation calls an older `original`: `x.log.1`, `x.log-20260101`, `x-1.log`.
fn is_rotated_name(original: &Path, candidate: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (Some(old), Some(new)) = (name(original), name(candidate)) else {
        return false;
    };
    if original.parent() != candidate.parent() || old == new {
        return false;
    }
    let stem = old.split('.').next().unwrap_or_default();
    new.starts_with(&old)
        || new.strip_prefix(stem).is_some_and(|rest| {
            let mut chars = rest.chars();
            chars.next().is_some_and(|c| "-._".contains(c))
                && chars.next().is_some_and(|c| c.is_ascii_digit())
        })
}

/// Looks beside a file for a copy that still has its old content (`copytruncate`).
pub(super) fn copy_of(path: &Path, content: &Fingerprint, offset: u64, taken: &[Node]) -> Option<PathBuf> {
    if content.len == 0 {
        return None;
    }
    siblings(path).into_iter().find(|sibling| {
        File::open(sibling).is_ok_and(|file| {
            let is_new = file
                .metadata()
                .is_ok_and(|m| m.len() >= offset && !taken.contains(&Node::of(&m)));
            is_new && Prefix::read(&file).is_ok_and(|prefix| prefix.can_be(content))
        })
    })
}

/// Looks beside the old path for the file itself (rotation by rename).
pub(super) fn moved_to(position: &Position) -> Option<PathBuf> {
    let real = position
        .path
        .canonicalize()
        .unwrap_or_else(|_| position.path.clone());
    let mut folders: Vec<&Path> = [position.path.parent(), real.parent()]
        .into_iter()
        .flatten()
        .collect();
    folders.dedup();
    folders.into_iter().flat_map(listed).find(|path| {
        path.metadata()
            .is_ok_and(|found| Node::of(&found) == position.node)
            && File::open(path)
                .and_then(|file| Prefix::read(&file))
                .is_ok_and(|prefix| prefix.can_be(&position.fingerprint))
    })
}

/// Lists what the kubelet rotated after `moved`, oldest first: `0.log.<time>`, the time in a form that sorts.
pub(super) fn later_rotations(moved: &Path, original: &Path) -> Vec<PathBuf> {
    let is_text = |path: &Path| {
        let name = path.to_string_lossy();
        !COMPRESSED
            .iter()
            .chain([&".tmp"])
            .any(|suffix| name.ends_with(suffix))
    };
    let mut later = siblings(original);
    later.retain(|path| path.as_path() > moved && is_text(path));
    later
}

fn siblings(path: &Path) -> Vec<PathBuf> {
    let mut found = path.parent().map(listed).unwrap_or_default();
    found.retain(|sibling| is_rotated_name(path, sibling));
    found
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
