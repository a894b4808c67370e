//! Levels as upstream's configuration names them.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// How severe a line is; ordered from the most severe to the most verbose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Never printed by us; as a setting it silences all but fatal lines.
    Panic,
    /// The process ends.
    Fatal,
    /// Someone must act.
    Error,
    /// Degraded.
    Warning,
    /// Life cycle.
    Info,
    /// Each request, each item.
    Debug,
    /// Each event.
    Trace,
}

/// A word that is no level.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid log level: {0:?}; use trace, debug, info, warning, error, fatal or panic")]
pub struct Unknown(pub String);

impl Level {
    pub(crate) fn filter(self) -> LevelFilter {
        match self {
            Self::Panic | Self::Fatal => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warning => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }

    /// Returns the word that log lines and configuration files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = Unknown;

    /// Reads a level in any case; `warn` and `warning` are the same. Upstream: logrus, `ParseLevel`.
    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word.to_ascii_lowercase().as_str() {
            "panic" => Ok(Self::Panic),
            "fatal" => Ok(Self::Fatal),
            "error" => Ok(Self::Error),
            "warn" | "warning" => Ok(Self::Warning),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(Unknown(word.to_owned())),
        }
    }
}
