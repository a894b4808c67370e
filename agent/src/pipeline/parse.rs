//! A parse worker: parser stages and scenario filters for one batch after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use engine::detector::{Digest, Outcome, digest};
use engine::{RawLine, Rules};
use prometheus::Histogram;

use crate::acquire::{Batch, Item};
use crate::metrics::Metrics;
use crate::pipeline::{Line, Parsed};

/// One worker.
pub(super) struct Worker {
    rules: Arc<Rules>,
    engine: engine::Worker,
    metrics: Metrics,
    /// The histogram of the last line's source.
    timing: Option<(Arc<str>, Histogram)>,
}

impl Worker {
    pub(super) fn new(rules: Arc<Rules>, metrics: Metrics) -> Self {
        Self {
            engine: rules.worker(),
            rules,
            metrics,
            timing: None,
        }
    }

    /// Works until no more batches come or nobody takes them.
    pub(super) fn run(mut self, batches: &Receiver<Batch>, exit: &SyncSender<Parsed>) {
        while let Ok(Batch { notes, items }) = batches.recv() {
            let lines = items.into_iter().map(|item| self.parse(item)).collect();
            if exit.send(Parsed { notes, lines }).is_err() {
                return;
            }
        }
    }

    fn parse(&mut self, item: Item) -> Line {
        let Item {
            file,
            end,
            partials,
            is_replay,
            counts,
            mode,
            line,
        } = item;
        let at = line.at;
        let begun = Instant::now();
        let timing = self.timing(&line);
        let Self {
            rules,
            engine,
            metrics,
            ..
        } = self;
        let digested = catch_unwind(AssertUnwindSafe(|| digest(rules, engine, line, mode, at, None)));
        let digest = digested.unwrap_or_else(|_| {
            // One line must not end the agent, nor come back for ever after each restart.
            metrics.panicked();
            tracing::error!("a line is given up because its evaluation panicked");
            *engine = rules.worker();
            Digest {
                outcome: Outcome::Unparsed,
                event: None,
                pours: Vec::new(),
            }
        });
        timing.observe(begun.elapsed().as_secs_f64());
        Line {
            file,
            end,
            partials,
            is_replay,
            counts,
            at,
            digest,
        }
    }

    fn timing(&mut self, line: &RawLine) -> Histogram {
        match &self.timing {
            Some((source, histogram)) if Arc::ptr_eq(source, &line.source) => histogram.clone(),
            _ => {
                let histogram = self.metrics.parsing(&line.module, &line.source);
                self.timing = Some((Arc::clone(&line.source), histogram.clone()));
                histogram
            }
        }
    }
}
