//! The loaded rules: every item compiled once, immutable, shared by all workers.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Event, ItemFile, Mode, Problem, RawLine, World,
    counters::Totals,
    parser::{Parsed, Recorder},
};

/// What the configuration says about how rules are loaded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether nodes are counted one by one (`prometheus.level: full`).
    pub count_nodes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { count_nodes: true }
    }
}

/// All items of a configuration, compiled.
pub struct Rules {
    world: Arc<World>,
    warnings: Vec<Problem>,
    settings: Settings,
}

/// What one thread needs to run the rules: regex caches, the memo, tallies.
pub struct Worker {
    _private: (),
}

impl Rules {
    /// Compiles `items` (any order: they are sorted by install path); every defect of every file is returned at once.
    pub fn load(items: &[ItemFile], world: World, settings: Settings) -> Result<Self, Vec<Problem>> {
        let _ = items;
        Ok(Self {
            world: Arc::new(world),
            warnings: Vec::new(),
            settings,
        })
    }

    /// Returns what is odd but not refused: a pattern defined twice, a document of a newer format, a missing data file.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Returns the world the rules were loaded with.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Returns the settings the rules were loaded with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the caches for one more thread.
    pub fn worker(&self) -> Worker {
        Worker { _private: () }
    }

    /// Runs the parser stages on `line`.
    pub fn parse(&self, worker: &mut Worker, line: RawLine, mode: Mode, now: Timestamp) -> Parsed {
        self.parse_recorded(worker, line, mode, now, None)
    }

    /// Runs the parser stages on `line` and shows every top-level node to `recorder`.
    pub fn parse_recorded(
        &self,
        worker: &mut Worker,
        line: RawLine,
        mode: Mode,
        now: Timestamp,
        recorder: Option<&mut dyn Recorder>,
    ) -> Parsed {
        let _ = (worker, now, recorder, &self.world);
        Parsed::Kept(Box::new(Event::from_line(line, mode)))
    }

    /// Runs the post-overflow stages on an overflow event; `event.whitelisted` says whether it is to be dropped.
    pub fn parse_overflow(
        &self,
        worker: &mut Worker,
        event: &mut Event,
        now: Timestamp,
        recorder: Option<&mut dyn Recorder>,
    ) {
        let _ = (worker, event, now, recorder, &self.world);
    }

    /// Returns all counts of all workers so far.
    pub fn totals(&self) -> Totals {
        Totals::new()
    }
}
