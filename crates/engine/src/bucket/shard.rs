//! A shard: the buckets of some keys, owned by one task and fed in line order, so that verdicts depend on nothing else.

use std::sync::Arc;

use super::{
    Arrival, Bucket, Closed, DISTINCT_BOUND, Judge, Key, KeyRef, Moment, Pour, ScenarioId,
    blackhole::Blackhole,
    counts::Counts,
    limiter::Limiter,
    queue::Queue,
    slab::Slab,
    spec::{BucketKind, Spec},
    wheel::Wheel,
};
use crate::{Mode, Text};

/// How many buckets one scenario may have open in one shard unless the settings say otherwise.
pub const BUCKETS_PER_SCENARIO: usize = 100_000;

/// The buckets of a part of the keys.
#[derive(Debug)]
pub struct Shard {
    specs: Arc<[Spec]>,
    families: Arc<[u32]>,
    pub(super) slab: Slab,
    pub(super) blackholes: Vec<Option<Blackhole<Key>>>,
    wheel: Wheel<(u32, u64)>,
    counts: Counts,
    limit: usize,
    instances: u64,
}

impl Shard {
    /// Returns an empty shard for `specs`, which are in load order; `families` numbers their (filter, name) pairs.
    /// A scenario may have `limit` buckets open; then the one left alone longest is dropped and counted.
    pub fn new(specs: Arc<[Spec]>, families: Arc<[u32]>, limit: usize) -> Self {
        let blackholes = specs
            .iter()
            .map(|spec| spec.blackhole.map(Blackhole::new))
            .collect();
        Self {
            slab: Slab::new(specs.len()),
            blackholes,
            wheel: Wheel::default(),
            counts: Counts::new(specs.len()),
            limit: limit.max(1),
            instances: 0,
            specs,
            families,
        }
    }

    /// Pours `arrival` into the bucket that `pour` names, made when it is not there; overflows go to `out`.
    ///
    /// Upstream: `manager_run.go: PourItemToHolders`, `bucket.go`.
    pub fn pour(&mut self, judge: &mut dyn Judge, arrival: &Arrival, pour: &Pour, out: &mut Vec<Closed>) {
        let specs = self.specs.clone();
        let Some(family) = self.families.get(pour.scenario as usize).copied() else {
            return;
        };
        let key = KeyRef {
            family,
            partition: &pour.partition,
        };
        let open = self
            .slab
            .find(&key)
            .and_then(|slot| self.still_open(slot, judge, arrival, out));
        if open.is_none() && specs[pour.scenario as usize].kind == BucketKind::Trigger {
            let key = Key {
                family,
                partition: Arc::from(pour.partition.as_str()),
            };
            self.pull_trigger(judge, arrival, pour.scenario, key, out);
            return;
        }
        let slot = open.unwrap_or_else(|| self.open(pour.scenario, family, &pour.partition, arrival));
        self.slab.touch(slot);
        let Some(owner) = self.slab.get(slot).map(|bucket| bucket.owner) else {
            return;
        };
        let spec = &specs[owner as usize];
        if spec.distinct.is_some() {
            let value = if owner == pour.scenario {
                pour.distinct.clone()
            } else {
                judge.distinct(owner, &arrival.event)
            };
            if value.is_some_and(|value| !self.is_new(slot, &value)) {
                return;
            }
        }
        if spec.cancel_on.is_some() && judge.cancels(owner, &arrival.event) {
            self.slab.remove(slot);
            self.counts.at(owner).canceled += 1;
            return;
        }
        self.counts
            .pour(owner, &arrival.event.line.src, &arrival.event.line.module);
        if let Some(stop) = self.fill(slot, spec, judge, arrival) {
            self.overflow(slot, stop, judge, out);
        }
    }

    /// Ends the buckets whose life is over at `now`: most silently, counters with an overflow into `out`.
    pub fn tick(&mut self, judge: &mut dyn Judge, now: &Moment, out: &mut Vec<Closed>) {
        while let Some(due) = self.wheel.pop_due(now.nanos) {
            for (slot, instance) in due {
                let Some(bucket) = self.slab.get(slot).filter(|bucket| bucket.instance == instance) else {
                    continue;
                };
                match bucket.deadline {
                    Some(deadline) if deadline > now.nanos => self.wheel.arm(deadline, (slot, instance)),
                    Some(_) => self.end(slot, now, judge, out),
                    None => {}
                }
            }
        }
    }

    /// Returns when [`Shard::tick`] has something to do, in nanoseconds since the epoch.
    pub fn next_deadline(&self) -> Option<i64> {
        self.wheel.next()
    }

    /// Puts back a bucket of a snapshot as if it had been opened here.
    pub(super) fn put_back(&mut self, mut bucket: Bucket) {
        if self.slab.len(bucket.owner) >= self.limit {
            self.counts.at(bucket.owner).evicted += 1;
            return;
        }
        self.instances += 1;
        bucket.instance = self.instances;
        let (deadline, instance) = (bucket.deadline, bucket.instance);
        let slot = self.slab.insert(bucket);
        if let Some(deadline) = deadline {
            self.wheel.arm(deadline, (slot, instance));
        }
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns how many buckets of `scenario` are open (`cs_buckets`).
    pub fn open_buckets(&self, scenario: ScenarioId) -> usize {
        self.slab.len(scenario)
    }

    /// Returns `slot` unless its bucket's life is over by the wall clock or by the log's.
    fn still_open(
        &mut self,
        slot: u32,
        judge: &mut dyn Judge,
        arrival: &Arrival,
        out: &mut Vec<Closed>,
    ) -> Option<u32> {
        let bucket = self.slab.get(slot)?;
        if bucket
            .deadline
            .is_some_and(|deadline| deadline <= arrival.now.nanos)
        {
            self.end(slot, &arrival.now, judge, out);
            return None;
        }
        if arrival.event.mode == Mode::TimeMachine
            && let (Some(last), Some(logged)) = (&bucket.last, &arrival.logged)
        {
            let lifetime = self.specs[bucket.owner as usize].lifetime().0;
            if logged.nanos > last.nanos.saturating_add(lifetime) {
                let owner = bucket.owner;
                self.slab.remove(slot);
                self.counts.at(owner).underflowed += 1;
                return None;
            }
        }
        Some(slot)
    }

    fn open(&mut self, scenario: ScenarioId, family: u32, partition: &Text, arrival: &Arrival) -> u32 {
        while self.slab.len(scenario) >= self.limit {
            let Some(oldest) = self.slab.oldest(scenario) else {
                break;
            };
            self.slab.remove(oldest);
            self.counts.at(scenario).evicted += 1;
        }
        let spec = &self.specs[scenario as usize];
        self.instances += 1;
        self.counts.at(scenario).instantiated += 1;
        let mode = arrival.event.mode;
        // A counter runs by the wall clock whatever the mode.
        let by_wall_clock = mode == Mode::Live || spec.kind == BucketKind::Counter;
        let deadline = by_wall_clock.then(|| arrival.now.nanos.saturating_add(spec.lifetime().0));
        let instance = self.instances;
        let slot = self.slab.insert(Bucket {
            owner: scenario,
            key: Key {
                family,
                partition: Arc::from(partition.as_str()),
            },
            instance,
            kind: spec.kind,
            mode,
            limiter: Limiter::new(spec.capacity, spec.leakspeed),
            queue: Queue::new(spec.capacity, spec.cache_size),
            first: None,
            last: None,
            total: 0,
            seen: std::collections::HashSet::default(),
            deadline,
            stuck: vec![false; spec.weights.len()],
        });
        if let Some(deadline) = deadline {
            self.wheel.arm(deadline, (slot, instance));
        }
        slot
    }

    /// Overflows at once, without a bucket that anyone could see.
    fn pull_trigger(
        &mut self,
        judge: &mut dyn Judge,
        arrival: &Arrival,
        scenario: ScenarioId,
        key: Key,
        out: &mut Vec<Closed>,
    ) {
        self.instances += 1;
        self.counts.at(scenario).instantiated += 1;
        // Upstream: `trigger.go` takes the wall clock for an event whose time cannot be read; other buckets drop it.
        let at = arrival.at(arrival.event.mode).unwrap_or(&arrival.now).clone();
        let closed = Closed {
            scenario,
            key,
            instance: self.instances,
            first: at.clone(),
            last: at.clone(),
            stop: at,
            total: 1,
            events: vec![arrival.event.clone()],
        };
        self.close(closed, judge, out);
    }

    fn is_new(&mut self, slot: u32, value: &str) -> bool {
        let Some(bucket) = self.slab.get_mut(slot) else {
            return true;
        };
        if bucket.seen.contains(value) {
            return false;
        }
        if bucket.seen.len() < DISTINCT_BOUND {
            bucket.seen.insert(Box::from(value));
        }
        true
    }

    /// Adds the event to the bucket and returns the time of the overflow that it causes.
    fn fill(&mut self, slot: u32, spec: &Spec, judge: &mut dyn Judge, arrival: &Arrival) -> Option<Moment> {
        let bucket = self.slab.get_mut(slot)?;
        let Some(at) = arrival.at(bucket.mode) else {
            let owner = bucket.owner;
            self.counts.at(owner).timeless += 1;
            return None;
        };
        bucket.total += 1;
        if bucket.first.is_none() {
            bucket.first = Some(at.clone());
        }
        bucket.last = Some(at.clone());
        if bucket.mode == Mode::Live && bucket.kind != BucketKind::Counter {
            bucket.deadline = Some(arrival.now.nanos.saturating_add(spec.lifetime().0));
        }
        let allowed = bucket.limiter.allow(at.nanos);
        bucket.queue.push(arrival.event.clone());
        if !allowed && bucket.kind != BucketKind::Conditional {
            return Some(at.clone());
        }
        if spec.condition.is_some() && judge.condition(&arrival.event, bucket.view()) {
            return Some(at.clone());
        }
        if bucket.kind == BucketKind::Bayesian && is_likely(bucket, spec, judge, arrival) {
            return Some(at.clone());
        }
        None
    }

    /// Ends a bucket whose time is over.
    fn end(&mut self, slot: u32, now: &Moment, judge: &mut dyn Judge, out: &mut Vec<Closed>) {
        let Some(bucket) = self.slab.get(slot) else { return };
        if bucket.kind == BucketKind::Counter && bucket.first.is_some() {
            self.overflow(slot, now.clone(), judge, out);
            return;
        }
        let owner = bucket.owner;
        self.slab.remove(slot);
        self.counts.at(owner).underflowed += 1;
    }

    fn overflow(&mut self, slot: u32, stop: Moment, judge: &mut dyn Judge, out: &mut Vec<Closed>) {
        let Some(bucket) = self.slab.remove(slot) else {
            return;
        };
        let (Some(first), Some(last)) = (bucket.first, bucket.last) else {
            return;
        };
        let closed = Closed {
            scenario: bucket.owner,
            key: bucket.key,
            instance: bucket.instance,
            first,
            last,
            stop,
            total: bucket.total,
            events: bucket.queue.into_events(),
        };
        self.close(closed, judge, out);
    }

    /// Counts an overflow and hands it on unless the overflow filter or the blackhole drops it.
    fn close(&mut self, closed: Closed, judge: &mut dyn Judge, out: &mut Vec<Closed>) {
        let scenario = closed.scenario;
        self.counts.at(scenario).overflowed += 1;
        let filtered = self.specs[scenario as usize].overflow_filter.is_some() && !judge.lets_pass(&closed);
        let blackhole = self
            .blackholes
            .get_mut(scenario as usize)
            .and_then(Option::as_mut);
        if filtered || blackhole.is_some_and(|hole| !hole.admit(&closed.key, closed.stop.nanos)) {
            self.counts.at(scenario).discarded += 1;
            return;
        }
        out.push(closed);
    }
}

/// Computes the posterior from the prior through every condition, in upstream's single precision.
fn is_likely(bucket: &mut Bucket, spec: &Spec, judge: &mut dyn Judge, arrival: &Arrival) -> bool {
    let mut posterior = spec.prior;
    for (index, weight) in spec.weights.iter().enumerate() {
        let stuck = bucket.stuck.get(index).copied().unwrap_or(false);
        let holds = stuck || judge.weight(index, &arrival.event, bucket.view());
        if holds && weight.guillotine {
            bucket.stuck[index] = true;
        }
        let (evil, benign) = if holds {
            (weight.given_evil, weight.given_benign)
        } else {
            (1.0 - weight.given_evil, 1.0 - weight.given_benign)
        };
        posterior = evil * posterior / (evil * posterior + benign * (1.0 - posterior));
    }
    posterior > spec.threshold
}

#[cfg(test)]
mod tests;
