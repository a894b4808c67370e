//! Open buckets and blackholes as plain data, so that a restarted agent goes on where it stopped.

mod event;

use std::{collections::HashMap, sync::Arc};

use golang::time::Time;
use serde::{Deserialize, Serialize};

use super::{
    Bucket, DISTINCT_BOUND, Key, Moment, ScenarioId, limiter::Limiter, queue::Queue, shard::Shard, spec::Spec,
};
use crate::{Mode, overflow};

/// Version of the form below; another version is not restored.
const VERSION: u32 = 1;

/// All open buckets and blackholes of a detector. The encoding is the caller's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    buckets: Vec<StoredBucket>,
    hidden: Vec<Hidden>,
}

/// What became of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Buckets that go on.
    pub buckets: usize,
    /// Buckets whose scenario is gone or was changed.
    pub dropped: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredBucket {
    /// Fingerprint of the scenario document.
    scenario: String,
    partition: String,
    live: bool,
    limiter: Limiter,
    first: Option<String>,
    last: Option<String>,
    total: u64,
    seen: Vec<String>,
    deadline: Option<i64>,
    stuck: Vec<bool>,
    events: Vec<event::StoredEvent>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Hidden {
    scenario: String,
    partition: String,
    until: i64,
}

impl Snapshot {
    /// Returns the open buckets and blackholes of `shards`.
    pub(crate) fn of(shards: &[Shard], specs: &[Spec]) -> Self {
        let prints: Vec<String> = specs.iter().map(fingerprint).collect();
        let print = |id: ScenarioId| prints.get(id as usize).cloned().unwrap_or_default();
        let mut snapshot = Self {
            version: VERSION,
            ..Self::default()
        };
        for shard in shards {
            snapshot
                .buckets
                .extend(shard.slab.iter().map(|bucket| store(bucket, print(bucket.owner))));
            for (id, hole) in (0..).zip(&shard.blackholes) {
                let entries = hole.iter().flat_map(super::blackhole::Blackhole::entries);
                snapshot.hidden.extend(entries.map(|(key, until)| Hidden {
                    scenario: print(id),
                    partition: key.partition.to_string(),
                    until,
                }));
            }
        }
        snapshot
    }

    /// Puts everything back; `shard_of` says which shard owns a scenario's partition.
    pub(crate) fn restore(
        self,
        shards: &mut [Shard],
        specs: &[Spec],
        families: &[u32],
        shard_of: &dyn Fn(ScenarioId, &str) -> usize,
    ) -> Restored {
        let mut restored = Restored::default();
        if self.version != VERSION {
            restored.dropped = self.buckets.len();
            return restored;
        }
        let known: HashMap<String, ScenarioId> = specs.iter().map(fingerprint).zip(0..).collect();
        let family = |id: ScenarioId| families.get(id as usize).copied().unwrap_or(0);
        for stored in self.buckets {
            let Some(&id) = known.get(&stored.scenario) else {
                restored.dropped += 1;
                continue;
            };
            let key = Key {
                family: family(id),
                partition: Arc::from(stored.partition.as_str()),
            };
            if let (Some(shard), Some(spec)) = (
                shards.get_mut(shard_of(id, &stored.partition)),
                specs.get(id as usize),
            ) {
                shard.put_back(bucket(stored, id, key, spec));
                restored.buckets += 1;
            }
        }
        for hidden in self.hidden {
            let Some(&id) = known.get(&hidden.scenario) else {
                continue;
            };
            let key = Key {
                family: family(id),
                partition: Arc::from(hidden.partition.as_str()),
            };
            let shard = shards.get_mut(shard_of(id, &hidden.partition));
            if let Some(Some(hole)) = shard.and_then(|shard| shard.blackholes.get_mut(id as usize)) {
                hole.restore(key, hidden.until);
            }
        }
        restored
    }

    /// Returns how many buckets are in it.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Returns whether no bucket is in it.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

/// Identifies a document by everything that shapes its buckets: a changed scenario starts anew.
fn fingerprint(spec: &Spec) -> String {
    use sha1::{Digest as _, Sha1};
    let shape = format!(
        "{}\0{}\0{:?}\0{:?}\0{}\0{}\0{}\0{:?}\0{:?}\0{:?}\0{}\0{:?}\0{:?}",
        spec.name,
        spec.filter,
        spec.kind,
        spec.groupby,
        spec.capacity,
        spec.leakspeed,
        spec.duration,
        spec.distinct,
        spec.condition,
        spec.cancel_on,
        spec.cache_size,
        spec.scope,
        spec.weights,
    );
    overflow::hex(&Sha1::digest(shape.as_bytes()))
}

fn store(bucket: &Bucket, scenario: String) -> StoredBucket {
    let mut seen: Vec<String> = bucket.seen.iter().map(ToString::to_string).collect();
    seen.sort_unstable();
    let text = |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.time.rfc3339_nano());
    StoredBucket {
        scenario,
        partition: bucket.key.partition.to_string(),
        live: bucket.mode == Mode::Live,
        limiter: bucket.limiter,
        first: text(&bucket.first),
        last: text(&bucket.last),
        total: bucket.total,
        seen,
        deadline: bucket.deadline,
        stuck: bucket.stuck.clone(),
        events: bucket
            .queue
            .events()
            .iter()
            .map(|event| event::store(event))
            .collect(),
    }
}

fn bucket(stored: StoredBucket, owner: ScenarioId, key: Key, spec: &Spec) -> Bucket {
    let moment = |text: Option<String>| {
        text.and_then(|text| Time::parse(golang::time::RFC3339, &text).ok())
            .map(Moment::new)
    };
    let mut queue = Queue::new(spec.capacity, spec.cache_size);
    for event in stored.events {
        queue.push(Arc::new(event::restore(event)));
    }
    let mut stuck = stored.stuck;
    stuck.resize(spec.weights.len(), false);
    Bucket {
        owner,
        key,
        instance: 0,
        kind: spec.kind,
        mode: if stored.live {
            Mode::Live
        } else {
            Mode::TimeMachine
        },
        limiter: stored.limiter,
        queue,
        first: moment(stored.first),
        last: moment(stored.last),
        total: stored.total,
        seen: stored
            .seen
            .into_iter()
            .take(DISTINCT_BOUND)
            .map(String::into_boxed_str)
            .collect(),
        deadline: stored.deadline,
        stuck,
    }
}
