//! Printing a tree and reading it again gives the same tree; no text makes the parser panic.

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

#[path = "../../tests/it/hub_expressions.rs"]
mod hub_expressions;

#[test]
fn every_expression_of_the_public_hub_parses() {
    let Some(expressions) = hub_expressions::all() else {
        println!("skipped: no HUB_DIR");
        return;
    };
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
}

proptest! {
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
