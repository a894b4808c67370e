//! From configuration and command line to what is logged and where.

use config::Config;
use config::resolved::{LogFormat, LogLevel, LogMedia};
use service::logging::{ACCESS, Files, Format, Level, Media, Settings};

use crate::args::Args;

/// Returns the settings before the configuration is read: stderr, and the level of the command line.
pub(crate) fn early(args: &Args) -> Settings {
    Settings {
        level: forced(args).unwrap_or(Level::Info),
        ..Settings::default()
    }
}

/// Returns the settings of a configuration; a level on the command line wins, also for the Local API.
pub(crate) fn settings(config: &Config, args: &Args) -> Settings {
    let common = &config.common;
    let forced = forced(args);
    let media = match common.log_media {
        // A replay talks to whoever started it. Upstream: `cmd/crowdsec/main.go`.
        _ if args.dsn.is_some() => Media::Stderr,
        LogMedia::Stderr => Media::Stderr,
        LogMedia::Syslog => Media::Syslog,
        LogMedia::File => Media::Files(Files {
            folder: common.log_dir.clone(),
            max_bytes: common.log_max_bytes,
            max_age: common.log_max_age,
            max_files: common.log_max_files,
            compress: common.compress_logs,
        }),
    };
    let mut settings = Settings {
        level: forced.unwrap_or_else(|| level(common.log_level)),
        media,
        format: match common.log_format {
            LogFormat::Text => Format::Text,
            LogFormat::Json => Format::Json,
        },
        ..Settings::default()
    };
    if forced.is_none() {
        let own = config
            .server
            .as_ref()
            .and_then(|server| server.log_level)
            .map(level);
        let store = config
            .database
            .as_ref()
            .and_then(|database| database.log_level)
            .map(level);
        for (target, level) in [("lapi", own), (ACCESS, own), ("lapi::store", store)] {
            settings
                .levels
                .extend(level.map(|level| (target.to_owned(), level)));
        }
    }
    settings
}

fn forced(args: &Args) -> Option<Level> {
    args.level.and_then(|word| word.parse().ok())
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Panic => Level::Panic,
        LogLevel::Fatal => Level::Fatal,
        LogLevel::Error => Level::Error,
        LogLevel::Warning => Level::Warning,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
        LogLevel::Trace => Level::Trace,
    }
}
