//! What a scenario file may say, and what is answered when it says something else.

use super::*;
use crate::Kind;

const GOOD: &str = "type: leaky
name: me/test
description: x
filter: evt.Meta.log_type == 'x'
groupby: evt.Meta.source_ip
capacity: 5
leakspeed: 10s
blackhole: 1m
labels:
  service: ssh
  remediation: true
";

fn file(text: &str) -> ItemFile {
    ItemFile {
        kind: Kind::Scenario,
        stage: String::new(),
        path: "scenarios/me.yaml".to_owned(),
        name: "me/test".to_owned(),
        version: "0.1".to_owned(),
        hash: String::new(),
        text: text.to_owned(),
    }
}

/// Replaces the line of `GOOD` that begins like `line`, or adds it, and expects the problems.
fn check(line: &str, expected: &[&str]) {
    let key = line.split(':').next().expect("a key");
    let mut lines: Vec<&str> = GOOD.lines().filter(|known| !known.starts_with(key)).collect();
    if !line.ends_with(":-") {
        lines.push(line);
    }
    let text = format!("{}\n", lines.join("\n"));
    let problems: Vec<String> = load(&file(&text))
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(problems, expected, "{text}");
}

#[test]
fn a_good_document_loads() {
    let loaded = load(&file(GOOD));
    assert_eq!((&loaded.problems, &loaded.warnings), (&Vec::new(), &Vec::new()));
    let spec = &loaded.specs[0];
    assert_eq!(
        (spec.kind, spec.capacity, spec.leakspeed, spec.remediation),
        (BucketKind::Leaky, 5, Duration::from_secs(10), true)
    );
    assert_eq!(
        (spec.lifetime(), spec.blackhole),
        (Duration::from_secs(60), Some(Duration::MINUTE))
    );
    assert_eq!(
        (spec.scope.name.as_str(), spec.line, &*spec.version),
        ("Ip", 1, "0.1")
    );
}

#[test]
fn documents_of_one_file_load_in_order_and_an_empty_file_is_fine() {
    let second = GOOD.replace("me/test", "me/second");
    let loaded = load(&file(&format!("{GOOD}---\n{second}")));
    assert_eq!(loaded.problems, []);
    assert_eq!(
        loaded
            .specs
            .iter()
            .map(|spec| spec.name.as_str())
            .collect::<Vec<_>>(),
        ["me/test", "me/second"]
    );
    assert!(load(&file("")).problems.is_empty());
}

#[test]
fn only_the_boolean_true_asks_for_a_remediation() {
    for (text, expected) in [
        ("true", true),
        ("\"true\"", false),
        ("false", false),
        ("maybe", false),
        ("1", false),
    ] {
        let loaded = load(&file(
            &GOOD.replace("remediation: true", &format!("remediation: {text}")),
        ));
        assert_eq!(loaded.specs[0].remediation, expected, "{text}");
    }
}

#[test]
fn what_is_missing_or_out_of_range_is_named_with_its_place_and_cure() {
    check(
        "name:-",
        &["scenarios/me.yaml:1:1: me/test: name: name is missing (add `name:`)"],
    );
    check(
        "filter:-",
        &["scenarios/me.yaml:1:1: me/test: filter: filter is missing (add `filter:`)"],
    );
    check(
        "description:-",
        &["scenarios/me.yaml:1:1: me/test: description: description is missing (add `description:`)"],
    );
    check(
        "type: nope",
        &[
            "scenarios/me.yaml:11:1: me/test: type: there is no bucket type 'nope' (write one of leaky, trigger, \
           conditional, counter, bayesian)",
            "scenarios/me.yaml:5:1: me/test: capacity: invalid capacity '5': must be 0 (correct the number)",
        ],
    );
    check(
        "capacity: 0",
        &[
            "scenarios/me.yaml:11:1: me/test: capacity: invalid capacity '0': must be > 0 (correct the number)",
        ],
    );
    check(
        "capacity: -1",
        &[
            "scenarios/me.yaml:11:1: me/test: capacity: invalid capacity '-1': must be > 0 (correct the number)",
        ],
    );
    check(
        "leakspeed:-",
        &["scenarios/me.yaml:1:1: me/test: leakspeed: leakspeed is required (add `leakspeed: 10s`, say)"],
    );
    check(
        "leakspeed: 1d",
        &[
            "scenarios/me.yaml:11:1: me/test: leakspeed: invalid leakspeed '1d': time: unknown unit \"d\" in duration \"1d\" \
           (write a duration such as `10s` or `1m30s`)",
            "scenarios/me.yaml:11:1: me/test: leakspeed: leakspeed '1d' must be more than nothing (write `10s`, say)",
        ],
    );
    check(
        "blackhole: abc",
        &[
            "scenarios/me.yaml:11:1: me/test: blackhole: invalid blackhole 'abc': time: invalid duration \"abc\" (write a \
           duration such as `10s` or `1m30s`)",
        ],
    );
}

#[test]
fn scopes_need_exactly_the_expression_they_can_use() {
    check(
        "scope: {type: Ip, expression: evt.Meta.x}",
        &[
            "scenarios/me.yaml:12:1: me/test: scope: scope Ip takes its value from source_ip, not from an expression (remove `expression`)",
        ],
    );
    check(
        "scope: {type: pid}",
        &[
            "scenarios/me.yaml:12:1: me/test: scope: scope 'pid' needs an expression for its value (add `expression:`)",
        ],
    );
    check("scope: {type: Range}", &[]);
    check("scope: {type: Range, expression: evt.Meta.x}", &[]);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let problems = load(&file(&format!("{GOOD}capacty: 3\n"))).problems;
    assert_eq!(problems.len(), 1);
    let text = problems[0].to_string();
    assert!(
        text.contains("capacty") && text.starts_with("scenarios/me.yaml:12"),
        "{text}"
    );
}

#[test]
fn a_later_format_is_skipped_with_a_warning() {
    let loaded = load(&file(&format!("format: 9.0\n{GOOD}")));
    assert_eq!(
        (loaded.specs.len(), loaded.problems.len(), loaded.warnings.len()),
        (0, 0, 1)
    );
    assert_eq!(load(&file(&format!("format: 2.0\n{GOOD}"))).specs.len(), 1);
}
