//! The small path language of upstream's XML library: `/a/b[1]/c[@Name='x']`, `//`, `*`, `.`, `..`.

use super::document::Document;

/// Returns the first element the path leads to; `None` for none and for a path that cannot be read.
pub(super) fn first(document: &Document, path: &str) -> Option<usize> {
    let mut found = vec![0];
    let path = path.strip_prefix('/').unwrap_or(path);
    for segment in segments(path) {
        let (selector, filters) = segment
            .split_once('[')
            .map_or((segment, None), |(s, f)| (s, Some(f)));
        let mut next = Vec::new();
        for element in &found {
            let mut candidates = select(document, *element, selector);
            let mut rest = filters;
            while let Some(text) = rest {
                let (filter, after) = split_filter(text)?;
                candidates = keep(document, candidates, filter)?;
                rest = match after {
                    "" => None,
                    after => Some(after.strip_prefix('[')?),
                };
            }
            next.extend(candidates);
        }
        found = next;
    }
    found.first().copied()
}

/// Cuts a path at the slashes that stand outside of quotes.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    path.split(move |c| {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        c == '/' && quote.is_none()
    })
}

/// Splits off the text of a filter up to its closing bracket.
fn split_filter(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ']') => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn select(document: &Document, element: usize, selector: &str) -> Vec<usize> {
    match selector {
        "." => vec![element],
        ".." => vec![document.parent(element)],
        "*" => document.children(element).to_vec(),
        "" => descendants(document, element),
        name => document
            .children(element)
            .iter()
            .copied()
            .filter(|child| document.is_named(*child, name))
            .collect(),
    }
}

/// Returns the element and all below it, level by level.
fn descendants(document: &Document, element: usize) -> Vec<usize> {
    let mut all = vec![element];
    let mut next = 0;
    while let Some(element) = all.get(next).copied() {
        all.extend_from_slice(document.children(element));
        next += 1;
    }
    all
}

/// Keeps the candidates that pass; `None` when the filter cannot be read.
fn keep(document: &Document, candidates: Vec<usize>, filter: &str) -> Option<Vec<usize>> {
    if let Ok(position) = filter.parse::<i64>() {
        let distance = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
        // position 0 is the first element too
        let index = if position >= 0 {
            Some(distance.saturating_sub(1))
        } else {
            candidates.len().checked_sub(distance)
        };
        return Some(
            index
                .and_then(|at| candidates.get(at))
                .copied()
                .into_iter()
                .collect(),
        );
    }
    let (subject, wanted) = match filter.split_once('=') {
        Some((subject, value)) => (subject, Some(quoted(value)?)),
        None => (filter, None),
    };
    Some(
        candidates
            .into_iter()
            .filter(|element| passes(document, *element, subject, wanted))
            .collect(),
    )
}

/// Returns what stands between two equal quotes.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.strip_prefix(quote)?.strip_suffix(quote)
}

fn passes(document: &Document, element: usize, subject: &str, wanted: Option<&str>) -> bool {
    if let Some(name) = subject.strip_prefix('@') {
        return document
            .attribute(element, name)
            .is_some_and(|value| wanted.is_none_or(|w| w == value));
    }
    if subject == "text()" {
        let text = document.text(element);
        return wanted.map_or(!text.is_empty(), |w| w == text);
    }
    document
        .children(element)
        .iter()
        .filter(|child| document.is_named(**child, subject))
        .any(|child| wanted.is_none_or(|w| w == document.text(*child)))
}
