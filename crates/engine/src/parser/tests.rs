//! The rules of stages and nodes, one by one, on small items written here.

mod refused;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Parsed, Recorder};
use crate::{
    Event, ItemFile, Kind, Mode, Name, RawLine, Rules, Settings, World, counters::Totals, world::PatternFile,
};

/// Patterns the tests lean on.
const PATTERNS: &str = r"
WORD \b\w+\b
INT [+-]?[0-9]+
DATA .*?
GREEDYDATA .*
PAIR %{WORD:key}=%{WORD:value}
";

/// The outcome of one line.
struct Seen {
    parsed: Parsed,
    event: Event,
    /// Stage, node and success of every top-level node, in order.
    nodes: Vec<(String, String, bool)>,
    totals: Totals,
}

#[derive(Default)]
struct Log {
    event: Option<Event>,
    nodes: Vec<(String, String, bool)>,
}

impl Recorder for Log {
    fn node(&mut self, stage: &str, name: &str, success: bool, event: &Event) {
        self.nodes.push((stage.to_owned(), name.to_owned(), success));
        self.event = Some(event.clone());
    }
}

fn world() -> World {
    World {
        patterns: vec![PatternFile {
            name: "base".to_owned(),
            text: PATTERNS.to_owned(),
        }],
        ..World::default()
    }
}

/// Makes an item of every text; the stage is its first word, `s00-raw/a.yaml`.
fn items(files: &[(&str, &str)]) -> Vec<ItemFile> {
    files
        .iter()
        .map(|(path, text)| ItemFile {
            kind: Kind::Parser,
            stage: path.split('/').next().unwrap().to_owned(),
            path: format!("parsers/{path}"),
            name: format!("me/{path}"),
            version: String::new(),
            hash: String::new(),
            text: (*text).to_owned(),
        })
        .collect()
}

fn rules(files: &[(&str, &str)]) -> Rules {
    Rules::load(&items(files), world(), Settings::default()).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        )
    })
}

fn line(text: &str) -> RawLine {
    RawLine {
        text: text.into(),
        source: Arc::from("file.log"),
        labels: Arc::new(BTreeMap::from([("type".to_owned(), "test".to_owned())])),
        module: Name::new("file"),
        at: now(),
    }
}

fn now() -> Timestamp {
    "2024-05-06T07:08:09Z".parse().unwrap()
}

fn run(files: &[(&str, &str)], text: &str) -> Seen {
    let rules = rules(files);
    let mut log = Log::default();
    let mut worker = rules.worker();
    let parsed = rules.parse_recorded(&mut worker, line(text), Mode::Live, now(), Some(&mut log));
    Seen {
        parsed,
        event: log.event.expect("a node ran"),
        nodes: log.nodes,
        totals: rules.totals(),
    }
}

impl Seen {
    fn parsed(&self) -> BTreeMap<&str, &str> {
        self.event.parsed.sorted()
    }

    fn meta(&self) -> BTreeMap<&str, &str> {
        self.event.meta.sorted()
    }

    fn success(&self, name: &str) -> Option<bool> {
        self.nodes
            .iter()
            .find(|(_, node, _)| node == name)
            .map(|(_, _, success)| *success)
    }

    fn count(&self, metric: &str, name: &str) -> u64 {
        self.totals
            .iter()
            .filter(|(s, _)| s.metric == metric && s.name == name)
            .map(|(_, n)| n)
            .sum()
    }
}

#[test]
fn a_group_that_took_no_part_empties_what_was_captured_before() {
    let seen = run(
        &[(
            "s00/a.yaml",
            "name: me/a
nodes:
  - grok: {pattern: '^%{WORD:first} %{WORD:second}', apply_on: Line.Raw}
  - grok: {pattern: '^%{WORD:first}( x%{WORD:second})?', apply_on: Line.Raw}
",
        )],
        "one two",
    );
    assert_eq!(seen.parsed(), BTreeMap::from([("first", "one"), ("second", "")]));
}

#[test]
fn a_grok_without_semantics_never_succeeds() {
    let seen = run(
        &[(
            "s00/a.yaml",
            "name: me/a\ngrok: {pattern: '%{WORD}', apply_on: Line.Raw}",
        )],
        "one",
    );
    assert_eq!(seen.success("me/a"), Some(false));
}

#[test]
fn a_semantic_used_twice_is_that_of_its_last_occurrence() {
    let grok = |pattern: &str, text: &str| {
        let seen = run(
            &[(
                "s00/a.yaml",
                &format!("name: me/a\ngrok: {{pattern: '{pattern}', apply_on: Line.Raw}}"),
            )],
            text,
        );
        seen.parsed()
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect::<Vec<_>>()
    };
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(grok("^(?:%{WORD:x}-|%{INT:x})", "ab-"), [pair("x", "")]);
    assert_eq!(grok("^%{WORD:x} %{WORD:x}", "a b"), [pair("x", "b")]);
    // Inner names come out, unless the level above uses them itself.
    assert_eq!(grok("%{PAIR}", "a=b"), [pair("key", "a"), pair("value", "b")]);
    assert_eq!(
        grok("%{PAIR:key}", "a=b"),
        [pair("key", "a=b"), pair("value", "b")]
    );
    // Groups of the pattern itself are not captured, typed references stay text.
    assert_eq!(grok("(?P<own>a)=%{WORD:v}", "a=b"), [pair("v", "b")]);
    assert_eq!(grok("^%{WORD:v}(?:%{INT:n:int})?", "a"), [pair("v", "a")]);
}

#[test]
fn a_parent_without_grok_takes_the_state_of_its_last_child() {
    let node = |own: &str, children: &[&str]| {
        let child = |p: &&str| format!("  - grok: {{pattern: '{p}', apply_on: Line.Raw}}\n");
        let children = children.iter().map(child).collect::<Vec<_>>().concat();
        run(
            &[("s00/a.yaml", &format!("name: me/a\n{own}nodes:\n{children}"))],
            "one two",
        )
        .success("me/a")
    };
    let (good, bad) = ("%{WORD:w}", "^%{INT:i}");
    assert_eq!(node("", &[good, bad]), Some(false));
    assert_eq!(node("", &[bad, good]), Some(true));
    assert_eq!(
        node("onsuccess: next_stage\n", &[good, bad]),
        Some(true),
        "the first success ends the children"
    );
    let own = "grok: {pattern: '%{WORD:own}', apply_on: Line.Raw}\n";
    assert_eq!(
        node(own, &[good, bad]),
        Some(true),
        "its own grok outweighs a failed child"
    );
    let own = "grok: {pattern: '^%{INT:own}', apply_on: Line.Raw}\n";
    assert_eq!(
        node(own, &[bad, good]),
        Some(true),
        "a successful child outweighs a failed grok"
    );
}

#[test]
fn what_a_failed_node_wrote_stays() {
    let seen = run(
        &[(
            "s00/a.yaml",
            "name: me/a
nodes:
  - grok: {pattern: '^%{WORD:first}', apply_on: Line.Raw, statics: [{meta: m, value: kept}]}
    statics: [{meta: child, value: kept}]
  - grok: {pattern: '^%{INT:n}', apply_on: Line.Raw}
statics: [{meta: parent, value: never}]
",
        )],
        "one",
    );
    assert_eq!(seen.success("me/a"), Some(false));
    assert_eq!(seen.parsed(), BTreeMap::from([("first", "one")]));
    assert_eq!(seen.meta(), BTreeMap::from([("child", "kept"), ("m", "kept")]));
}

const FIRST: &str = "name: me/first\nonsuccess: next_stage\nstatics: [{parsed: message, value: m}]";
const LAST: &str = "name: me/last\nstatics: [{meta: done, value: 'yes'}]";

#[test]
fn a_stage_is_left_only_by_a_success_with_next_stage() {
    let seen = run(&[("s00/a.yaml", FIRST), ("s01/a.yaml", LAST)], "x");
    assert!(matches!(seen.parsed, Parsed::Kept(_)));
    let stays = "name: me/first\nstatics: [{parsed: message, value: m}]";
    let seen = run(&[("s00/a.yaml", stays), ("s01/a.yaml", LAST)], "x");
    assert!(matches!(seen.parsed, Parsed::Unparsed));
    assert_eq!(seen.success("me/last"), None);
}

#[test]
fn the_last_stage_needs_a_success_too() {
    let fails = "name: me/last\ngrok: {pattern: '^%{INT:n}', apply_on: Line.Raw}";
    let seen = run(&[("s00/a.yaml", FIRST), ("s01/a.yaml", fails)], "x");
    assert!(matches!(seen.parsed, Parsed::Unparsed));
}

#[test]
fn a_success_with_next_stage_ends_the_stage() {
    let second = "name: me/second\nstatics: [{meta: second, value: ran}]";
    let seen = run(
        &[
            ("s00/a.yaml", FIRST),
            ("s00/b.yaml", second),
            ("s01/a.yaml", LAST),
        ],
        "x",
    );
    assert_eq!(
        (seen.success("me/second"), seen.success("me/last")),
        (None, Some(true))
    );
}

#[test]
fn child_and_parent_may_both_advance_and_jump_a_stage() {
    let jumps = "name: me/first\nonsuccess: next_stage\nnodes:\n  - onsuccess: next_stage\n    statics: [{meta: a, value: b}]";
    let files = [
        ("s00/a.yaml", jumps),
        ("s01/a.yaml", LAST),
        ("s02/a.yaml", "name: me/end\nstatics: [{meta: e, value: f}]"),
    ];
    let seen = run(&files, "x");
    let names: Vec<&str> = seen.nodes.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["me/first", "me/end"]);
    assert!(matches!(seen.parsed, Parsed::Kept(_)));
    // With two stages the second move has nowhere to go.
    let seen = run(&files[..2], "x");
    assert!(matches!(seen.parsed, Parsed::Kept(_)));
}

#[test]
fn a_child_that_advances_ends_the_stage_even_when_its_parent_does_not() {
    let first = "name: me/first\nnodes:\n  - onsuccess: next_stage\n    statics: [{meta: a, value: b}]";
    let seen = run(
        &[
            ("s00/a.yaml", first),
            ("s00/b.yaml", "name: me/b\nstatics: [{meta: c, value: d}]"),
            ("s01/a.yaml", LAST),
        ],
        "x",
    );
    assert_eq!(
        (seen.success("me/b"), seen.success("me/last")),
        (None, Some(true))
    );
}

#[test]
fn files_of_a_stage_run_in_the_order_of_their_paths() {
    let node = |name: &str| format!("name: {name}\nstatics: [{{meta: m, value: {name}}}]");
    let (b, a) = (node("b"), node("a"));
    let seen = run(&[("s00/2.yaml", &b), ("s00/10.yaml", &a)], "x");
    assert_eq!(
        seen.meta(),
        BTreeMap::from([("m", "b")]),
        "10.yaml sorts before 2.yaml"
    );
}

#[test]
fn a_whitelist_drops_the_event_and_its_first_reason_stays() {
    let source = "name: me/source\nstatics: [{meta: source_ip, value: 10.1.2.3}]";
    let by_cidr =
        "name: me/cidr\nwhitelist: {reason: home, cidr: [10.0.0.1/8]}\nstatics: [{meta: w, value: cidr}]";
    let by_ip = "name: me/ip\nwhitelist: {reason: later, ip: [10.1.2.3]}";
    let misses = "name: me/miss\nwhitelist: {reason: no, ip: ['::ffff:10.1.2.3', 10.1.2.4]}\nstatics: [{meta: miss, value: ran}]";
    let seen = run(
        &[
            ("s00/a.yaml", source),
            ("s00/b.yaml", by_cidr),
            ("s00/c.yaml", by_ip),
            ("s00/d.yaml", misses),
        ],
        "x",
    );
    assert!(
        matches!(&seen.parsed, Parsed::Whitelisted { reason } if reason == "home"),
        "{:?}",
        seen.parsed
    );
    assert_eq!(
        seen.success("me/miss"),
        Some(true),
        "a whitelist node succeeds whether or not it matched"
    );
    assert_eq!(
        seen.meta(),
        BTreeMap::from([("source_ip", "10.1.2.3"), ("w", "cidr")])
    );
    let counts = ["me/cidr", "me/ip", "me/miss"].map(|name| {
        (
            seen.count("cs_node_wl_hits_total", name),
            seen.count("cs_node_wl_hits_ok_total", name),
        )
    });
    assert_eq!(counts, [(1, 1), (1, 1), (1, 0)]);
}

#[test]
fn a_static_with_an_empty_value_does_not_erase() {
    let a = "name: me/a\nnodes:\n  - grok: {pattern: '^%{WORD:w}( %{INT:none})?', apply_on: Line.Raw}\nstatics:\n  - {meta: m, value: set}\n  - {meta: m, expression: evt.Parsed.none}";
    assert_eq!(
        run(&[("s00/a.yaml", a)], "one").meta(),
        BTreeMap::from([("m", "set")])
    );
}

#[test]
fn statics_turn_numbers_into_text_as_go_does_and_see_those_before_them() {
    let a = "name: me/a
statics:
  - {parsed: n, value: '12'}
  - {meta: int, expression: 12 + 1}
  - {meta: float, expression: 1.5 * 16}
  - {meta: fails, expression: evt.Unmarshaled.x.y}
  - {meta: list, expression: '[1]'}
  - {target: evt.StrTime, expression: evt.Meta.int}
  - {enriched: e, expression: evt.StrTime, meta: both}
";
    let seen = run(&[("s00/a.yaml", a)], "x");
    let expected = BTreeMap::from([("both", "13"), ("float", "24.000000"), ("int", "13")]);
    assert_eq!(seen.meta(), expected);
    assert_eq!(seen.event.str_time, "13");
}

#[test]
fn a_static_that_gives_a_bool_drops_the_event() {
    let a = "name: me/a\nstatics: [{meta: before, value: x}]";
    let b = "name: me/b\nstatics: [{meta: m, expression: 1 == 1}]";
    let seen = run(&[("s00/a.yaml", a), ("s00/b.yaml", b)], "x");
    assert!(matches!(seen.parsed, Parsed::Unparsed));
}

#[test]
fn a_filter_that_is_false_or_fails_or_is_no_bool_fails_the_node_uncounted() {
    for (filter, hits) in [
        ("evt.Line.Raw == 'x'", 1),
        ("1 == 2", 0),
        ("evt.Unmarshaled.x.y == 1", 0),
        ("evt.Line.Raw", 0),
    ] {
        let seen = run(
            &[(
                "s00/a.yaml",
                &format!("name: me/a\nfilter: \"{filter}\"\nstatics: [{{meta: m, value: v}}]"),
            )],
            "x",
        );
        assert_eq!(
            (seen.success("me/a"), seen.count("cs_node_hits_total", "me/a")),
            (Some(hits == 1), hits),
            "{filter}"
        );
    }
}

#[test]
fn an_expression_that_fails_ends_the_whitelist_but_not_the_node() {
    let a = "name: me/a\nwhitelist: {reason: r, expression: ['evt.Unmarshaled.x.y == 1', '1 == 1']}\nstatics: [{meta: m, value: v}]";
    let seen = run(&[("s00/a.yaml", a)], "x");
    assert!(!seen.event.whitelisted);
    assert_eq!((seen.success("me/a"), seen.meta().len()), (Some(true), 0));
}

#[test]
fn what_a_node_stashes_is_there_until_it_expires() {
    let a = "name: me/a
grok: {pattern: '^%{WORD:k} %{WORD:v}', apply_on: Line.Raw}
stash: [{name: cache, key: evt.Parsed.k, value: evt.Parsed.v, ttl: 10s, size: 5}]
statics: [{meta: done, value: 'yes'}]";
    let rules = rules(&[("s00/a.yaml", a)]);
    rules.parse(&mut rules.worker(), line("k v"), Mode::Live, now());
    let found = |seconds: i64| {
        let later = now()
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap();
        rules.world().stash.get("cache", "k", later)
    };
    assert_eq!([found(9).as_deref(), found(10).as_deref()], [Some("v"), None]);
}

#[test]
fn every_outcome_of_a_node_and_of_a_line_is_counted_once() {
    let a = "name: me/a\nnodes:\n  - grok: {pattern: '^%{WORD:w}', apply_on: Line.Raw}\n  - grok: {pattern: '^%{INT:n}', apply_on: Line.Raw}";
    let seen = run(&[("s00/a.yaml", a)], "x");
    let counts: Vec<(&str, &str, u64)> = seen.totals.iter().map(|(s, n)| (s.metric, s.name, *n)).collect();
    assert_eq!(
        counts,
        [
            ("cs_node_hits_ko_total", "child-me/a", 1),
            ("cs_node_hits_ko_total", "me/a", 1),
            ("cs_node_hits_ok_total", "child-me/a", 1),
            ("cs_node_hits_total", "child-me/a", 2),
            ("cs_node_hits_total", "me/a", 1),
            ("cs_parser_hits_ko_total", "", 1),
            ("cs_parser_hits_total", "", 1),
        ]
    );
    let (first, _) = seen.totals.iter().next().unwrap();
    assert_eq!(
        (&*first.source, &*first.kind, &*first.acquis_type, first.stage),
        ("file.log", "file", "test", "s00")
    );
}

#[test]
fn an_overflow_passes_the_post_overflow_stages_and_may_be_whitelisted() {
    let mut files = items(&[
        (
            "s00-enrich/a.yaml",
            "name: me/a\nonsuccess: next_stage\nstatics: [{target: evt.Overflow.Alert.Source.Scope, value: Range}]",
        ),
        (
            "s01-whitelist/b.yaml",
            "name: me/b\nwhitelist: {reason: friend, ip: [1.2.3.4]}",
        ),
    ]);
    for file in &mut files {
        file.kind = Kind::Postoverflow;
    }
    let rules = Rules::load(&files, world(), Settings::default()).unwrap();
    let source = crate::event::Source {
        ip: "1.2.3.4".into(),
        ..Default::default()
    };
    let overflow = crate::event::RuntimeAlert {
        identities: vec![crate::event::Identity {
            scope: "Ip".into(),
            value: "1.2.3.4".into(),
        }],
        sources: BTreeMap::from([("1.2.3.4".into(), source.clone())]),
        alerts: vec![crate::event::Alert {
            source: Some(source),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut event = Event::from_overflow(overflow, now(), "".into());
    rules.parse_overflow(&mut rules.worker(), &mut event, now(), None);
    let overflow = event.overflow.as_ref().unwrap();
    assert_eq!(
        (
            event.whitelisted,
            overflow.whitelisted,
            event.whitelist_reason.as_str()
        ),
        (true, true, "friend")
    );
    assert_eq!(
        overflow.identity(&overflow.sources["1.2.3.4"]),
        ("Range", "1.2.3.4")
    );
}

#[test]
fn what_a_filter_writes_is_there_for_later_nodes_and_stays_with_copies_of_the_event() {
    let a = "name: me/a
filter: UnmarshalJSON(evt.Line.Raw, evt.Unmarshaled, 'j') in ['', nil] && evt.SetMeta('seen', evt.Unmarshaled.j.who)
onsuccess: next_stage
statics: [{meta: number, expression: evt.Unmarshaled.j.n}]";
    let b = "name: me/b\nfilter: evt.Meta.seen == 'x' && evt.Unmarshaled.j.who == 'x'\nstatics: [{meta: done, value: 'yes'}]";
    let seen = run(
        &[("s00/a.yaml", a), ("s01/b.yaml", b)],
        r#"{"who": "x", "n": 200}"#,
    );
    assert_eq!(
        seen.meta(),
        BTreeMap::from([("done", "yes"), ("number", "200.000000"), ("seen", "x")])
    );
    let copy = seen.event.clone();
    let (one, other) = (seen.event.unmarshaled.unwrap(), copy.unmarshaled.unwrap());
    assert!(
        Arc::ptr_eq(&one, &other),
        "a copy shares the map until one of them writes"
    );
}

#[test]
fn the_log_time_becomes_the_time_of_the_event_in_time_machine_only() {
    let a = "name: me/a
statics:
  - {target: evt.StrTime, expression: evt.Line.Raw}
  - {method: ParseDate, expression: evt.StrTime}
  - {target: MarshaledTime, expression: evt.Enriched.MarshaledTime}";
    let rules = rules(&[("s00/a.yaml", a)]);
    let times = |mode| match rules.parse(
        &mut rules.worker(),
        line("2020-02-03T04:05:06+01:00"),
        mode,
        now(),
    ) {
        Parsed::Kept(event) => (event.time.rfc3339_nano(), event.marshaled_time.to_string()),
        other => panic!("{other:?}"),
    };
    let logged = "2020-02-03T04:05:06+01:00".to_owned();
    assert_eq!(
        times(Mode::Live),
        ("2024-05-06T07:08:09Z".to_owned(), logged.clone())
    );
    assert_eq!(times(Mode::TimeMachine), (logged.clone(), logged));
}

#[test]
fn a_line_without_a_readable_date_gets_the_time_of_the_run() {
    let a = "name: me/a\nstatics: [{method: ParseDate, expression: evt.StrTime}]";
    let seen = run(&[("s00/a.yaml", a)], "x");
    assert_eq!(seen.event.enriched.text("MarshaledTime"), "2024-05-06T07:08:09Z");
}
