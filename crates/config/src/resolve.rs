//! From what is written to what holds: defaults, absolute paths, durations, and the rules between fields.
//!
//! Nothing stops at the first problem; each function returns what it could make of its section.

pub(crate) mod acquisition;
pub(crate) mod content;
pub(crate) mod credentials;
pub(crate) mod database;
pub(crate) mod main;
pub(crate) mod profile;
pub(crate) mod server;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::problem::Problem;
use crate::resolved::{LogLevel, Range};

/// What is collected while a file is resolved.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    /// The file, for messages.
    pub(crate) file: &'a Path,
    /// The folder relative paths begin at.
    pub(crate) cwd: &'a Path,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(file: &'a Path, cwd: &'a Path) -> Self {
        Self {
            file,
            cwd,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn problem(&mut self, field: &str, message: impl Into<String>, cure: impl Into<String>) {
        self.problems
            .push(Problem::of_field(self.file, field, message, cure));
    }

    /// Returns the path, made absolute; an empty one counts as absent. Upstream warns about relative ones too.
    pub(crate) fn path(&mut self, field: &str, written: Option<String>) -> Option<PathBuf> {
        let written = written.filter(|path| !path.is_empty())?;
        let path = Path::new(&written);
        if path.is_relative() {
            self.warnings.push(format!(
                "{field}: the relative path {written} is deprecated, use an absolute one"
            ));
        }
        Some(clean(&self.cwd.join(path)))
    }

    /// Returns a duration as Go reads it; a bad one is a problem.
    pub(crate) fn duration(&mut self, field: &str, written: Option<&str>) -> Option<Duration> {
        let text = written.filter(|text| !text.is_empty())?;
        let parsed = golang::duration::Duration::parse(text).map_err(|error| error.to_string());
        self.positive(field, parsed, "write a duration like 30s, 10m or 1h30m")
    }

    /// Returns a duration in which days are allowed; a bad one is a problem.
    pub(crate) fn days(&mut self, field: &str, written: Option<&str>) -> Option<Duration> {
        let text = written.filter(|text| !text.is_empty())?;
        let parsed = golang::duration::Duration::parse_days(text).map_err(|error| error.to_string());
        self.positive(field, parsed, "write a duration like 12h, 7d or 1d12h")
    }

    fn positive(
        &mut self,
        field: &str,
        parsed: Result<golang::duration::Duration, String>,
        cure: &str,
    ) -> Option<Duration> {
        match parsed.map(|duration| u64::try_from(duration.0)) {
            Ok(Ok(nanoseconds)) => Some(Duration::from_nanos(nanoseconds)),
            Ok(Err(_negative)) => {
                self.problem(field, "the duration is negative", cure);
                None
            }
            Err(message) => {
                self.problem(field, message, cure);
                None
            }
        }
    }

    pub(crate) fn level(&mut self, field: &str, written: Option<&str>) -> Option<LogLevel> {
        let word = written.filter(|word| !word.is_empty())?;
        let level = word.parse().ok();
        if level.is_none() {
            let cure = "use trace, debug, info, warning, error, fatal or panic";
            self.problem(field, format!("not a valid log level: {word:?}"), cure);
        }
        level
    }

    /// Returns addresses and ranges; `trusted_ips` and its kin accept both.
    pub(crate) fn ranges(&mut self, field: &str, written: &[String]) -> Vec<Range> {
        let mut ranges = Vec::new();
        for (index, text) in written.iter().enumerate() {
            let range = text
                .parse::<Range>()
                .ok()
                .or_else(|| text.parse::<IpAddr>().map(Range::from).ok());
            match range {
                Some(range) => ranges.push(range.trunc()),
                None => self.problem(
                    &format!("{field}[{index}]"),
                    format!("{text:?} is neither an address nor a range"),
                    "write an address like 10.0.0.1 or a range like 10.0.0.0/8",
                ),
            }
        }
        ranges
    }

    /// Returns a port; what does not fit is a problem.
    pub(crate) fn port(&mut self, field: &str, written: Option<i64>) -> Option<u16> {
        let number = written?;
        let port = u16::try_from(number).ok();
        if port.is_none() {
            self.problem(
                field,
                format!("{number} is no port"),
                "use a number between 1 and 65535",
            );
        }
        port
    }
}

/// Returns a count; absent, zero and negative numbers give `default`, as upstream does.
pub(crate) fn count(written: Option<i64>, default: usize) -> usize {
    written
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number > 0)
        .unwrap_or(default)
}

/// Removes `.`, `..` and double slashes without looking at the file system. Upstream: `filepath.Clean`.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

impl FromStr for LogLevel {
    type Err = ();

    /// Reads a level in any case. Upstream: logrus, `ParseLevel`.
    fn from_str(word: &str) -> Result<Self, ()> {
        match word.to_ascii_lowercase().as_str() {
            "panic" => Ok(Self::Panic),
            "fatal" => Ok(Self::Fatal),
            "error" => Ok(Self::Error),
            "warn" | "warning" => Ok(Self::Warning),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(()),
        }
    }
}
