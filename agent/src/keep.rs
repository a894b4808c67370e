//! The writer thread: puts alerts into the outbox before their lines count as done, then stores the checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Context as _;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::acquire::file::follow::Resume;
use crate::acquire::file::identity::Node;
use crate::checkpoint::{self, Checkpoint, Position};
use crate::metrics::Metrics;
use crate::outbox::log::Cut;
use crate::outbox::seal::{Sealed, seal};
use crate::outbox::{Outbox, Recent};
use crate::pipeline::{Effect, Restored};

/// Effects written at once at most.
const GROUP: usize = 256;

/// What is written, and where.
pub struct Keeper {
    /// The outbox.
    pub outbox: Arc<Outbox>,
    /// The state folder.
    pub dir: PathBuf,
    /// Name of the machine, part of the content keys.
    pub machine: String,
    /// Where the outbox's state goes.
    pub metrics: Metrics,
    /// Group up to which the effects are in the checkpoint at the start.
    pub group: u64,
    /// Is told when the first checkpoint was stored, or could not be.
    pub settled: Option<oneshot::Sender<()>>,
    /// What the disk refuses, to be said once until it takes it again.
    pub complaints: Complaints,
}

/// Which writes fail at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Complaints {
    outbox: bool,
    checkpoint: bool,
}

impl Keeper {
    /// Writes until the pipeline ends. Blocks.
    pub fn run(mut self, effects: &Receiver<Effect>) {
        let mut checkpoint = None;
        while let Ok(effect) = effects.recv() {
            let mut group = Group::default();
            let mut next = Some(effect);
            // What waits is written with one sync; a checkpoint ends the group, because it contains all before it.
            while let Some(effect) = next.take() {
                match effect {
                    Effect::Alerts {
                        at,
                        alerts,
                        positions,
                    } => group.add(at, &alerts, positions, &self.machine),
                    Effect::Checkpoint { .. } => checkpoint = Some(effect),
                }
                if checkpoint.is_none() && group.effects < GROUP {
                    next = effects.try_recv().ok();
                }
            }
            self.append(group);
            if let Some(effect) = checkpoint.take() {
                self.checkpoint(effect);
            }
            self.metrics.outbox(self.outbox.state());
        }
    }

    fn append(&mut self, group: Group) {
        if group.alerts.is_empty() {
            return;
        }
        let Group {
            cut,
            positions,
            alerts,
            effects: _,
        } = group;
        let cut = cut.map(|at| Cut {
            at,
            positions: positions.into_values().collect(),
        });
        let result = self.outbox.append(cut, alerts);
        if let Err(error) = &result
            && !self.complaints.outbox
        {
            tracing::error!(%error, "outbox cannot be written; alerts are held in memory");
        }
        self.complaints.outbox = result.is_err();
    }

    fn checkpoint(&mut self, effect: Effect) {
        let Effect::Checkpoint {
            positions,
            patterns,
            buckets,
            is_caught_up,
        } = effect
        else {
            return;
        };
        let result = self.store(positions, patterns, buckets, is_caught_up);
        if let Err(error) = &result
            && !self.complaints.checkpoint
        {
            tracing::error!("checkpoint cannot be stored; a restart will read lines again: {error:#}");
        }
        self.complaints.checkpoint = result.is_err();
        if let Some(settled) = self.settled.take() {
            // Nobody waits any more when the agent is being stopped.
            settled.send(()).unwrap_or_default();
        }
    }

    fn store(
        &mut self,
        positions: Vec<Position>,
        patterns: Vec<String>,
        buckets: Option<Box<RawValue>>,
        is_caught_up: bool,
    ) -> anyhow::Result<()> {
        let recorded = self.outbox.barrier().context("outbox cannot be written")?;
        let group = if is_caught_up { recorded } else { self.group };
        checkpoint::store(
            &self.dir,
            &Checkpoint {
                version: 0,
                group,
                positions,
                patterns,
                buckets,
            },
        )?;
        self.group = group;
        self.outbox
            .checkpointed(group)
            .context("outbox cannot be rewritten")
    }
}

#[derive(Default)]
struct Group {
    cut: Option<jiff::Timestamp>,
    positions: BTreeMap<(Node, String), Position>,
    alerts: Vec<Sealed>,
    effects: usize,
}

impl Group {
    fn add(
        &mut self,
        at: jiff::Timestamp,
        alerts: &[wire::alert::Alert],
        positions: Vec<Position>,
        machine: &str,
    ) {
        self.cut = Some(at);
        self.effects += 1;
        for position in positions {
            self.positions
                .insert((position.node, position.label.clone()), position);
        }
        for (number, alert) in alerts.iter().enumerate() {
            match seal(alert, machine, (at.as_nanosecond(), number)) {
                Ok(sealed) => self.alerts.push(sealed),
                Err(error) => tracing::error!(%error, "alert cannot be written as json"),
            }
        }
    }
}

/// Joins what a checkpoint and the outbox's later groups say into what reader and detector begin with.
pub fn resume(checkpoint: Option<Checkpoint>, recent: Vec<Recent>) -> (Resume, Restored) {
    let Checkpoint {
        positions,
        patterns,
        buckets,
        ..
    } = checkpoint.unwrap_or_default();
    let mut cuts = Vec::new();
    let mut identities = BTreeSet::new();
    for Recent {
        cut,
        identities: more,
        group: _,
    } in recent
    {
        identities.extend(more);
        cuts.extend(cut.map(|Cut { at, positions }| (at, positions)));
    }
    let resume = Resume {
        positions,
        patterns: patterns.into_iter().collect(),
        cuts,
    };
    (resume, Restored { buckets, identities })
}
