//! Our pattern files against verdicts of upstream's grok library on its own files (`tests/record/grok_patterns.go`).

use std::collections::{BTreeMap, BTreeSet};

use engine::grok::{self, Cache, Library};

/// A pattern's name, a subject line, the span of the match, the semantics that are not empty.
type Verdict = (
    String,
    String,
    Option<(usize, usize)>,
    Option<BTreeMap<String, String>>,
);

/// Semantics of these differ from upstream's: its library miscounts groups behind parentheses in classes and quotes,
/// and hands out the wrong ones. The spans are equal.
const MISCOUNTED: [&str; 5] = [
    "CISCOFW710001_710002_710003_710005_710006",
    "ELB_ACCESS_LOG",
    "S3_ACCESS_LOG",
    "SYSLOG5424BASE",
    "SYSLOG5424LINE",
];

fn library() -> Library {
    let mut library = Library::default();
    for file in grok::patterns() {
        assert!(file.text.starts_with("# "), "{} says what it is for", file.name);
        let errors = library.define_file(&file.text);
        assert!(errors.is_empty(), "{}: {errors:?}", file.name);
    }
    library
}

fn names() -> Vec<String> {
    let lines: Vec<String> = grok::patterns()
        .iter()
        .flat_map(|f| f.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines
        .iter()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn verdicts() -> Vec<Verdict> {
    serde_json::from_str(include_str!("../fixtures/grok_patterns.json")).unwrap()
}

#[test]
fn every_name_of_upstream_is_there_and_compiles() {
    let mut library = library();
    let names = names();
    assert_eq!((names.len(), library.len()), (88 + 309, 88 + 309));
    for name in &names {
        library.compile_name(name).unwrap();
    }
    let judged: BTreeSet<String> = verdicts().into_iter().map(|verdict| verdict.0).collect();
    let unjudged: Vec<_> = names.iter().filter(|name| !judged.contains(*name)).collect();
    assert!(unjudged.is_empty(), "no verdict is recorded for {unjudged:?}");
}

#[test]
fn patterns_match_what_upstreams_match() {
    let mut library = library();
    let mut cache = Cache::default();
    let mut wrong = Vec::new();
    let (mut matched, verdicts) = (0, verdicts());
    for (name, subject, span, semantics) in &verdicts {
        matched += usize::from(span.is_some());
        // the whole match as one more semantic
        let whole = library.compile(&format!("%{{{name}:whole_match}}")).unwrap();
        let spans = whole.captures(subject, &mut cache);
        let at = |wanted: &str| whole.names().iter().position(|n| n.as_str() == wanted);
        let seen = spans.and_then(|spans| spans[at("whole_match").unwrap()]);
        if seen != *span {
            wrong.push(format!("{name} on {subject:?}: {seen:?}, upstream {span:?}"));
            continue;
        }
        let Some(spans) = spans.map(<[_]>::to_vec) else {
            continue;
        };
        let ours: BTreeMap<String, String> = whole
            .names()
            .iter()
            .zip(&spans)
            .filter(|(semantic, _)| semantic.as_str() != "whole_match")
            .filter_map(|(semantic, span)| {
                span.map(|(from, to)| {
                    (
                        semantic.as_str().to_owned(),
                        subject.get(from..to).unwrap_or_default().to_owned(),
                    )
                })
            })
            .filter(|(_, text)| !text.is_empty())
            .collect();
        if Some(&ours) != semantics.as_ref() && !MISCOUNTED.contains(&name.as_str()) {
            wrong.push(format!("{name} on {subject:?}: {ours:?}, upstream {semantics:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        verdicts.len(),
        wrong.join("\n")
    );
    assert!(
        matched > verdicts.len() / 3,
        "only {matched} of {} match",
        verdicts.len()
    );
}
