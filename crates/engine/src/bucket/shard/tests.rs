//! Rules of buckets, one by one and against a naive simulation.

use std::collections::BTreeMap;

use golang::{duration::Duration, time::Time};
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    Event, Name, RawLine,
    bucket::{
        View,
        snapshot::Snapshot,
        spec::{Scope, Weight},
    },
};

/// Expressions of the tests: `distinct` is Meta.d, `cancel_on` is Meta.c, the condition counts the queue, the filter
/// of overflows and the weights look at Meta.w of the last event.
struct Rules {
    condition_at: usize,
}

impl Judge for Rules {
    fn distinct(&mut self, _: ScenarioId, event: &Arc<Event>) -> Option<Text> {
        event.meta.get("d").cloned()
    }

    fn cancels(&mut self, _: ScenarioId, event: &Arc<Event>) -> bool {
        event.meta.text("c") == "1"
    }

    fn condition(&mut self, _: &Arc<Event>, bucket: View<'_>) -> bool {
        bucket.queue.events().len() >= self.condition_at
    }

    fn weight(&mut self, index: usize, event: &Arc<Event>, _: View<'_>) -> bool {
        event.meta.text("w").contains(&index.to_string())
    }

    fn lets_pass(&mut self, closed: &Closed) -> bool {
        closed
            .events
            .last()
            .is_some_and(|event| event.meta.text("w") != "no")
    }
}

fn spec(kind: BucketKind, capacity: i64, leak_seconds: i64) -> Spec {
    Spec {
        name: Name::new("test/scenario"),
        file: Arc::from("test.yaml"),
        line: 1,
        version: Arc::from("0.1"),
        hash: Arc::from(""),
        description: "x".to_owned(),
        kind,
        filter: Arc::from("true"),
        groupby: None,
        capacity,
        leakspeed: Duration::from_secs(leak_seconds),
        duration: Duration::ZERO,
        blackhole: None,
        distinct: None,
        condition: None,
        cancel_on: None,
        overflow_filter: None,
        cache_size: 0,
        scope: Scope {
            name: Name::new("Ip"),
            expression: None,
        },
        remediation: true,
        reprocess: false,
        data: Vec::new(),
        prior: 0.5,
        threshold: 0.8,
        weights: Vec::new(),
    }
}

/// A line of a test: second, partition, and Meta.d / c / w as `key=value`.
type Step<'a> = (i64, &'a str, &'a str);

struct Bench {
    shard: Shard,
    rules: Rules,
    mode: Mode,
}

impl Bench {
    fn new(specs: Vec<Spec>, mode: Mode) -> Self {
        let families: Arc<[u32]> = specs.iter().map(|_| 0).collect();
        Self {
            shard: Shard::new(specs.into(), families, 1000),
            rules: Rules { condition_at: 3 },
            mode,
        }
    }

    fn pour(&mut self, scenario: ScenarioId, (second, partition, meta): Step<'_>) -> Vec<Closed> {
        let at = Timestamp::from_second(second).expect("in range");
        let mut event = Event::from_line(
            RawLine {
                text: Text::from("line"),
                source: Arc::from("test.log"),
                labels: Arc::default(),
                module: Name::new("file"),
                at,
            },
            self.mode,
        );
        event.marshaled_time = Text::from(Time::from_timestamp(at).rfc3339_nano());
        for pair in meta.split_whitespace() {
            let (key, value) = pair.split_once('=').expect("key=value");
            event.meta.set(Name::new(key), Text::from(value));
        }
        let now = if self.mode == Mode::Live {
            at
        } else {
            Timestamp::from_second(1_000_000).expect("in range")
        };
        let distinct = event.meta.get("d").cloned();
        let arrival = Arrival::new(Arc::new(event), now);
        let mut out = Vec::new();
        self.shard.tick(&mut self.rules, &arrival.now, &mut out);
        let pour = Pour {
            scenario,
            partition: Text::from(partition),
            distinct,
        };
        self.shard.pour(&mut self.rules, &arrival, &pour, &mut out);
        out
    }

    /// Returns (index of the step, events counted, events kept) of every overflow.
    fn run(&mut self, steps: &[Step<'_>]) -> Vec<(usize, u64, usize)> {
        steps
            .iter()
            .enumerate()
            .flat_map(|(index, step)| {
                self.pour(0, *step)
                    .into_iter()
                    .map(move |closed| (index, closed.total, closed.events.len()))
            })
            .collect()
    }
}

fn check(spec: Spec, steps: &[Step<'_>], expected: &[(usize, u64, usize)]) {
    let mut log = Bench::new(vec![spec.clone()], Mode::TimeMachine);
    assert_eq!(log.run(steps), expected, "by the log's clock");
    let mut live = Bench::new(vec![spec], Mode::Live);
    assert_eq!(live.run(steps), expected, "by the wall clock");
}

#[test]
fn a_leaky_bucket_overflows_on_the_event_after_its_capacity() {
    check(
        spec(BucketKind::Leaky, 2, 10),
        &[(0, "a", ""), (1, "a", ""), (2, "a", ""), (3, "a", "")],
        &[(2, 3, 3)],
    );
}

#[test]
fn partitions_have_buckets_of_their_own() {
    check(
        spec(BucketKind::Leaky, 1, 10),
        &[(0, "a", ""), (0, "b", ""), (1, "b", ""), (1, "a", "")],
        &[(2, 2, 2), (3, 2, 2)],
    );
}

#[test]
fn a_leaked_event_still_counts() {
    // One token leaks back at second 10, so the fourth event is the one too many.
    check(
        spec(BucketKind::Leaky, 2, 10),
        &[(0, "a", ""), (1, "a", ""), (10, "a", ""), (11, "a", "")],
        &[(3, 4, 3)],
    );
}

#[test]
fn a_bucket_ends_after_capacity_plus_one_leaks_without_an_event() {
    let steps = [
        (0, "a", ""),
        (1, "a", ""),
        (32, "a", ""),
        (33, "a", ""),
        (34, "a", ""),
    ];
    let mut bench = Bench::new(vec![spec(BucketKind::Leaky, 2, 10)], Mode::TimeMachine);
    assert_eq!(bench.run(&steps), [(4, 3, 3)]);
    assert_eq!(bench.shard.counts().of(0).underflowed, 1);
    assert_eq!(bench.shard.counts().of(0).instantiated, 2);
}

#[test]
fn the_last_moment_of_a_bucket_belongs_to_it() {
    let mut bench = Bench::new(vec![spec(BucketKind::Leaky, 2, 10)], Mode::TimeMachine);
    bench.run(&[(0, "a", ""), (30, "a", "")]);
    assert_eq!(bench.shard.counts().of(0).instantiated, 1);
}

#[test]
fn a_trigger_overflows_at_once_and_counts_no_pour() {
    let mut bench = Bench::new(vec![spec(BucketKind::Trigger, 0, 0)], Mode::TimeMachine);
    assert_eq!(bench.run(&[(0, "a", ""), (0, "a", "")]), [(0, 1, 1), (1, 1, 1)]);
    assert_eq!(bench.shard.counts().poured(0), 0);
    assert_eq!(bench.shard.counts().of(0).instantiated, 2);
}

#[test]
fn a_value_seen_before_counts_for_nothing() {
    let spec = Spec {
        distinct: Some("d".to_owned()),
        ..spec(BucketKind::Leaky, 1, 10)
    };
    check(
        spec.clone(),
        &[(0, "a", "d=x"), (1, "a", "d=x"), (2, "a", "d=y")],
        &[(2, 2, 2)],
    );
    // The life-time runs from the last event taken, so the repeated value at 15 does not keep the bucket alive.
    check(spec, &[(0, "a", "d=x"), (15, "a", "d=x"), (21, "a", "d=y")], &[]);
}

#[test]
fn a_blackhole_hides_later_overflows_of_the_same_partition() {
    let spec = Spec {
        blackhole: Some(Duration::from_secs(60)),
        ..spec(BucketKind::Trigger, 0, 0)
    };
    check(
        spec,
        &[(0, "a", ""), (59, "a", ""), (59, "b", ""), (60, "a", "")],
        &[(0, 1, 1), (2, 1, 1), (3, 1, 1)],
    );
}

#[test]
fn cancel_on_ends_the_bucket_and_loses_the_event() {
    let spec = Spec {
        cancel_on: Some("c".to_owned()),
        ..spec(BucketKind::Leaky, 1, 10)
    };
    let mut bench = Bench::new(vec![spec], Mode::TimeMachine);
    assert_eq!(
        bench.run(&[(0, "a", ""), (1, "a", "c=1"), (2, "a", ""), (3, "a", "")]),
        [(3, 2, 2)]
    );
    assert_eq!(bench.shard.counts().of(0).canceled, 1);
}

#[test]
fn a_condition_overflows_whatever_the_tokens() {
    let spec = Spec {
        condition: Some("x".to_owned()),
        ..spec(BucketKind::Conditional, -1, 10)
    };
    check(
        spec,
        &[(0, "a", ""), (1, "a", ""), (2, "a", ""), (3, "a", "")],
        &[(2, 3, 3)],
    );
}

#[test]
fn the_queue_keeps_the_cache_size_and_one_more() {
    let spec = Spec {
        cache_size: 2,
        ..spec(BucketKind::Leaky, 5, 10)
    };
    check(spec, &[(0, "a", ""); 6], &[(5, 6, 3)]);
}

#[test]
fn an_overflow_filter_drops_the_overflow_but_ends_the_bucket() {
    let spec = Spec {
        overflow_filter: Some("x".to_owned()),
        ..spec(BucketKind::Leaky, 1, 10)
    };
    let mut bench = Bench::new(vec![spec], Mode::TimeMachine);
    assert_eq!(
        bench.run(&[(0, "a", ""), (0, "a", "w=no"), (0, "a", ""), (0, "a", "")]),
        [(3, 2, 2)]
    );
    assert_eq!(
        (
            bench.shard.counts().of(0).overflowed,
            bench.shard.counts().of(0).discarded
        ),
        (2, 1)
    );
}

#[test]
fn a_counter_fires_a_fixed_time_after_its_first_event() {
    let spec = Spec {
        duration: Duration::from_secs(10),
        ..spec(BucketKind::Counter, -1, 0)
    };
    let mut bench = Bench::new(vec![spec], Mode::Live);
    assert_eq!(bench.run(&[(0, "a", ""), (5, "a", ""), (9, "a", "")]), []);
    let mut out = Vec::new();
    let now = Moment::utc(Timestamp::from_second(11).expect("in range"));
    bench.shard.tick(&mut bench.rules, &now, &mut out);
    assert_eq!(out.iter().map(|closed| closed.total).collect::<Vec<_>>(), [3]);
}

#[test]
fn an_idle_live_bucket_underflows_on_the_wheel() {
    let mut bench = Bench::new(vec![spec(BucketKind::Leaky, 2, 10)], Mode::Live);
    bench.run(&[(0, "a", ""), (20, "a", "")]);
    let mut out = Vec::new();
    for (second, open) in [(45, 1), (51, 0)] {
        let now = Moment::utc(Timestamp::from_second(second).expect("in range"));
        bench.shard.tick(&mut bench.rules, &now, &mut out);
        assert_eq!(bench.shard.open_buckets(0), open, "at second {second}");
    }
    assert_eq!(
        (
            bench.shard.counts().of(0).underflowed,
            bench.shard.next_deadline(),
            out.len()
        ),
        (1, None, 0)
    );
}

#[test]
fn bayesian_conditions_multiply_and_a_guillotine_stays() {
    let weight = |guillotine| Weight {
        condition: String::new(),
        given_evil: 0.8,
        given_benign: 0.2,
        guillotine,
    };
    let weights = vec![weight(true), weight(false)];
    let spec = Spec {
        weights,
        threshold: 0.9,
        ..spec(BucketKind::Bayesian, -1, 10)
    };
    // 0 alone: 0.8 · 0.2 against 0.2 · 0.8 is even; with 1 later both hold and the posterior is 0.94.
    check(spec, &[(0, "a", "w=0"), (1, "a", "w=1")], &[(1, 2, 2)]);
}

#[test]
fn documents_of_one_name_and_filter_share_the_bucket_of_the_first() {
    let first = spec(BucketKind::Leaky, 3, 10);
    let second = Spec {
        capacity: 50,
        ..first.clone()
    };
    let mut bench = Bench::new(vec![first, second], Mode::TimeMachine);
    let mut overflows = Vec::new();
    for second in 0..2 {
        for scenario in 0..2 {
            overflows.extend(
                bench
                    .pour(scenario, (second, "a", ""))
                    .into_iter()
                    .map(|c| (second, scenario, c.scenario, c.total)),
            );
        }
    }
    assert_eq!(overflows, [(1, 1, 0, 4)]);
}

#[test]
fn beyond_its_limit_a_scenario_loses_the_bucket_left_alone_longest() {
    let mut bench = Bench::new(vec![spec(BucketKind::Leaky, 1, 10)], Mode::TimeMachine);
    bench.shard.limit = 2;
    assert_eq!(
        bench.run(&[
            (0, "a", ""),
            (0, "b", ""),
            (1, "c", ""),
            (1, "b", ""),
            (1, "a", "")
        ]),
        [(3, 2, 2)]
    );
    assert_eq!(
        (bench.shard.counts().of(0).evicted, bench.shard.open_buckets(0)),
        (1, 2)
    );
}

#[test]
fn an_event_without_a_time_is_not_poured_in_time_machine() {
    let mut bench = Bench::new(vec![spec(BucketKind::Leaky, 1, 10)], Mode::TimeMachine);
    let mut event = Event::from_line(
        RawLine {
            text: Text::default(),
            source: Arc::from(""),
            labels: Arc::default(),
            module: Name::new("file"),
            at: Timestamp::UNIX_EPOCH,
        },
        Mode::TimeMachine,
    );
    event.marshaled_time = Text::from("yesterday");
    let arrival = Arrival::new(Arc::new(event), Timestamp::UNIX_EPOCH);
    let mut out = Vec::new();
    for _ in 0..5 {
        let pour = Pour {
            scenario: 0,
            partition: Text::default(),
            distinct: None,
        };
        bench.shard.pour(&mut bench.rules, &arrival, &pour, &mut out);
    }
    assert_eq!((out.len(), bench.shard.counts().of(0).timeless), (0, 5));
}

#[test]
fn a_half_filled_bucket_goes_on_after_a_restart() {
    for mode in [Mode::TimeMachine, Mode::Live] {
        let spec = Spec {
            distinct: Some("d".to_owned()),
            blackhole: Some(Duration::from_secs(60)),
            ..spec(BucketKind::Leaky, 2, 10)
        };
        let steps = [
            (0, "b", "d=1"),
            (0, "b", "d=2"),
            (0, "b", "d=3"),
            (1, "a", "d=x"),
            (2, "a", "d=y"),
        ];
        let mut before = Bench::new(vec![spec.clone()], mode);
        assert_eq!(before.run(&steps).len(), 1);
        let stored = Snapshot::of(std::slice::from_ref(&before.shard), std::slice::from_ref(&spec));
        let text = serde_json::to_string(&stored).expect("plain data");
        let stored: Snapshot = serde_json::from_str(&text).expect("what was written");

        let mut after = Bench::new(vec![spec.clone()], mode);
        let shards = std::slice::from_mut(&mut after.shard);
        let restored = stored.restore(shards, std::slice::from_ref(&spec), &[0], &|_, _| 0);
        assert_eq!((restored.buckets, restored.dropped), (1, 0));
        // x is known, z is the third; the other partition is still silent.
        let steps = [
            (3, "a", "d=x"),
            (4, "a", "d=z"),
            (5, "b", "d=1"),
            (5, "b", "d=2"),
            (5, "b", "d=3"),
        ];
        let seen: Vec<(u64, String)> = steps
            .iter()
            .flat_map(|step| after.pour(0, *step))
            .map(|closed| (closed.total, closed.events[0].meta.text("d").to_owned()))
            .collect();
        assert_eq!(seen, [(3, "x".to_owned())], "{mode:?}");

        let changed = Spec { capacity: 3, ..spec };
        let stored: Snapshot = serde_json::from_str(&text).expect("what was written");
        let mut other = Bench::new(vec![changed.clone()], mode);
        let restored = stored.restore(
            std::slice::from_mut(&mut other.shard),
            &[changed],
            &[0],
            &|_, _| 0,
        );
        assert_eq!((restored.buckets, restored.dropped), (0, 1));
    }
}

#[test]
fn a_trigger_takes_the_wall_clock_when_the_event_has_no_time() {
    let mut bench = Bench::new(vec![spec(BucketKind::Trigger, 0, 0)], Mode::TimeMachine);
    let line = RawLine {
        text: Text::default(),
        source: Arc::from(""),
        labels: Arc::default(),
        module: Name::new("file"),
        at: Timestamp::UNIX_EPOCH,
    };
    let event = Event::from_line(line, Mode::TimeMachine);
    let arrival = Arrival::new(Arc::new(event), Timestamp::from_second(7).expect("in range"));
    let mut out = Vec::new();
    let pour = Pour {
        scenario: 0,
        partition: Text::default(),
        distinct: None,
    };
    bench.shard.pour(&mut bench.rules, &arrival, &pour, &mut out);
    assert_eq!(
        out.iter().map(|closed| closed.stop.nanos).collect::<Vec<_>>(),
        [7_000_000_000]
    );
}

/// The same rules written as naively as possible: whole seconds, integers, one vector of events a partition.
struct Naive {
    capacity: i64,
    leak: i64,
    blackhole: i64,
    open: BTreeMap<String, Vec<(i64, String)>>,
    tokens: BTreeMap<String, (i64, i64)>,
    hidden: BTreeMap<String, i64>,
}

impl Naive {
    fn step(&mut self, second: i64, partition: &str, value: &str) -> Option<u64> {
        let full = self.capacity * self.leak;
        let events = self.open.entry(partition.to_owned()).or_default();
        if events
            .last()
            .is_some_and(|(last, _)| second > last + (self.capacity + 1) * self.leak)
        {
            events.clear();
        }
        if events.is_empty() {
            self.tokens.insert(partition.to_owned(), (full, second));
        }
        if events.iter().any(|(_, seen)| seen == value) {
            return None;
        }
        events.push((second, value.to_owned()));
        let (units, since) = self.tokens[partition];
        let have = (units + second - since).min(full);
        if have >= self.leak {
            self.tokens
                .insert(partition.to_owned(), (have - self.leak, second));
            return None;
        }
        let total = events.len() as u64;
        events.clear();
        if self.hidden.get(partition).is_some_and(|until| *until > second) {
            return None;
        }
        self.hidden.insert(partition.to_owned(), second + self.blackhole);
        Some(total)
    }
}

proptest! {
    #[test]
    fn a_shard_agrees_with_the_naive_simulation(
        capacity in 1_i64..5,
        leak in 1_i64..20,
        blackhole in 1_i64..60,
        steps in proptest::collection::vec((0_i64..12, 0_u8..3, 0_u8..9), 1..150),
        live in any::<bool>(),
    ) {
        let spec = Spec {
            distinct: Some("d".to_owned()),
            blackhole: Some(Duration::from_secs(blackhole)),
            ..spec(BucketKind::Leaky, capacity, leak)
        };
        let mut bench = Bench::new(vec![spec], if live { Mode::Live } else { Mode::TimeMachine });
        let mut naive = Naive {
            capacity, leak, blackhole,
            open: BTreeMap::new(), tokens: BTreeMap::new(), hidden: BTreeMap::new(),
        };
        let mut second = 0;
        for (delta, partition, value) in steps {
            // Steps of whole seconds that never hit the exact end of a live bucket, where the two clocks differ.
            second += delta;
            let partition = format!("p{partition}");
            let at_the_end = naive.open.get(&partition).and_then(|events| events.last())
                .is_some_and(|(last, _)| second == last + (capacity + 1) * leak);
            if live && at_the_end {
                second += 1;
            }
            let value = format!("v{value}");
            let meta = format!("d={value}");
            let seen: Vec<u64> = bench.pour(0, (second, &partition, &meta)).iter().map(|c| c.total).collect();
            let expected: Vec<u64> = naive.step(second, &partition, &value).into_iter().collect();
            prop_assert_eq!(seen, expected, "at second {} in {}", second, partition);
        }
    }
}
