//! Reads a file once from its first byte to its last, plain or `.gz`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use arcstr::ArcStr;
use engine::RawLine;
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

use crate::acquire::cri::{JOINED_LIMIT, Joiner, Outcome, Partials};
use crate::acquire::file::lines::{Cut, LINE_LIMIT, Lines};
use crate::acquire::{Origin, Tally};

/// A file that is read once.
pub struct Cat {
    input: Box<dyn Read + Send>,
    origin: Origin,
    lines: Lines,
    joiner: Option<Joiner>,
    buffer: Vec<u8>,
    is_done: bool,
}

impl Cat {
    /// Opens `path`; its name decides whether it is decompressed, as upstream does.
    pub fn open(path: &Path, origin: Origin, max_line: Option<usize>, now: Timestamp) -> io::Result<Self> {
        let file = File::open(path)?;
        let input: Box<dyn Read + Send> = if path.extension().is_some_and(|extension| extension == "gz") {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let joiner = origin
            .joins_fragments
            .then(|| Joiner::new(&Partials::new(), JOINED_LIMIT, now));
        let lines = Lines::new(0, max_line.unwrap_or(LINE_LIMIT).max(1));
        Ok(Self {
            input,
            origin,
            lines,
            joiner,
            buffer: vec![0; 64 << 10],
            is_done: false,
        })
    }

    /// Reads one chunk; `false` once the file is done.
    pub fn read(&mut self, now: Timestamp, tally: &mut Tally, out: &mut Vec<RawLine>) -> io::Result<bool> {
        if self.is_done {
            return Ok(false);
        }
        let n = self.input.read(&mut self.buffer)?;
        let Self {
            origin,
            lines,
            joiner,
            buffer,
            ..
        } = self;
        let mut take = |cut: Cut<'_>| {
            tally.truncated += u64::from(cut.is_truncated);
            // Upstream: the scanner of cat mode strips a carriage return.
            let text = cut.text.strip_suffix('\r').unwrap_or(&cut.text);
            if let Some(text) = join(joiner, text, now) {
                out.push(line(origin, text, now));
            }
        };
        if n > 0 {
            lines.feed(buffer.get(..n).unwrap_or_default(), take);
            return Ok(true);
        }
        lines.close(&mut take);
        self.is_done = true;
        while let Some(joined) = self.joiner.as_mut().and_then(Joiner::close) {
            out.push(line(&self.origin, joined.line.into(), now));
        }
        Ok(true)
    }
}

fn join(joiner: &mut Option<Joiner>, text: &str, now: Timestamp) -> Option<ArcStr> {
    match joiner.as_mut().map(|joiner| joiner.take(text, now)) {
        Some(Outcome::Waits) => None,
        Some(Outcome::Joined(joined)) => Some(joined.line.into()),
        Some(Outcome::Whole) | None => (!text.is_empty()).then(|| text.into()),
    }
}

fn line(origin: &Origin, text: ArcStr, now: Timestamp) -> RawLine {
    RawLine {
        text: text.into(),
        source: std::sync::Arc::clone(&origin.source),
        labels: std::sync::Arc::clone(&origin.labels),
        module: origin.module,
        at: now,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use super::*;
    use crate::acquire::Entry;
    use crate::acquire::file::identity::Prefix;

    fn read(path: &Path, kind: &str) -> Vec<String> {
        let labels = BTreeMap::from([("type".to_owned(), kind.to_owned())]);
        let entry = Entry::one_shot(path, labels, None);
        let mut cat = Cat::open(
            path,
            entry.origin(path, &Prefix::default()),
            None,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        let mut lines = Vec::new();
        while cat
            .read(Timestamp::UNIX_EPOCH, &mut Tally::default(), &mut lines)
            .unwrap()
        {}
        lines.into_iter().map(|line| line.text.to_string()).collect()
    }

    #[test]
    fn a_file_is_read_to_its_last_line_with_or_without_newline() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        std::fs::write(&path, "one\r\n\ntwo\nthree").unwrap();
        assert_eq!(read(&path, "syslog"), ["one", "two", "three"]);
    }

    #[test]
    fn a_compressed_file_reads_like_a_plain_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log.gz");
        let mut encoder =
            flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        encoder.write_all(b"one\ntwo\n").unwrap();
        encoder.finish().unwrap();
        assert_eq!(read(&path, "syslog"), ["one", "two"]);
    }

    #[test]
    fn container_fragments_are_joined_here_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let text = "2026-01-01T00:00:00Z stdout P a\n2026-01-01T00:00:01Z stdout F b\n2026-01-01T00:00:02Z stdout P c\n";
        std::fs::write(&path, text).unwrap();
        assert_eq!(
            read(&path, "containerd"),
            [
                "2026-01-01T00:00:00Z stdout F ab",
                "2026-01-01T00:00:02Z stdout F c"
            ]
        );
    }
}
