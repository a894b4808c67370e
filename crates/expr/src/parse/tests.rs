//! Printing a tree and reading it again gives the same tree; no text makes the parser panic.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::parse;
use crate::ast::{Ast, Member, Node, UnaryOp};

/// Writes a tree with every operand in parentheses.
fn print(node: &Node) -> String {
    let list = |nodes: &[Node]| nodes.iter().map(print).collect::<Vec<_>>().join(", ");
    match &*node.ast {
        Ast::Nil => "nil".to_owned(),
        Ast::Bool(truth) => truth.to_string(),
        Ast::Int(number) => number.to_string(),
        Ast::Float(number) => format!("{number:e}"),
        Ast::Str(text) => golang::strings::quote(text),
        Ast::Bytes(bytes) => {
            let octal = |byte: &u8| ['\\', digit(byte >> 6), digit(byte >> 3 & 7), digit(byte & 7)];
            format!("b\"{}\"", bytes.iter().flat_map(octal).collect::<String>())
        }
        Ast::Name(name) => name.to_string(),
        Ast::Unary(UnaryOp::Not, operand) => format!("(not ({}))", print(operand)),
        Ast::Unary(op, operand) => format!("({}({}))", op.symbol(), print(operand)),
        Ast::Binary(op, left, right) => format!("(({}) {} ({}))", print(left), op.symbol(), print(right)),
        Ast::Logic(op, items) => {
            let symbol = if op.precedence() == 15 { " and " } else { " || " };
            let items: Vec<_> = items
                .iter()
                .map(|(_, item)| format!("({})", print(item)))
                .collect();
            format!("({})", items.join(symbol))
        }
        Ast::Chain(inner) => print(inner),
        Ast::Member(member) => print_member(member),
        Ast::Slice { base, from, to } => {
            let bound = |bound: &Option<Node>| bound.as_ref().map(print).unwrap_or_default();
            // A chain before a bracket is closed, as it is in the text.
            format!("{}[{}:{}]", print(base), bound(from), bound(to))
        }
        Ast::Call { callee, args } => format!("{}({})", print(callee), list(args)),
        Ast::NamedCall { name, args } | Ast::Loop { name, args } => format!("{name}({})", list(args)),
        Ast::Predicate(body) => format!("{{{}}}", print(body)),
        Ast::Pointer(name) => format!("#{name}"),
        Ast::Let { name, value, body } => format!("(let {name} = {}; {})", print(value), print(body)),
        Ast::Sequence(nodes) => {
            format!("({})", nodes.iter().map(print).collect::<Vec<_>>().join("; "))
        }
        Ast::Conditional { condition, yes, no } => {
            format!("(({}) ? ({}) : ({}))", print(condition), print(yes), print(no))
        }
        Ast::Array(nodes) => format!("[{}]", list(nodes)),
        Ast::Map(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", print_key(key), print(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn digit(value: u8) -> char {
    char::from(b'0' + value)
}

fn print_key(key: &Node) -> String {
    match &*key.ast {
        Ast::Str(_) => print(key),
        _ => format!("({})", print(key)),
    }
}

fn print_member(member: &Member) -> String {
    let base = match &*member.base.ast {
        // `nil.x` and `1.x` are no members as text.
        Ast::Nil | Ast::Bool(_) | Ast::Int(_) | Ast::Float(_) => format!("({})", print(&member.base)),
        _ => print(&member.base),
    };
    let dot = if member.optional { "?." } else { "" };
    match &*member.property.ast {
        Ast::Str(name) if crate::lex::is_name(name) => {
            format!("{base}{}{name}", if member.optional { "?." } else { "." })
        }
        _ => format!("{base}{dot}[{}]", print(&member.property)),
    }
}

fn check(source: &str) {
    let tree = parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let printed = print(&tree);
    // Parentheses around everything may make it longer than an expression may be.
    if printed.len() > crate::limits::SOURCE_BYTES || tree.depth > 60 {
        return;
    }
    let again = parse(&printed).unwrap_or_else(|error| panic!("{source}\n-> {printed}: {error}"));
    assert_eq!(print(&again), printed, "{source}");
}

#[test]
fn what_is_printed_is_read_back() {
    let cases: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/fixtures/language.json")).expect("JSON");
    let mut checked = 0;
    for case in cases.as_array().expect("list") {
        let source = case["e"].as_str().expect("text");
        if parse(source).is_ok() {
            check(source);
            checked += 1;
        }
    }
    assert!(checked > 400, "{checked}");
}

/// Collects the texts under keys that hold expressions.
fn collect(yaml: &serde_json::Value, inside: bool, into: &mut BTreeSet<String>) {
    const KEYS: [&str; 11] = [
        "filter",
        "expression",
        "groupby",
        "distinct",
        "condition",
        "cancel_on",
        "overflow_filter",
        "apply",
        "context",
        "key",
        "value",
    ];
    match yaml {
        serde_json::Value::String(text) if inside => {
            into.insert(text.trim().to_owned());
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, inside, into)),
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let stash_only = ["key", "value"].contains(&key.as_str()) && !map.contains_key("ttl");
                let holds = KEYS.contains(&key.as_str()) && !stash_only;
                collect(value, holds || (inside && !value.is_object()), into);
            }
        }
        _ => {}
    }
}

fn yaml_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml") {
            into.push(path);
        }
    }
}

#[test]
fn every_expression_of_the_public_hub_parses() {
    let Some(hub) = option_env_dir() else {
        println!("skipped: no HUB_DIR");
        return;
    };
    let mut files = Vec::new();
    for folder in [
        "parsers",
        "scenarios",
        "postoverflows",
        "contexts",
        "appsec-configs",
    ] {
        yaml_files(&hub.join(folder), &mut files);
    }
    let mut expressions = BTreeSet::new();
    let mut unread = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).expect("readable");
        match golang::yaml::multi::<serde_json::Value>(&text, golang::yaml::Dialect::V2Strict) {
            Ok(documents) => documents
                .iter()
                .for_each(|(yaml, _)| collect(yaml, false, &mut expressions)),
            Err(_) => unread += 1,
        }
    }
    assert!(
        unread < files.len() / 50,
        "{unread} of {} files unread",
        files.len()
    );
    assert!(
        expressions.len() > 1_600,
        "only {} expressions found",
        expressions.len()
    );
    let failed: Vec<String> = expressions
        .iter()
        .filter_map(|source| parse(source).err().map(|e| format!("{source}\n{e}")))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        expressions.len(),
        failed.join("\n")
    );
    for source in &expressions {
        check(source);
    }
    println!(
        "{} distinct expressions of {} files",
        expressions.len(),
        files.len()
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests find shared data by the environment"
)]
fn option_env_dir() -> Option<PathBuf> {
    let fallback = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/hub");
    let folder = std::env::var("HUB_DIR").map_or_else(|_| PathBuf::from(fallback), PathBuf::from);
    folder.join("parsers").is_dir().then_some(folder)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(source in ".{0,80}") {
        if let Ok(tree) = parse(&source) {
            prop_assert!(tree.depth > 0);
        }
    }

    #[test]
    fn no_sequence_of_tokens_makes_the_parser_panic(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "1", "2.5", "\"a\"", "a", "b", "nil", "true", "(", ")", "[", "]", "{", "}", ",", ";", ":", "?", "?.",
            "??", ".", "..", "+", "-", "*", "**", "!", "not", "in", "and", "||", "==", "<", "contains", "let", "=",
            "if", "else", "#", "#acc", "any", "map", "|", "::", "f(", "any(", "reduce(",
        ]), 0..25),
    ) {
        let source = tokens.join(" ");
        if parse(&source).is_ok() {
            check(&source);
        }
    }
}
