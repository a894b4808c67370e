//! A log file that moves itself aside when it is full. Upstream: lumberjack.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock;
use crate::logging::{Error, Files};

/// An append-only file that is renamed at its size limit to `name-<local time>.log`.
#[derive(Debug)]
pub(crate) struct Rotating {
    files: Files,
    name: String,
    file: File,
    bytes: u64,
}

impl Rotating {
    pub(crate) fn open(files: &Files, name: &str) -> Result<Self, Error> {
        let path = files.folder.join(format!("{name}.log"));
        let open = || -> io::Result<(File, u64)> {
            fs::create_dir_all(&files.folder)?;
            let file = append(&path)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        let (file, bytes) = open().map_err(|cause| Error::Open {
            path: path.clone(),
            cause,
        })?;
        Ok(Self {
            files: files.clone(),
            name: name.to_owned(),
            file,
            bytes,
        })
    }

    fn path(&self) -> PathBuf {
        self.files.folder.join(format!("{}.log", self.name))
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        let stamp = now
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%dT%H-%M-%S.%3f")
            .to_string();
        let aside = self.files.folder.join(format!("{}-{stamp}.log", self.name));
        fs::rename(self.path(), &aside)?;
        self.file = append(&self.path())?;
        self.bytes = 0;
        if self.files.compress {
            compress(&aside)?;
        }
        self.prune(now)
    }

    /// Deletes rotated files that are too many or too old.
    fn prune(&self, now: Timestamp) -> io::Result<()> {
        let prefix = format!("{}-", self.name);
        let mut rotated = Vec::new();
        for entry in fs::read_dir(&self.files.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&prefix) && [".log", ".log.gz"].iter().any(|ending| name.ends_with(ending)) {
                rotated.push((name, entry.path(), entry.metadata()?.modified()?));
            }
        }
        // The stamp in the name sorts by age; newest first.
        rotated.sort_by(|one, other| other.0.cmp(&one.0));
        for (position, (_, path, modified)) in rotated.into_iter().enumerate() {
            let surplus = self.files.max_files > 0 && position >= self.files.max_files;
            let age = Timestamp::try_from(modified)
                .map_or(jiff::SignedDuration::ZERO, |then| now.duration_since(then));
            let old = self
                .files
                .max_age
                .is_some_and(|limit| age.unsigned_abs() > limit && age.is_positive());
            if surplus || old {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_all(buf)?;
        Ok(buf.len())
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        let length = buf.len() as u64;
        // A rotation that fails must not lose the line: the full file just grows on.
        let rotated = if self.bytes > 0 && self.bytes + length > self.files.max_bytes {
            self.rotate(clock::now())
        } else {
            Ok(())
        };
        self.file.write_all(buf)?;
        self.bytes += length;
        rotated
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

fn compress(path: &Path) -> io::Result<()> {
    let target = path.with_extension("log.gz");
    let mut source = File::open(path)?;
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&target)?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?;
    fs::remove_file(path)
}
