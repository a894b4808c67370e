//! Cuts bytes into whole lines; a line without its newline waits, a line that is too long loses its end.

use std::borrow::Cow;

/// Longest line that is kept, in bytes; told by `docs/compatibility.md`.
pub const LINE_LIMIT: usize = 64 << 10;

/// One line without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<'a> {
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: Cow<'a, str>,
    /// Offset of the byte after the newline.
    pub end: u64,
    /// Whether the end of the line was cut off.
    pub is_truncated: bool,
}

/// The state between two reads of one file.
#[derive(Debug, Clone)]
pub struct Lines {
    limit: usize,
    /// Offset of the first byte of `pending`: everything before it was given out.
    start: u64,
    /// The begun line, at most `limit` bytes of it.
    pending: Vec<u8>,
    /// Bytes of the begun line that were dropped.
    dropped: u64,
}

impl Lines {
    /// Begins at `offset`, the start of a line.
    pub fn new(offset: u64, limit: usize) -> Self {
        Self {
            limit,
            start: offset,
            pending: Vec::new(),
            dropped: 0,
        }
    }

    /// Returns the offset up to which whole lines were given out.
    pub fn given(&self) -> u64 {
        self.start
    }

    /// Returns the offset of the next byte to read.
    pub fn next_read(&self) -> u64 {
        self.start + self.pending.len() as u64 + self.dropped
    }

    /// Takes the next bytes of the file and gives each line that is now whole to `take`; empty lines are skipped.
    pub fn feed(&mut self, mut bytes: &[u8], mut take: impl FnMut(Cut<'_>)) {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(at);
            self.finish(line, 1, &mut take);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes);
    }

    /// Gives out the begun line although no newline came: the file is complete.
    pub fn close(&mut self, mut take: impl FnMut(Cut<'_>)) {
        self.finish(&[], 0, &mut take);
    }

    fn finish(&mut self, line: &[u8], newline: u64, take: &mut impl FnMut(Cut<'_>)) {
        let (bytes, total): (Cow<'_, [u8]>, u64) = if self.pending.is_empty() && line.len() <= self.limit {
            (Cow::Borrowed(line), line.len() as u64)
        } else {
            self.keep(line);
            let total = self.pending.len() as u64 + self.dropped;
            (Cow::Owned(std::mem::take(&mut self.pending)), total)
        };
        let is_truncated = std::mem::take(&mut self.dropped) > 0;
        self.start += total + newline;
        if !bytes.is_empty() {
            take(Cut {
                text: String::from_utf8_lossy(&bytes),
                end: self.start,
                is_truncated,
            });
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.limit - self.pending.len();
        let (kept, lost) = bytes.split_at(room.min(bytes.len()));
        self.pending.extend_from_slice(kept);
        self.dropped += lost.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&[u8]], limit: usize) -> (Vec<(String, u64, bool)>, Lines) {
        let mut lines = Lines::new(100, limit);
        let mut out = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, |cut| {
                out.push((cut.text.into_owned(), cut.end, cut.is_truncated));
            });
        }
        (out, lines)
    }

    #[test]
    fn the_same_bytes_give_the_same_lines_however_they_are_split() {
        let text = b"one\n\ntwo words\r\n\xff\xfe\nlonger than eight\nlast";
        let (whole, _) = cut(&[text], 8);
        let expected = [
            ("one", 104, false),
            ("two word", 116, true),
            ("\u{fffd}\u{fffd}", 119, false),
        ];
        for (line, (text, end, is_truncated)) in whole.iter().zip(expected) {
            assert_eq!((line.0.as_str(), line.1, line.2), (text, end, is_truncated));
        }
        for at in 0..text.len() {
            let (a, b) = text.split_at(at);
            let (parts, lines) = cut(&[a, b], 8);
            assert_eq!(parts, whole, "split at {at}");
            assert_eq!(lines.next_read(), 100 + text.len() as u64);
            assert_eq!(lines.given(), 100 + text.len() as u64 - 4);
        }
    }

    #[test]
    fn a_line_waits_for_its_newline_unless_the_file_is_complete() {
        let (out, mut lines) = cut(&[b"a\nb"], 8);
        assert_eq!(out, [("a".to_owned(), 102, false)]);
        let mut last = Vec::new();
        lines.close(|cut| last.push((cut.text.into_owned(), cut.end)));
        assert_eq!(last, [("b".to_owned(), 103)]);
        lines.close(|_| panic!("nothing is left"));
    }

    #[test]
    fn an_endless_line_costs_its_limit() {
        let mut lines = Lines::new(0, 16);
        for _ in 0..1000 {
            lines.feed(&[b'x'; 100], |_| panic!("no line yet"));
            assert!(lines.pending.capacity() <= 64);
        }
        let mut out = Vec::new();
        lines.feed(b"\nnext\n", |cut| {
            out.push((cut.text.into_owned(), cut.end, cut.is_truncated));
        });
        assert_eq!(
            out,
            [
                ("x".repeat(16), 100_001, true),
                ("next".to_owned(), 100_006, false)
            ]
        );
    }
}
