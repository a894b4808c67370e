//! What is refused at load, and how it is said.

use super::{items, world};
use crate::{Rules, Settings, World};

fn refused(files: &[(&str, &str)]) -> String {
    let Err(problems) = Rules::load(&items(files), world(), Settings::default()) else {
        return "nothing".to_owned();
    };
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn warned(files: &[(&str, &str)]) -> String {
    let rules = Rules::load(&items(files), world(), Settings::default()).unwrap();
    rules
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn all_problems_of_all_files_are_named_at_once() {
    insta::assert_snapshot!(refused(&[
        ("s00/a.yaml", "name: me/a\nfilterr: x\nstatics: [{meta: a, value: b}]"),
        ("s00/b.yaml", "name: me/b\nfilter: '1 == 1'\nonsuccess: next"),
        ("s00/c.yaml", "name: me/c\ngrok:\n  pattern: '%{NOPE:x}'\n  apply_on: message"),
        ("s00/d.yaml", "name: me/d\nnodes:\n  - grok: {pattern: '(', apply_on: message}\n  - grok: {apply_on: message}\n  - grok: {pattern: 'x'}"),
        ("s00/e.yaml", "name: me/e\nstatics:\n  - value: x\n  - meta: y\n  - {enriched: z, value: z}"),
        ("s00/f.yaml", "name: me/f\nwhitelist:\n  reason: r\n  ip: [1.2.3]\n  cidr: [1.2.3.4/33]"),
        ("s00/g.yaml", "name: me/g\nstatics: [{meta: a, value: b}]\nstash:\n  - {name: n, key: \"'k'\", value: \"'v'\", ttl: 5x}\n  - {name: n, value: v, ttl: 5s}"),
        ("s00/h.yaml", "name: me/h\nformat: latest\nstatics: [{meta: a, value: b}]"),
        ("s00/i.yaml", "name: me/i\nstatics: [{meta: a, value: b}]\ndata: [{dest_file: f, type: lsit}]"),
        ("s00/j.yaml", "name: [\n"),
    ]), @"");
}

#[test]
fn an_expression_that_does_not_compile_is_named_with_its_place() {
    let text = refused(&[(
        "s00/a.yaml",
        "name: me/a\nfilter: evt.Nope == 1\nstatics: [{meta: a, value: b}]",
    )]);
    assert!(
        text.starts_with("parsers/s00/a.yaml:2:9: me/a: filter: expression \"evt.Nope == 1\": "),
        "{text}"
    );
}

#[test]
fn a_file_with_one_bad_document_is_refused_and_the_others_are_loaded() {
    let text = refused(&[(
        "s00/a.yaml",
        "name: me/a\nstatics: [{meta: a, value: b}]\n---\nname: me/b\n",
    )]);
    assert_eq!(
        text,
        "parsers/s00/a.yaml:4:1: me/b: the node is empty (give it a grok, nodes, statics or a whitelist)"
    );
}

#[test]
fn what_upstream_tolerates_is_a_warning() {
    insta::assert_snapshot!(warned(&[
        ("s00/a.yaml", "name: me/a\npattern_syntax: {MINE: a}\nstatics: [{meta: a, value: b}]"),
        ("s00/b.yaml", "name: me/b\npattern_syntax: {MINE: b}\nstatics: [{method: Guess, value: b}, {target: source_ip, value: x}]"),
        ("s00/c.yaml", "name: me/c\nformat: 4.0\nstatics: [{meta: a, value: b}]"),
        ("s00/d.yaml", "name: me/d\nstatics: [{meta: a, value: b}]\ndata: [{dest_file: f, type: string}]"),
    ]), @"");
}

#[test]
fn documents_without_content_are_skipped() {
    let rules = Rules::load(
        &items(&[("s00/a.yaml", "---\n---\nfilter: nonsense ((\n---\n")]),
        World::default(),
        Settings::default(),
    );
    assert!(rules.unwrap().stages().next().is_none());
}
