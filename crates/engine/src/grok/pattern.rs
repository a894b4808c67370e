//! One grok expression, taken apart into text and references, and where its semantics point.

use std::{fmt::Write as _, sync::Arc};

use indexmap::IndexMap;

/// A grok expression whose references are resolved.
#[derive(Debug)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    /// Semantic name to the reference that captures it, as indexes of pieces from the outside in.
    semantics: IndexMap<String, Vec<usize>>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Reference(Arc<Pattern>),
}

/// A reference `%{NAME}` or `%{NAME:semantic}` as written.
struct Written<'a> {
    start: usize,
    end: usize,
    name: &'a str,
    semantic: &'a str,
}

impl Pattern {
    /// Resolves the references of `text` through `find`; the error is the first unknown name.
    pub(super) fn parse(text: &str, find: impl Fn(&str) -> Option<Arc<Self>>) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut own = IndexMap::new();
        let mut nested = IndexMap::new();
        let mut done = 0;
        while let Some(reference) = next_reference(text, done) {
            push_text(&mut pieces, text.get(done..reference.start));
            let index = pieces.len();
            let inner = find(reference.name).ok_or_else(|| reference.name.to_owned())?;
            if !reference.semantic.is_empty() {
                own.insert(reference.semantic.to_owned(), vec![index]);
            }
            for (semantic, path) in &inner.semantics {
                let mut whole = Vec::with_capacity(path.len() + 1);
                whole.push(index);
                whole.extend_from_slice(path);
                nested.insert(semantic.clone(), whole);
            }
            pieces.push(Piece::Reference(inner));
            done = reference.end;
        }
        push_text(&mut pieces, text.get(done..));
        // Upstream: a name used at this level hides the same name of inner patterns, wherever it stands.
        for (semantic, path) in nested {
            own.entry(semantic).or_insert(path);
        }
        Ok(Self {
            pieces,
            semantics: own,
        })
    }

    /// Returns the semantic names in the order of their capture groups (see [`Self::render`]).
    pub(super) fn semantics(&self) -> impl Iterator<Item = &str> {
        self.semantics.keys().map(String::as_str)
    }

    /// Writes the regular expression; semantic `i` captures as the group named [`group_name`]`(i)`.
    pub(super) fn render(&self) -> String {
        let wanted: Vec<(&[usize], usize)> = self
            .semantics
            .values()
            .enumerate()
            .map(|(i, path)| (path.as_slice(), i))
            .collect();
        let mut out = String::new();
        self.write(&wanted, &mut out);
        out
    }

    /// Writes the expression with empty groups for its references, which were checked when they were defined.
    pub(super) fn skeleton(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Reference(_) => "(?:)".to_owned(),
        };
        self.pieces.iter().map(text).collect()
    }

    fn write(&self, wanted: &[(&[usize], usize)], out: &mut String) {
        for (index, piece) in self.pieces.iter().enumerate() {
            let inner = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Reference(inner) => inner,
            };
            let below: Vec<(&[usize], usize)> = wanted
                .iter()
                .filter_map(|(path, i)| match path.split_first() {
                    Some((first, rest)) if *first == index => Some((rest, *i)),
                    _ => None,
                })
                .collect();
            // Two semantics can name one reference only through different levels, so several groups may open here.
            let here: Vec<usize> = below
                .iter()
                .filter(|(rest, _)| rest.is_empty())
                .map(|(_, i)| *i)
                .collect();
            out.push_str("(?:");
            for i in &here {
                write!(out, "(?P<{}>", group_name(*i)).unwrap_or_default();
            }
            let deeper: Vec<(&[usize], usize)> =
                below.into_iter().filter(|(rest, _)| !rest.is_empty()).collect();
            inner.write(&deeper, out);
            out.extend(here.iter().map(|_| ')'));
            out.push(')');
        }
    }
}

/// Returns the name of the capture group of semantic `index`; groups named otherwise are the author's own.
pub(super) fn group_name(index: usize) -> String {
    format!("grok_semantic_{index}")
}

fn push_text(pieces: &mut Vec<Piece>, text: Option<&str>) {
    if let Some(text) = text
        && !text.is_empty()
    {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// Finds the next text of the form `%{\w+}` or `%{\w+:\w+}`; anything else that begins so stays text, as upstream.
fn next_reference(text: &str, from: usize) -> Option<Written<'_>> {
    let mut at = from;
    while let Some(found) = text.get(at..)?.find("%{") {
        let start = at + found;
        if let Some(reference) = reference_at(text, start) {
            return Some(reference);
        }
        at = start + 2;
    }
    None
}

fn reference_at(text: &str, start: usize) -> Option<Written<'_>> {
    let (name, after) = word(text, start + 2)?;
    let bytes = text.as_bytes();
    match bytes.get(after)? {
        b'}' => Some(Written {
            start,
            end: after + 1,
            name,
            semantic: "",
        }),
        b':' => {
            let (semantic, end) = word(text, after + 1)?;
            (bytes.get(end) == Some(&b'}')).then_some(Written {
                start,
                end: end + 1,
                name,
                semantic,
            })
        }
        _ => None,
    }
}

fn word(text: &str, start: usize) -> Option<(&str, usize)> {
    let rest = text.get(start..)?;
    let length = rest
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count();
    (length > 0).then(|| (rest.get(..length).unwrap_or_default(), start + length))
}
