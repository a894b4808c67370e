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
        ("s00/i.yaml", "name: me/i\nstatics: [{meta: a, value: b}]\ndata: [{dest_file: f, type: string, size: 0}]"),
        ("s00/j.yaml", "name: [\n"),
    ]), @r#"
    parsers/s00/a.yaml:2:1: me/s00/a.yaml: unknown key "filterr"; valid keys are format, debug, profiling, name, author, description, references, stage, onsuccess, filter, nodes, pattern_syntax, grok, statics, stash, whitelist, data
    parsers/s00/b.yaml:1:1: me/b: the node is empty (give it a grok, nodes, statics or a whitelist)
    parsers/s00/b.yaml:3:12: me/b: onsuccess: onsuccess "next" is not known (write continue or next_stage)
    parsers/s00/c.yaml:3:12: me/c: grok.pattern: pattern NOPE is not defined (mend the pattern)
    parsers/s00/d.yaml:3:21: me/d: nodes[0].grok.pattern: not a regular expression: unclosed group (mend the pattern)
    parsers/s00/d.yaml:4:11: me/d: nodes[1].grok: the grok has no pattern (give it a name or a pattern)
    parsers/s00/d.yaml:5:11: me/d: nodes[2].grok: the grok has nothing to look at (give it apply_on or an expression)
    parsers/s00/e.yaml:3:5: me/e: statics[0]: the static has no destination (give it meta, parsed, target or method)
    parsers/s00/e.yaml:4:5: me/e: statics[1]: the static has nothing to write (give it a value or an expression)
    parsers/s00/e.yaml:5:5: me/e: statics[2]: the static has no destination (give it meta, parsed, target or method)
    parsers/s00/f.yaml:4:8: me/f: whitelist.ip[0]: "1.2.3" is not an address (write an IPv4 or IPv6 address)
    parsers/s00/f.yaml:5:10: me/f: whitelist.cidr[0]: "1.2.3.4/33" is not a network (write it as 192.0.2.0/24)
    parsers/s00/g.yaml:4:46: me/g: stash[0].ttl: ttl "5x" is not a duration (write it as 30s, 5m or 1h)
    parsers/s00/g.yaml:5:5: me/g: stash[1]: the stash has no key (give it name, key, value and ttl)
    parsers/s00/h.yaml:2:9: me/h: format: format "latest" is not a version (write a format from 1.0 to 3.0)
    parsers/s00/i.yaml:3:8: me/i: data[0]: size must be above 0 (mend the entry)
    parsers/s00/j.yaml:1:7: me/s00/j.yaml: unclosed bracket '['
    "#);
}

#[test]
fn an_expression_that_does_not_compile_is_named_with_its_place() {
    let text = refused(&[(
        "s00/a.yaml",
        "name: me/a\nfilter: evt.Nope == 1\nstatics: [{meta: a, value: b}]",
    )]);
    assert!(
        text.starts_with("parsers/s00/a.yaml:2:13: me/a: filter: the expression does not compile: "),
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
    ]), @r#"
    parsers/s00/b.yaml:2:24: me/b: pattern_syntax.MINE: pattern MINE is defined already (the first definition is used; rename this one)
    parsers/s00/b.yaml:3:20: me/b: statics[0].method: there is no method "Guess", so this static does nothing (use GeoIpCity, GeoIpASN, IpToRange, reverse_dns, ParseDate or UnmarshalJSON)
    parsers/s00/b.yaml:3:47: me/b: statics[1].target: there is no target "source_ip", so this static does nothing (write evt.StrTime, evt.Parsed.<name>, evt.Meta.<name> or another field of the event)
    parsers/s00/c.yaml:2:9: me/c: format: format 4.0 is not supported, so this document is left out (use a format from 1.0 to 3.0)
    parsers/s00/d.yaml:3:8: me/d: data[0]: data file f is not there (run `cscli hub update` and `cscli hub upgrade`, or put the file into the data directory)
    "#);
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
