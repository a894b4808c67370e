//! The verdict on one test: its run and its assertion files.

use std::{fs, path::PathBuf};

use jiff::Timestamp;

use super::{
    assertion::{self, Broken, File, Outcome},
    case::{Case, Places},
    generate, replay,
    results::Results,
};

/// What became of a test.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What `parser.assert` said; `None` when it is not asked.
    pub parsers: Option<Outcome>,
    /// What `scenario.assert` said; `None` when the test has no scenario.
    pub scenarios: Option<Outcome>,
    /// Assertion files without an assertion, and what they are to be filled with.
    pub empty: Vec<(PathBuf, String)>,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lines could not be run.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// An assertion has no verdict.
    #[error("unable to run assertion on file '{}': {broken}", .file.display())]
    Assertion {
        /// The assertion file.
        file: PathBuf,
        /// What is wrong with it.
        broken: Broken,
    },
}

impl Verdict {
    /// Returns whether the test passed.
    pub fn passed(&self) -> bool {
        self.empty.is_empty() && self.outcomes().all(Outcome::passed)
    }

    /// Returns how many assertions were evaluated.
    pub fn count(&self) -> usize {
        self.outcomes().map(|outcome| outcome.count).sum()
    }

    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.parsers.iter().chain(&self.scenarios)
    }
}

/// Runs `case` and asserts on it.
pub fn judge(case: &Case, places: &Places, now: Timestamp) -> Result<Verdict, Error> {
    let trace = replay::replay(case, places, now)?;
    let mut verdict = Verdict::default();
    if !case.config.ignore_parsers {
        let (outcome, file) = assert(case, File::Parser, Results::of_parsers(&trace, now))?;
        if outcome.count == 0 {
            verdict.empty.push((file, generate::of_parsers(&trace)));
        }
        verdict.parsers = Some(outcome);
    }
    if case.config.scenarios.iter().any(|name| !name.is_empty()) {
        let (outcome, file) = assert(case, File::Scenario, Results::of_overflows(&trace, now))?;
        if outcome.count == 0 {
            verdict.empty.push((file, generate::of_overflows(&trace)));
        }
        verdict.scenarios = Some(outcome);
    }
    Ok(verdict)
}

fn assert(case: &Case, kind: File, mut results: Results) -> Result<(Outcome, PathBuf), Error> {
    let file = case.dir.join(match kind {
        File::Parser => "parser.assert",
        File::Scenario => "scenario.assert",
    });
    let text = fs::read_to_string(&file).unwrap_or_default();
    let outcome = assertion::check(kind, &text, &mut results).map_err(|broken| Error::Assertion {
        file: file.clone(),
        broken,
    })?;
    Ok((outcome, file))
}
