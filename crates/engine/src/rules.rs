//! The loaded rules: every item compiled once, immutable, shared by all workers.

use std::sync::Arc;

use expr::{Library, LogLevel, Memo};
use jiff::Timestamp;

use crate::{
    Event, ItemFile, Kind, Mode, Problem, RawLine, World,
    bucket::{scenarios::Scenarios, scope::Schemes},
    context::Contexts,
    counters::{Counters, PARSER_HITS, PARSER_KO, PARSER_OK, Tally, Totals},
    data::DataFiles,
    env::{self, RunHost},
    grok,
    loader::Loader,
    parser::{self, Parsed, Recorder, node::Stage, run::Run},
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
    data: DataFiles,
    library: Library,
    parsers: Vec<Stage>,
    postoverflows: Vec<Stage>,
    scenarios: Scenarios,
    contexts: Contexts,
    counters: Counters,
    warnings: Vec<Problem>,
    settings: Settings,
}

/// What one thread needs to run the rules: regex caches, the memo, tallies.
pub struct Worker {
    memo: Memo,
    grok: grok::Cache,
    postoverflow_grok: grok::Cache,
    tally: Tally,
}

impl Worker {
    /// Returns what is remembered for the event at hand.
    pub(crate) fn memo(&mut self) -> &mut Memo {
        &mut self.memo
    }
}

impl Rules {
    /// Compiles `items` (any order: they are sorted by install path); every defect of every file is returned at once.
    pub fn load(items: &[ItemFile], world: World, settings: Settings) -> Result<Self, Vec<Problem>> {
        let world = Arc::new(world);
        let mut loader = Loader::new(&world, settings.count_nodes);
        let parsers = parser::load::load(&of_kind(items, Kind::Parser), &mut loader);
        let postoverflows = parser::load::load(&of_kind(items, Kind::Postoverflow), &mut loader);
        let schemes = Schemes::new(&env::objects());
        let mut scenarios = Scenarios::load(&of_kind(items, Kind::Scenario), &schemes, &mut loader);
        let contexts = Contexts::load(&of_kind(items, Kind::Context), &schemes, &mut loader);
        let Loader {
            library,
            data,
            plan,
            mut problems,
            warnings,
            ..
        } = loader;
        if !problems.is_empty() {
            problems.sort();
            problems.dedup();
            return Err(problems);
        }
        scenarios.join_filters(&library, &RunHost::new(&world, &data, Timestamp::UNIX_EPOCH));
        Ok(Self {
            data,
            library,
            parsers,
            postoverflows,
            scenarios,
            contexts,
            counters: Counters::new(plan),
            warnings,
            settings,
            world,
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

    /// Returns the compiled expressions of all items.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Returns what expressions see of the world at `now`.
    pub fn host(&self, now: Timestamp) -> RunHost<'_> {
        RunHost::new(&self.world, &self.data, now)
    }

    /// Returns the scenarios.
    pub fn scenarios(&self) -> &Scenarios {
        &self.scenarios
    }

    /// Returns the alert contexts.
    pub fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// Returns the names of the parser stages, in order.
    pub fn stages(&self) -> impl Iterator<Item = &'static str> {
        self.parsers.iter().map(|stage| stage.name.as_str())
    }

    /// Returns the caches for one more thread.
    pub fn worker(&self) -> Worker {
        Worker {
            memo: Memo::new(&self.library),
            grok: grok::Cache::default(),
            postoverflow_grok: grok::Cache::default(),
            tally: self.counters.tally(),
        }
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
        let mut event = Box::new(Event::from_line(line, mode));
        worker.tally.turn_to(&event);
        worker.tally.count(PARSER_HITS);
        self.run(&self.parsers, worker, &mut event, now, recorder);
        worker
            .tally
            .count(if event.process { PARSER_OK } else { PARSER_KO });
        if !event.process {
            return Parsed::Unparsed;
        }
        if event.whitelisted {
            return Parsed::Whitelisted {
                reason: event.whitelist_reason.clone(),
            };
        }
        Parsed::Kept(event)
    }

    /// Runs the post-overflow stages on an overflow event; `event.whitelisted` says whether it is to be dropped.
    ///
    /// An overflow is sent even when no node of a stage succeeds; later stages are not reached then (`pkg/parser/runtime.go`).
    pub fn parse_overflow(
        &self,
        worker: &mut Worker,
        event: &mut Event,
        now: Timestamp,
        recorder: Option<&mut dyn Recorder>,
    ) {
        worker.tally.turn_to(event);
        self.run(&self.postoverflows, worker, event, now, recorder);
    }

    /// Returns all counts of all workers so far.
    pub fn totals(&self) -> Totals {
        self.counters.totals()
    }

    fn run(
        &self,
        stages: &[Stage],
        worker: &mut Worker,
        event: &mut Event,
        now: Timestamp,
        recorder: Option<&mut dyn Recorder>,
    ) {
        let host = self.host(now);
        worker.memo.clear();
        let is_overflow = event.kind == crate::event::Type::Overflow;
        let mut run = Run {
            library: &self.library,
            host: &host,
            stages,
            memo: &mut worker.memo,
            grok: if is_overflow {
                &mut worker.postoverflow_grok
            } else {
                &mut worker.grok
            },
            tally: &worker.tally,
        };
        if let Err(error) = run.stages(event, recorder) {
            event.process = false;
            self.world.outside.log(LogLevel::Error, &error.to_string());
        }
    }
}

/// Returns the files of one kind in load order: by install path (`pkg/parser/stage.go`).
fn of_kind(items: &[ItemFile], kind: Kind) -> Vec<&ItemFile> {
    let mut files: Vec<&ItemFile> = items.iter().filter(|item| item.kind == kind).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shared_by_threads_and_a_worker_moves_to_its_own() {
        fn is_shared<T: Send + Sync>(_: &T) {}
        fn is_moved<T: Send>(_: &T) {}
        let rules = Rules::load(&[], World::default(), Settings::default()).unwrap();
        is_shared(&rules);
        is_moved(&rules.worker());
    }
}
