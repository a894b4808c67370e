//! Runs the lines of a test through the engine and keeps what every node and bucket did.

use std::{path::Path, sync::Arc};

use engine::{
    ItemFile, Mode, Name, Problem, RawLine, Rules, Text, World,
    detector::{Detector, Settings},
    trace::Trace,
};
use jiff::Timestamp;

use super::case::{Case, Error as CaseError, Places};

/// Why there is no record of a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The test's own files.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// An item does not load.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Items(Vec<Problem>),
    /// The log file is not there.
    #[error("unable to stat log file '{path}': stat {path}: {reason}")]
    Log {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// Replays the lines of `case` in log time; a year that a line leaves out is that of `now`.
pub fn replay(case: &Case, places: &Places, now: Timestamp) -> Result<Trace, Error> {
    let log = case.log()?;
    let bytes = std::fs::read(&log).map_err(|error| Error::Log {
        path: log.display().to_string(),
        reason: reason(&error),
    })?;
    let labels = Arc::new(case.labels()?);
    let items = case.items(places)?;
    let world = case.world(places, &items);
    let mut detector = load(&items, world)?;
    let mut trace = Trace::new();
    let text = String::from_utf8_lossy(&bytes);
    // Cat mode drops empty lines, and the carriage return of a line end.
    let lines = text
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        trace.begin_line(number);
        let line = RawLine {
            text: Text::from(line),
            source: source(&log),
            labels: labels.clone(),
            module: Name::new("file"),
            at: now,
        };
        detector.feed_traced(line, Mode::TimeMachine, now, &mut trace);
    }
    Ok(trace)
}

fn load(items: &[ItemFile], world: World) -> Result<Detector, Error> {
    let rules = Rules::load(items, world, engine::Settings::default()).map_err(Error::Items)?;
    Ok(Detector::new(Arc::new(rules), Settings::default()))
}

/// Writes the commonest reason as Go does.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}

fn source(log: &Path) -> Arc<str> {
    Arc::from(log.to_string_lossy())
}
