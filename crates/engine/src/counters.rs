//! What happened to how many lines: tallies per worker, read by the agent for `/metrics` and usage metrics.
//!
//! A worker adds to cells only it writes; whoever exports reads them at any time and sums over the workers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Event, Name};

/// Most sources a worker tells apart; later ones are counted under [`OTHERS`].
const MAX_ORIGINS: usize = 4096;
/// Label `source` of lines from sources beyond the limit.
pub const OTHERS: &str = "others";

/// One time series, with upstream's metric name and label values; labels a metric does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// `cs_parser_hits_total`, `cs_node_hits_ok_total`, …
    pub metric: &'static str,
    /// Label `source`: where the line came from.
    pub source: Arc<str>,
    /// Label `type`: the acquisition module.
    pub kind: Arc<str>,
    /// Label `acquis_type`: the line's `type` label, `unknown` in node metrics when it has none.
    pub acquis_type: Arc<str>,
    /// Label `name`: the node.
    pub name: &'static str,
    /// Label `stage`.
    pub stage: &'static str,
    /// Label `reason`: of a whitelist.
    pub reason: &'static str,
}

/// All counts so far, ordered by series.
pub type Totals = BTreeMap<Series, u64>;

/// What one cell counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition {
    pub(crate) metric: &'static str,
    pub(crate) name: Name,
    pub(crate) stage: Name,
    pub(crate) reason: Name,
}

/// Number of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellId(usize);

/// The cells of a configuration, fixed once it is loaded.
#[derive(Debug)]
pub(crate) struct Plan {
    cells: Vec<Definition>,
}

pub(crate) const PARSER_HITS: CellId = CellId(0);
pub(crate) const PARSER_OK: CellId = CellId(1);
pub(crate) const PARSER_KO: CellId = CellId(2);

/// The tallies of all workers of a configuration.
#[derive(Debug)]
pub(crate) struct Counters {
    plan: Arc<Plan>,
    workers: Mutex<Vec<Arc<Mutex<Vec<Origin>>>>>,
}

/// The tally of one worker.
#[derive(Debug)]
pub(crate) struct Tally {
    plan: Arc<Plan>,
    origins: Arc<Mutex<Vec<Origin>>>,
    /// The cells of the line at hand.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    source: Arc<str>,
    labels: Arc<BTreeMap<String, String>>,
    cells: Arc<[AtomicU64]>,
}

#[derive(Debug)]
struct Origin {
    source: Arc<str>,
    kind: Arc<str>,
    acquis_type: Arc<str>,
    cells: Arc<[AtomicU64]>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        let none = Name::new("");
        let cell = |metric| Definition {
            metric,
            name: none,
            stage: none,
            reason: none,
        };
        Self {
            cells: [
                "cs_parser_hits_total",
                "cs_parser_hits_ok_total",
                "cs_parser_hits_ko_total",
            ]
            .map(cell)
            .to_vec(),
        }
    }

    pub(crate) fn add(&mut self, definition: Definition) -> CellId {
        self.cells.push(definition);
        CellId(self.cells.len() - 1)
    }
}

impl Counters {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan: Arc::new(plan),
            workers: Mutex::default(),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        let origins = Arc::default();
        lock(&self.workers).push(Arc::clone(&origins));
        Tally {
            plan: Arc::clone(&self.plan),
            origins,
            current: None,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::new();
        for worker in &*lock(&self.workers) {
            for origin in &*lock(worker) {
                for (cell, definition) in origin.cells.iter().zip(&self.plan.cells) {
                    let count = cell.load(Ordering::Relaxed);
                    if count > 0 {
                        *totals.entry(origin.series(definition)).or_default() += count;
                    }
                }
            }
        }
        totals
    }
}

impl Tally {
    /// Turns to the cells of the line of `event`.
    pub(crate) fn turn_to(&mut self, event: &Event) {
        let line = &event.line;
        if let Some(current) = &self.current
            && Arc::ptr_eq(&current.source, &line.src)
            && Arc::ptr_eq(&current.labels, &line.labels)
        {
            return;
        }
        let cells = self.cells_of(event);
        self.current = Some(Current {
            source: Arc::clone(&line.src),
            labels: Arc::clone(&line.labels),
            cells,
        });
    }

    #[inline]
    pub(crate) fn count(&self, cell: CellId) {
        if let Some(current) = &self.current
            && let Some(cell) = current.cells.get(cell.0)
        {
            // Only this worker writes the cell, so load and store lose nothing.
            cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    fn cells_of(&self, event: &Event) -> Arc<[AtomicU64]> {
        let line = &event.line;
        let acquis_type = line.label("type");
        let mut origins = lock(&self.origins);
        let full = origins.len() >= MAX_ORIGINS;
        let known = |origin: &&Origin, source: &str| {
            *origin.source == *source && *origin.kind == *line.module && *origin.acquis_type == *acquis_type
        };
        if let Some(origin) = origins.iter().find(|origin| known(origin, &line.src)) {
            return Arc::clone(&origin.cells);
        }
        let source: Arc<str> = if full {
            Arc::from(OTHERS)
        } else {
            Arc::clone(&line.src)
        };
        if full && let Some(origin) = origins.iter().find(|origin| known(origin, &source)) {
            return Arc::clone(&origin.cells);
        }
        let cells: Arc<[AtomicU64]> = self.plan.cells.iter().map(|_| AtomicU64::new(0)).collect();
        origins.push(Origin {
            source,
            kind: Arc::from(line.module.as_str()),
            acquis_type: Arc::from(acquis_type),
            cells: Arc::clone(&cells),
        });
        cells
    }
}

impl Origin {
    fn series(&self, definition: &Definition) -> Series {
        let is_node = !definition.name.is_empty();
        let acquis_type = match definition.metric {
            "cs_parser_hits_total" => Arc::from(""),
            _ if is_node && self.acquis_type.is_empty() => Arc::from("unknown"),
            _ => Arc::clone(&self.acquis_type),
        };
        Series {
            metric: definition.metric,
            source: Arc::clone(&self.source),
            kind: Arc::clone(&self.kind),
            acquis_type,
            name: definition.name.as_str(),
            stage: definition.stage.as_str(),
            reason: definition.reason.as_str(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, RawLine};

    fn event(source: &str) -> Event {
        let line = RawLine {
            text: "x".into(),
            source: Arc::from(source),
            labels: Arc::new([("type".to_owned(), "nginx".to_owned())].into()),
            module: Name::new("file"),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        Event::from_line(line, Mode::Live)
    }

    #[test]
    fn workers_add_up_and_sources_beyond_the_limit_are_counted_together() {
        let counters = Counters::new(Plan::new());
        let (mut one, mut two) = (counters.tally(), counters.tally());
        for tally in [&mut one, &mut two] {
            tally.turn_to(&event("a"));
            tally.count(PARSER_HITS);
        }
        for number in 0..=MAX_ORIGINS {
            one.turn_to(&event(&format!("s{number}")));
            one.count(PARSER_OK);
        }
        let totals = counters.totals();
        let of = |metric: &str, source: &str| {
            totals
                .iter()
                .filter(|(s, _)| s.metric == metric && &*s.source == source)
                .map(|(_, n)| n)
                .sum::<u64>()
        };
        assert_eq!(of("cs_parser_hits_total", "a"), 2);
        assert_eq!(of("cs_parser_hits_ok_total", "s0"), 1);
        assert_eq!(of("cs_parser_hits_ok_total", OTHERS), 2);
    }
}
