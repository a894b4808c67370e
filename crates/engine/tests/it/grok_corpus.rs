//! The fast grok matcher against the general engine, on the hub's own patterns and log lines.

use engine::grok::{Cache, Library};
use golang::yaml::{self, Kind as Yaml, Node};

use crate::corpus;

/// Collects `pattern_syntax`, `grok.pattern` and `grok.name` of a node and its children, in load order.
fn groks(node: &Node, library: &mut Library, found: &mut Vec<(bool, String)>) {
    if let Some(Yaml::Mapping(entries)) = node.get("pattern_syntax").map(Node::kind) {
        for (name, text) in entries {
            if let (Some(name), Some(text)) = (name.text(), text.text()) {
                drop(library.define(name, text));
            }
        }
    }
    if let Some(grok) = node.get("grok") {
        let text = |key: &str| grok.get(key).and_then(Node::text).map(str::to_owned);
        found.extend(
            text("pattern")
                .map(|p| (false, p))
                .or_else(|| text("name").map(|n| (true, n))),
        );
    }
    if let Some(Yaml::Sequence(children)) = node.get("nodes").map(Node::kind) {
        for child in children {
            groks(child, library, found);
        }
    }
}

#[test]
fn hub_patterns_capture_the_same_with_and_without_the_fast_matcher() {
    let Some(hub) = corpus::hub() else { return };
    let mut library = Library::default();
    for file in corpus::world().patterns {
        if !file.name.contains('.') {
            let errors = library.define_file(&file.text);
            assert!(errors.is_empty(), "{}: {errors:?}", file.name);
        }
    }
    let mut found = Vec::new();
    for item in corpus::items(&hub).values() {
        for document in yaml::documents(&item.text).unwrap() {
            groks(&document.node, &mut library, &mut found);
        }
    }
    let mut groks = Vec::new();
    let mut refused = Vec::new();
    for (is_name, text) in &found {
        match if *is_name {
            library.compile_name(text)
        } else {
            library.compile(text)
        } {
            Ok(grok) => groks.push(grok),
            Err(error) => refused.push(format!("{text}: {error}")),
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let (mut cache, mut general) = (Cache::default(), Cache::default());
    let (mut attempts, mut matches) = (0, 0);
    for line in lines(&hub) {
        for grok in &groks {
            let fast = grok.captures(&line, &mut cache).map(<[_]>::to_vec);
            let slow = grok.captures_by_general_engine(&line, &mut general);
            attempts += 1;
            matches += usize::from(slow.is_some());
            assert_eq!(fast.as_deref(), slow, "{grok:?} on {line}");
        }
    }
    let fast = groks.iter().filter(|grok| grok.has_program()).count();
    println!(
        "{} groks, {fast} with a program; {attempts} attempts, {matches} matches",
        groks.len()
    );
    assert!(matches > 1000 && fast * 10 > groks.len() * 9);
}

/// A sample of the hub's test lines: the first three of every log, raw and without their syslog prefix.
fn lines(hub: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    corpus::walk(&hub.join(".tests"), &mut files);
    let mut lines = Vec::new();
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
    {
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        for line in text.lines().filter(|line| !line.is_empty()).take(3) {
            lines.push(line.to_owned());
            lines.extend(line.split_once("]: ").map(|(_, message)| message.to_owned()));
        }
    }
    lines
}
