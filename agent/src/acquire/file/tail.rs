//! Reads one file as it grows, and notices when it was truncated or rewritten in place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arcstr::ArcStr;
use engine::RawLine;
use jiff::Timestamp;

use crate::acquire::cri::{JOINED_LIMIT, Joined, Joiner, Outcome, Partials};
use crate::acquire::file::identity::{Node, Prefix};
use crate::acquire::file::lines::{Cut, LINE_LIMIT, Lines};
use crate::acquire::{FileId, Item, Origin, Tally};
use crate::checkpoint::Position;
use crate::sources::Counts;

/// Bytes of one read: what one turn of one file may take.
pub const CHUNK: usize = 64 << 10;

/// A file that is followed.
#[derive(Debug)]
pub struct Tail {
    /// Where it was seen last.
    pub path: PathBuf,
    /// Which file it is.
    pub node: Node,
    /// When bytes were last read from it, or it was opened.
    pub active_at: Timestamp,
    marks: Marks,
    file: File,
    prefix: Prefix,
    lines: Lines,
    joiner: Option<Joiner>,
}

/// What every line of the file is marked with.
#[derive(Debug)]
struct Marks {
    id: FileId,
    origin: Origin,
    /// Lines up to these offsets have had their effect before a crash, at these times; ascending.
    replay: Vec<(u64, Timestamp)>,
    counts: Option<Arc<Counts>>,
}

/// How a file stands against what was read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has nothing new.
    Idle,
    /// It has grown.
    Grown,
    /// Its content is another one: truncated, or written anew.
    Replaced,
}

impl Tail {
    /// Follows an open file from `offset`.
    pub fn new(
        id: FileId,
        path: &Path,
        file: File,
        origin: Origin,
        start: &Start,
        now: Timestamp,
    ) -> io::Result<Self> {
        let node = Node::of(&file.metadata()?);
        let prefix = Prefix::read(&file)?;
        let joiner = origin
            .joins_fragments
            .then(|| Joiner::new(&start.partials, JOINED_LIMIT, now));
        Ok(Self {
            path: path.to_owned(),
            node,
            active_at: now,
            marks: Marks {
                id,
                origin,
                replay: start.replay.clone(),
                counts: None,
            },
            file,
            prefix,
            lines: Lines::new(start.offset, LINE_LIMIT),
            joiner,
        })
    }

    /// Counts its lines from now on.
    pub fn count_in(&mut self, counts: Arc<Counts>) {
        self.marks.counts = Some(counts);
    }

    /// Returns what a checkpoint keeps of this file before any further line.
    pub fn position(&self) -> Position {
        Position {
            path: self.path.clone(),
            label: self.marks.origin.label.to_string(),
            node: self.node,
            fingerprint: self.prefix.fingerprint(),
            offset: self.lines.given(),
            partials: self
                .joiner
                .as_ref()
                .and_then(Joiner::partials)
                .unwrap_or_default(),
        }
    }

    /// Returns the first bytes, to tell a copy of this file from others.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Tells whether the file itself still has a name.
    pub fn is_linked(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }

    /// Compares the file with what was read of it. The second value is true when its first bytes became more.
    pub fn standing(&mut self) -> io::Result<(Standing, bool)> {
        let size = self.file.metadata()?.len();
        let next = self.lines.next_read();
        if size == next {
            return Ok((Standing::Idle, false));
        }
        if size < next {
            return Ok((Standing::Replaced, false));
        }
        let prefix = Prefix::read(&self.file)?;
        if !self.prefix.grew_into(&prefix) {
            return Ok((Standing::Replaced, false));
        }
        let is_longer = prefix != self.prefix;
        self.prefix = prefix;
        Ok((Standing::Grown, is_longer))
    }

    /// Reads one chunk; the lines go to `out`. Returns the number of bytes, 0 at the end of the file.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        now: Timestamp,
        out: &mut Vec<Item>,
        tally: &mut Tally,
    ) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.lines.next_read())?;
        if n == 0 {
            return Ok(0);
        }
        self.active_at = now;
        let Self {
            marks, lines, joiner, ..
        } = self;
        lines.feed(buffer.get(..n).unwrap_or_default(), |cut| {
            out.extend(marks.take(joiner, &cut, now, tally));
        });
        Ok(n)
    }

    /// Gives out fragments whose rest did not come in time.
    pub fn expire(&mut self, now: Timestamp, out: &mut Vec<Item>, tally: &mut Tally) {
        while let Some(joined) = self.joiner.as_mut().and_then(|joiner| joiner.expire(now)) {
            tally.truncated += 1;
            out.push(self.joined(joined, now));
        }
    }

    /// Gives out what waits for an end that will not come: the file is complete.
    pub fn close(&mut self, now: Timestamp, out: &mut Vec<Item>, tally: &mut Tally) {
        let Self {
            marks, lines, joiner, ..
        } = self;
        lines.close(|cut| out.extend(marks.take(joiner, &cut, now, tally)));
        while let Some(joined) = self.joiner.as_mut().and_then(Joiner::close) {
            tally.truncated += 1;
            out.push(self.joined(joined, now));
        }
    }

    fn joined(&self, joined: Joined, now: Timestamp) -> Item {
        let partials = self.joiner.as_ref().and_then(Joiner::partials);
        self.marks
            .item(joined.line.into(), self.lines.given(), partials, now)
    }
}

/// Where a file is begun.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// First byte to read.
    pub offset: u64,
    /// Fragments before it.
    pub partials: Partials,
    /// See [`Tail`].
    pub replay: Vec<(u64, Timestamp)>,
}

impl Start {
    /// Goes on where a checkpoint stands.
    pub fn at(position: Position) -> Self {
        let Position { offset, partials, .. } = position;
        Self {
            offset,
            partials,
            replay: Vec::new(),
        }
    }
}

impl Marks {
    /// Makes an item of a line, unless it is a fragment that waits for others.
    fn take(
        &self,
        joiner: &mut Option<Joiner>,
        cut: &Cut<'_>,
        now: Timestamp,
        tally: &mut Tally,
    ) -> Option<Item> {
        tally.truncated += u64::from(cut.is_truncated);
        let Some(joiner) = joiner else {
            return Some(self.item(ArcStr::from(&*cut.text), cut.end, None, now));
        };
        let text = match joiner.take(&cut.text, now) {
            Outcome::Whole => ArcStr::from(&*cut.text),
            Outcome::Waits => return None,
            Outcome::Joined(joined) => {
                tally.truncated += u64::from(joined.is_truncated);
                ArcStr::from(joined.line)
            }
        };
        Some(self.item(text, cut.end, joiner.partials(), now))
    }

    fn item(&self, text: ArcStr, end: u64, partials: Option<Partials>, now: Timestamp) -> Item {
        let Self {
            id,
            origin,
            replay,
            counts,
        } = self;
        let done_at = replay.iter().find(|(until, _)| end <= *until).map(|(_, at)| *at);
        Item {
            file: *id,
            end,
            partials: partials.map(Arc::new),
            is_replay: done_at.is_some(),
            counts: counts.clone(),
            mode: origin.mode,
            line: RawLine {
                text: text.into(),
                source: Arc::clone(&origin.source),
                labels: Arc::clone(&origin.labels),
                module: origin.module,
                at: done_at.unwrap_or(now),
            },
        }
    }
}
