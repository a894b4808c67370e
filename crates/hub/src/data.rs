//! Data files of items: `data:` entries become files in the data folder.

use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::index::is_safe_relative;
use crate::source::{SourceError, Sources};

/// Why a data file is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The destination would leave the data folder.
    #[error("dest_file {dest:?} leaves the data folder")]
    UnsafePath {
        /// As written.
        dest: String,
    },
    /// It could not be had.
    #[error("while getting data: {0}")]
    Source(#[source] SourceError),
    /// It could not be written.
    #[error("cannot write {}: {}", path.display(), crate::state::io_text(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Brings the data files of one item's text into `data_dir` and returns the URLs of those that were written.
/// A file that is there stays, unless `refresh`; then it is replaced when it differs.
/// `before` is called with each URL before it is asked for.
pub fn fetch(
    document: &Document,
    item_hash: &str,
    data_dir: &Path,
    sources: &Sources<'_>,
    refresh: bool,
    before: &mut dyn FnMut(&str),
) -> Result<usize, Error> {
    let mut written = 0;
    for file in &document.data {
        if file.source_url.is_empty() || file.dest_file.is_empty() {
            continue;
        }
        let path = destination(data_dir, &file.dest_file)?;
        if path.exists() && !refresh {
            continue;
        }
        before(&file.source_url);
        let bytes = sources.data(&file.source_url, item_hash).map_err(Error::Source)?;
        if std::fs::read(&path).is_ok_and(|old| old == bytes) {
            continue;
        }
        write_atomic(&path, &bytes).map_err(|source| Error::Write { path, source })?;
        written += 1;
    }
    Ok(written)
}

/// Returns the path of a data file, refusing what leaves the folder.
pub fn destination(data_dir: &Path, dest: &str) -> Result<PathBuf, Error> {
    if is_safe_relative(dest) {
        Ok(data_dir.join(dest))
    } else {
        Err(Error::UnsafePath {
            dest: dest.to_owned(),
        })
    }
}

/// Writes a file so that a reader sees the old or the new content, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(name);
    std::fs::write(&temporary, bytes)?;
    let renamed = std::fs::rename(&temporary, path);
    if renamed.is_err() {
        // The rename's error is what matters; a left-over is only untidy.
        drop(std::fs::remove_file(&temporary));
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_stays_in_the_data_folder() {
        for (dest, allowed) in [
            ("a.txt", true),
            ("sub/a.txt", true),
            ("../a", false),
            ("/etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(destination(Path::new("/data"), dest).is_ok(), allowed, "{dest}");
        }
    }
}
