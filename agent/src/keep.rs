//! The writer thread: puts alerts into the outbox before their lines count as done, then stores the checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

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

    fn append(&self, group: Group) {
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
        if let Err(error) = self.outbox.append(cut, alerts) {
            tracing::error!(%error, "outbox cannot be written; alerts are held in memory");
        }
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
        let group = match self.outbox.barrier() {
            Ok(group) if is_caught_up => group,
            Ok(_) => self.group,
            Err(error) => {
                tracing::warn!(%error, "checkpoint waits for the outbox");
                return;
            }
        };
        let checkpoint = Checkpoint {
            version: 0,
            group,
            positions,
            patterns,
            buckets,
        };
        let stored = checkpoint::store(&self.dir, &checkpoint);
        if let Err(error) = stored {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "checkpoint cannot be stored");
            return;
        }
        self.group = group;
        if let Err(error) = self.outbox.checkpointed(group) {
            tracing::warn!(%error, "outbox cannot be rewritten");
        }
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
