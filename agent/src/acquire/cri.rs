//! Joins the fragments that a container runtime makes of long lines (`P`, `P`, …, `F`), per stream.
//!
//! A joined line keeps a CRI prefix, with the first fragment's time and the tag `F`, so that the hub's parser
//! `crowdsecurity/cri-logs` reads it unchanged. Format: Kubernetes, `pkg/kubelet/kuberuntime/logs`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// How long a fragment waits for the next one.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// Longest joined line, in bytes; what is beyond is dropped.
pub const JOINED_LIMIT: usize = 64 << 10;

/// A stream of a container; anything else is not a CRI line.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// The fragments that wait in one file, by stream; kept in the checkpoint.
pub type Partials = BTreeMap<String, String>;

/// The joiner of one file.
#[derive(Debug, Clone)]
pub struct Joiner {
    waiting: BTreeMap<String, Waiting>,
    limit: usize,
}

#[derive(Debug, Clone)]
struct Waiting {
    /// Prefix and content so far.
    line: String,
    is_truncated: bool,
    since: Timestamp,
}

/// A line that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The line with its prefix.
    pub line: String,
    /// Whether its end was cut off or never came.
    pub is_truncated: bool,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is whole by itself (or no CRI line at all).
    Whole,
    /// It waits for its other fragments.
    Waits,
    /// It completed others.
    Joined(Joined),
}

impl Joiner {
    /// Begins with the fragments of a checkpoint.
    pub fn new(partials: &Partials, limit: usize, now: Timestamp) -> Self {
        let waiting = partials
            .iter()
            .map(|(stream, line)| {
                (
                    stream.clone(),
                    Waiting {
                        line: line.clone(),
                        is_truncated: false,
                        since: now,
                    },
                )
            })
            .collect();
        Self { waiting, limit }
    }

    /// Returns the fragments that wait, or `None` when there are none.
    pub fn partials(&self) -> Option<Partials> {
        (!self.waiting.is_empty()).then(|| {
            self.waiting
                .iter()
                .map(|(stream, waiting)| (stream.clone(), waiting.line.clone()))
                .collect()
        })
    }

    /// Takes one line.
    pub fn take(&mut self, line: &str, now: Timestamp) -> Outcome {
        let Some(Fragment {
            time,
            stream,
            is_partial,
            content,
        }) = split(line)
        else {
            return Outcome::Whole;
        };
        let Some(waiting) = self.waiting.get_mut(stream) else {
            if !is_partial {
                return Outcome::Whole;
            }
            let mut waiting = Waiting {
                line: format!("{time} {stream} F "),
                is_truncated: false,
                since: now,
            };
            waiting.append(content, self.limit);
            self.waiting.insert(stream.to_owned(), waiting);
            return Outcome::Waits;
        };
        waiting.append(content, self.limit);
        waiting.since = now;
        if is_partial {
            return Outcome::Waits;
        }
        self.waiting
            .remove(stream)
            .map_or(Outcome::Waits, |waiting| Outcome::Joined(waiting.into_joined()))
    }

    /// Returns a stream's fragments that have waited too long, one stream a call.
    pub fn expire(&mut self, now: Timestamp) -> Option<Joined> {
        let stream = self
            .waiting
            .iter()
            .find(|(_, waiting)| now.duration_since(waiting.since) >= PATIENCE)
            .map(|(stream, _)| stream.clone())?;
        let waiting = self.waiting.remove(&stream)?;
        Some(Joined {
            is_truncated: true,
            ..waiting.into_joined()
        })
    }

    /// Returns a stream's fragments because the file is complete, one stream a call.
    pub fn close(&mut self) -> Option<Joined> {
        let (_, waiting) = self.waiting.pop_first()?;
        Some(Joined {
            is_truncated: true,
            ..waiting.into_joined()
        })
    }
}

impl Waiting {
    fn append(&mut self, content: &str, limit: usize) {
        let room = limit.saturating_sub(self.line.len());
        if content.len() <= room {
            self.line.push_str(content);
            return;
        }
        let end = (0..=room)
            .rev()
            .find(|at| content.is_char_boundary(*at))
            .unwrap_or(0);
        self.line.push_str(content.get(..end).unwrap_or_default());
        self.is_truncated = true;
    }

    fn into_joined(self) -> Joined {
        let Self {
            line,
            is_truncated,
            since: _,
        } = self;
        Joined { line, is_truncated }
    }
}

/// Tells whether `text`, the beginning of a line, is in the format of container runtimes.
pub fn is_line(text: &str) -> bool {
    split(text).is_some()
}

struct Fragment<'a> {
    time: &'a str,
    stream: &'a str,
    is_partial: bool,
    content: &'a str,
}

fn split(line: &str) -> Option<Fragment<'_>> {
    let mut parts = line.splitn(4, ' ');
    let (time, stream, tags) = (parts.next()?, parts.next()?, parts.next()?);
    let content = parts.next().unwrap_or_default();
    if !STREAMS.contains(&stream) || !time.starts_with(|c: char| c.is_ascii_digit()) || !time.contains('T') {
        return None;
    }
    // More tags may follow the first, joined by colons.
    let is_partial = match tags.split(':').next()? {
        "P" => true,
        "F" => false,
        _ => return None,
    };
    Some(Fragment {
        time,
        stream,
        is_partial,
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[track_caller]
    fn check(lines: &[&str], limit: usize, expected: &[&str]) {
        let mut joiner = Joiner::new(&Partials::new(), limit, at(0));
        let mut out = Vec::new();
        for line in lines {
            match joiner.take(line, at(0)) {
                Outcome::Whole => out.push((*line).to_owned()),
                Outcome::Waits => {}
                Outcome::Joined(joined) => out.push(joined.line),
            }
        }
        while let Some(joined) = joiner.close() {
            out.push(format!("[cut] {}", joined.line));
        }
        assert_eq!(out, expected);
    }

    #[test]
    fn fragments_are_joined_per_stream() {
        check(
            &["2026-01-01T00:00:00.1Z stdout F whole"],
            99,
            &["2026-01-01T00:00:00.1Z stdout F whole"],
        );
        check(
            &[
                "2026-01-01T00:00:00.1Z stdout P ab ",
                "2026-01-01T00:00:00.2Z stderr P XY",
                "2026-01-01T00:00:00.3Z stdout P  cd",
                "2026-01-01T00:00:00.4Z stderr F Z",
                "2026-01-01T00:00:00.5Z stdout F ef",
                "2026-01-01T00:00:00.6Z stdout F alone",
            ],
            999,
            &[
                "2026-01-01T00:00:00.2Z stderr F XYZ",
                "2026-01-01T00:00:00.1Z stdout F ab  cdef",
                "2026-01-01T00:00:00.6Z stdout F alone",
            ],
        );
        check(
            &[
                "2026-01-01T00:00:00.1Z stdout P:x a",
                "2026-01-01T00:00:00.2Z stdout F",
            ],
            99,
            &["2026-01-01T00:00:00.1Z stdout F a"],
        );
    }

    #[test]
    fn other_lines_pass() {
        for line in [
            "",
            "a P b c",
            "2026-01-01T00:00:00Z stdin P x",
            "2026-01-01T00:00:00Z stdout Q x",
        ] {
            check(&[line], 99, &[line]);
        }
    }

    #[test]
    fn a_joined_line_is_bounded_and_cut_at_a_character() {
        let prefix = "2026-01-01T00:00:00.1Z stdout F ";
        let lines = [
            "2026-01-01T00:00:00.1Z stdout P ab\u{e9}\u{e9}",
            "2026-01-01T00:00:00.1Z stdout F cd",
        ];
        check(
            &lines,
            prefix.len() + 5,
            &["2026-01-01T00:00:00.1Z stdout F ab\u{e9}c"],
        );
    }

    #[test]
    fn a_fragment_does_not_wait_for_ever() {
        let mut joiner = Joiner::new(&Partials::new(), 99, at(0));
        assert_eq!(
            joiner.take("2026-01-01T00:00:00.1Z stdout P half", at(0)),
            Outcome::Waits
        );
        assert_eq!(joiner.expire(at(9)), None);
        let line = "2026-01-01T00:00:00.1Z stdout F half".to_owned();
        assert_eq!(
            joiner.expire(at(10)),
            Some(Joined {
                line,
                is_truncated: true
            })
        );
        assert_eq!(joiner.partials(), None);
    }

    #[test]
    fn a_checkpoint_carries_the_fragments_over_a_restart() {
        let mut before = Joiner::new(&Partials::new(), 99, at(0));
        before.take("2026-01-01T00:00:00.1Z stdout P ha", at(0));
        let mut after = Joiner::new(&before.partials().unwrap(), 99, at(5));
        assert_eq!(
            after.take("2026-01-01T00:00:00.2Z stdout F lf", at(5)),
            Outcome::Joined(Joined {
                line: "2026-01-01T00:00:00.1Z stdout F half".to_owned(),
                is_truncated: false
            })
        );
    }
}
