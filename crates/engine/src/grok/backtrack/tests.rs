//! The backtracking matcher against the general engine, on made-up expressions and texts.

use proptest::prelude::*;
use regex_automata::meta::Regex;

use super::*;

/// The span of every capture of a match.
type Found = Option<Vec<Option<(usize, usize)>>>;

fn general(hir: &Hir, text: &str, captures: usize) -> Found {
    let regex = Regex::builder().build_from_hir(hir).unwrap();
    let mut found = regex.create_captures();
    regex.captures(text, &mut found);
    found.is_match().then(|| {
        (1..=captures)
            .map(|i| found.get_group(i).map(|span| (span.start, span.end)))
            .collect()
    })
}

/// Runs both; `None` when the expression has no program or the budget ran out.
fn both(pattern: &str, text: &str) -> Option<[Found; 2]> {
    let hir = regex_automata::util::syntax::parse(pattern).ok()?;
    let captures = hir.properties().explicit_captures_len();
    let program = Program::new(&hir, captures)?;
    let mut spans = Vec::new();
    let ours = match program.run(text.as_bytes(), &mut Scratch::default(), &mut spans) {
        Outcome::Match => Some(spans),
        Outcome::NoMatch => None,
        Outcome::GaveUp => return None,
    };
    Some([ours, general(&hir, text, captures)])
}

fn check(pattern: &str, text: &str) {
    let [ours, general] = both(pattern, text).expect("a program and enough steps");
    assert_eq!(ours, general, "{pattern:?} on {text:?}");
}

#[test]
fn log_shapes_agree() {
    let ip = r"(?:(?:[0-9]{1,3})\.){3}(?:[0-9]{1,3})";
    let host = r"\b(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})(?:\.(?:[0-9A-Za-z][0-9A-Za-z-]{0,62}))*(?:\.?|\b)";
    let line = format!(
        r#"(?-u:(({ip}|{host})(:([0-9]+))? )?({ip}|{host}) - (\S+) \[(.*?)\] "([A-Z]+) (.*?) HTTP/(.*)")"#
    )
    .replace("(?-u:(", "(?:(")
    .replace(r"\b", r"(?-u:\b)")
    .replace(r"\S", "[^ ]");
    for text in [
        r#"1.2.3.4 - bob [10/Oct/2000] "GET /a HTTP/1.1" 200"#,
        r#"example.org 1.2.3.4 - - [x] "GET / HTTP/b HTTP/2.0""#,
        r#"example.org:80 a.b.c.d. - - [x] "GET /é HTTP/b HTTP/2.0""#,
        "nothing",
        "",
    ] {
        check(&line, text);
    }
}

#[test]
fn priorities_agree() {
    for (pattern, text) in [
        ("(a|ab)(c|bcd)(d*)", "abcd"),
        ("(a*?)(b|ab)", "aab"),
        ("(?:(a)|b)*", "ab"),
        ("(.{2,3})(.*?)(c)", "ééabc"),
        ("^(a)$|(b)", "xb"),
        ("(?i)(straße|K)", "x\u{212A}"),
        ("([^\"]*)\"", "aé\"b"),
    ] {
        if both(pattern, text).is_some() {
            check(pattern, text);
        }
    }
}

#[test]
fn a_runaway_expression_gives_up_instead_of_hanging() {
    let hir = regex_automata::util::syntax::parse("((?:a|aa|aaa)+b|(?:a|aa)+c)").unwrap();
    let program = Program::new(&hir, 1).unwrap();
    let text = "a".repeat(4_000);
    let outcome = program.run(text.as_bytes(), &mut Scratch::default(), &mut Vec::new());
    assert_eq!(outcome, Outcome::GaveUp);
}

fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "é",
        ".",
        "[ab]",
        "[^a]",
        "[^\n]",
        "(?-u:\\b)",
        "^",
        "$",
        "",
        "[é-ü]",
        "(?i:ab)",
        "1",
        "\\.",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            inner.clone().prop_map(|p| format!("({p})")),
            (
                inner,
                prop::sample::select(vec![
                    "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"
                ])
            )
                .prop_map(|(p, n)| format!("(?:{p}){n}")),
        ]
    })
}

proptest! {
    #[test]
    fn any_expression_agrees(pattern in pattern(), text in "[ab1éü.\n ]{0,12}") {
        if let Some([ours, general]) = both(&pattern, &text) {
            prop_assert_eq!(ours, general, "{:?} on {:?}", pattern, text);
        }
    }
}
