//! Log lines in the format of upstream's programs, to stderr, to rotated files or to syslog.

pub mod level;

mod format;
mod layer;
mod rotate;
mod sink;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

pub use crate::logging::level::Level;

/// The target of events that are printed with `level=fatal`; [`fatal`] uses it.
pub const FATAL: &str = "fatal";

/// The target of the Local API's access log; with files it goes to `crowdsec_api.log`.
pub const ACCESS: &str = "access";

/// The targets whose level the configuration sets; all other crates speak from `warning` on only.
const OWN: [&str; 16] = [
    ACCESS,
    "agent",
    "cli",
    "client",
    "config",
    "crowdsec",
    "engine",
    "expr",
    "forward_auth",
    "golang",
    "hub",
    "lapi",
    "operator",
    "pods",
    "service",
    "wire",
];

/// What is logged and where to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The least severe level that is printed.
    pub level: Level,
    /// Levels of single targets (`lapi`, `access`, `agent::acquire`), instead of `level`.
    pub levels: BTreeMap<String, Level>,
    /// Where lines go.
    pub media: Media,
    /// How a line looks.
    pub format: Format,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: Level::Info,
            levels: BTreeMap::new(),
            media: Media::Stderr,
            format: Format::Text,
        }
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `time="…" level=info msg="…" key=value`.
    #[default]
    Text,
    /// One JSON object a line, keys sorted.
    Json,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// The standard error stream; upstream's `log_media: stdout` writes there too.
    Stderr,
    /// `crowdsec.log` and `crowdsec_api.log`; fatal lines also go to stderr.
    Files(Files),
    /// The local syslog socket.
    Syslog,
}

/// Log files and their rotation. Upstream: lumberjack's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The folder the files lie in.
    pub folder: PathBuf,
    /// Size at which a file is rotated, in bytes.
    pub max_bytes: u64,
    /// Age at which a rotated file is deleted; none keeps them.
    pub max_age: Option<std::time::Duration>,
    /// Number of rotated files that are kept; 0 keeps all.
    pub max_files: usize,
    /// Whether rotated files are compressed with gzip.
    pub compress: bool,
}

/// Why logging could not start or change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log folder or file cannot be written.
    #[error("opening the log file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Another subscriber is already installed in this process.
    #[error("logging was already started")]
    Twice,
}

/// The running logging; levels and media can be changed while the process runs.
#[derive(Clone, Debug)]
pub struct Logging {
    filter: reload::Handle<Targets, Registry>,
    sink: sink::Shared,
}

impl Logging {
    /// Starts logging for the whole process; possible once.
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let sink = sink::Shared::open(&settings.media, settings.format)?;
        let (filter, handle) = reload::Layer::new(targets(settings));
        let lines = layer::Lines::new(sink.clone(), TimeZone::system());
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init()
            .map_err(|_already_started| Error::Twice)?;
        Ok(Self { filter: handle, sink })
    }

    /// Puts other settings into effect; on an error the old ones stay.
    pub fn change(&self, settings: &Settings) -> Result<(), Error> {
        self.sink.change(&settings.media, settings.format)?;
        self.filter
            .reload(targets(settings))
            .map_err(|_subscriber_gone| Error::Twice)
    }
}

/// Logs a line with `level=fatal`; the caller ends the process.
pub fn fatal(message: &str) {
    tracing::error!(target: FATAL, "{message}");
}

fn targets(settings: &Settings) -> Targets {
    let own = settings.level.filter();
    let others = own.min(LevelFilter::WARN);
    Targets::new()
        .with_default(others)
        .with_targets(OWN.map(|target| (target, own)))
        .with_targets(
            settings
                .levels
                .iter()
                .map(|(target, level)| (target.clone(), level.filter())),
        )
        .with_target(FATAL, LevelFilter::ERROR)
}

#[cfg(test)]
mod tests;
