//! What `cscli` writes: results on stdout, log lines on stderr in upstream's form.

#![expect(
    clippy::unused_self,
    reason = "who writes has the output, so that a command cannot write behind its back"
)]

pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod table;

use std::io::{self, IsTerminal as _, Write as _};

use crate::error::Error;
use table::{Style, Table};

/// `-o`: for people, for `jq`, for `cut`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Format {
    #[default]
    Human,
    Json,
    Raw,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "human" => Some(Self::Human),
            "json" => Some(Self::Json),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Raw => "raw",
        }
    }
}

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
    Debug,
    Trace,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The two streams and how to use them.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) level: Level,
    pub(crate) color: bool,
}

impl Output {
    /// Starts a table in the run's colours.
    pub(crate) fn table(&self, style: Style) -> Table {
        Table::new(style, self.color)
    }

    /// Writes a result.
    pub(crate) fn print(&self, text: &str) -> Result<(), Error> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(Error::Output)
    }

    /// Writes a value as JSON with a line end.
    pub(crate) fn print_json<T: serde::Serialize + ?Sized>(
        &self,
        value: &T,
        indent: &str,
    ) -> Result<(), Error> {
        self.print(&(json::pretty(value, indent) + "\n"))
    }

    /// Says something on stderr that is neither a result nor a log line.
    pub(crate) fn note(&self, text: &str) {
        say(text);
    }

    /// Returns whether a person watches stderr, so that progress may move.
    pub(crate) fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    pub(crate) fn info(&self, text: &str) {
        self.log(Level::Info, text);
    }

    pub(crate) fn warn(&self, text: &str) {
        self.log(Level::Warning, text);
    }

    pub(crate) fn error(&self, text: &str) {
        self.log(Level::Error, text);
    }

    pub(crate) fn debug(&self, text: &str) {
        self.log(Level::Debug, text);
    }

    fn log(&self, level: Level, text: &str) {
        if level > self.level {
            return;
        }
        if self.format == Format::Json {
            let time = golang::time::Time::from_timestamp(service::clock::now()).rfc3339();
            let line = serde_json::json!({"level": level.name(), "msg": text, "time": time});
            say(&line.to_string());
        } else {
            say(&log_line(level, text));
        }
    }
}

/// Adds a formatted line to a text.
pub(crate) fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.extend([line.to_string().as_str(), "\n"]);
}

/// Writes the error of a failed run.
pub(crate) fn print_failure(text: &str) {
    say(&format!("Error: {text}"));
}

/// Writes to stderr; whoever closed it does not want to know.
fn say(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Writes a help text.
pub(crate) fn print_help(text: &str) {
    // `cscli --help | head` closes the pipe early, which is the reader's right.
    drop(writeln!(io::stdout(), "{}", text.trim_end()));
}

/// Returns whether stdout is a terminal, which decides on colours.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Logrus' text form without a time.
fn log_line(level: Level, text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/@^+".contains(c));
    let text = if plain {
        text.to_owned()
    } else {
        golang::strings::quote(text)
    };
    format!("level={} msg={text}", level.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_quoted_as_logrus_does() {
        assert_eq!(log_line(Level::Info, "done"), "level=info msg=done");
        assert_eq!(
            log_line(Level::Warning, "a \"b\" c"),
            r#"level=warning msg="a \"b\" c""#
        );
    }
}
