//! A compiled grok expression and how it is run on a line: cheap refusal first, captures last.

use std::sync::OnceLock;

use regex_automata::{
    Input,
    meta::{self, Regex},
    util::{captures::Captures, prefilter::Prefilter, syntax},
};
use regex_syntax::hir::{Capture, Hir, HirKind};

use super::{backtrack, pattern::group_name};
use crate::Name;

/// Largest compiled form of one expression, in bytes; `SSHD_LOG` alone needs more than the default 10 MiB.
const SIZE_LIMIT: usize = 64 << 20;

/// A compiled grok expression; immutable, shared by workers.
#[derive(Debug)]
pub struct Grok {
    id: usize,
    names: Vec<Name>,
    hir: Hir,
    /// The general engine, built when it is first asked.
    regex: OnceLock<Option<Regex>>,
    /// A text without this literal cannot match.
    required: Option<Prefilter>,
    /// Backtracking program for the common case; `None` when the expression is not worth one.
    program: Option<backtrack::Program>,
}

/// Why an expression cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum GrokError {
    /// Not in Go's syntax.
    #[error("not a regular expression: {0}")]
    Syntax(String),
    /// Too large, once compiled.
    #[error("the expression is too large: {0}")]
    Size(String),
}

/// Scratch space of one worker for all expressions.
#[derive(Debug, Default)]
pub struct Cache {
    slots: Vec<Option<Box<Scratch>>>,
    backtrack: backtrack::Scratch,
    spans: Vec<Option<(usize, usize)>>,
}

#[derive(Debug)]
struct Scratch {
    cache: meta::Cache,
    captures: Captures,
}

impl Grok {
    /// Returns whether `rendered` is a regular expression in Go's syntax.
    pub(super) fn check(rendered: &str) -> Result<(), GrokError> {
        to_hir(rendered).map(drop)
    }

    pub(super) fn new<'a>(
        id: usize,
        rendered: &str,
        semantics: impl Iterator<Item = &'a str>,
    ) -> Result<Self, GrokError> {
        let names: Vec<Name> = semantics.map(Name::new).collect();
        let hir = only_semantics(&to_hir(rendered)?, &names);
        let required = required_literal(&hir)
            .filter(|literal| !literal.is_empty())
            .and_then(|literal| Prefilter::new(regex_automata::MatchKind::LeftmostFirst, &[literal]));
        let program = backtrack::Program::new(&hir, names.len());
        // With a program the general engine is for runaway lines, which most expressions never see; it is large.
        let regex = if program.is_some() {
            OnceLock::new()
        } else {
            OnceLock::from(Some(build(&hir)?))
        };
        Ok(Self {
            id,
            names,
            hir,
            regex,
            required,
            program,
        })
    }

    /// Returns the semantic names; capture `i` belongs to name `i`.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Runs the expression and returns the span of every semantic, `None` for those that took no part.
    ///
    /// The answer is `None` when nothing matches, and also when the expression has no semantic at all.
    pub fn captures<'c>(&self, text: &str, cache: &'c mut Cache) -> Option<&'c [Option<(usize, usize)>]> {
        if self.names.is_empty() {
            return None;
        }
        if let Some(required) = &self.required {
            required.find(
                text.as_bytes(),
                regex_automata::Span {
                    start: 0,
                    end: text.len(),
                },
            )?;
        }
        if let Some(program) = &self.program {
            match program.run(text.as_bytes(), &mut cache.backtrack, &mut cache.spans) {
                backtrack::Outcome::Match => return Some(&cache.spans),
                backtrack::Outcome::NoMatch => return None,
                backtrack::Outcome::GaveUp => {}
            }
        }
        self.general(text, cache)
    }

    /// Returns whether the expression has a program for the common case.
    pub fn has_program(&self) -> bool {
        self.program.is_some()
    }

    /// Runs the general engine alone: what every faster path must agree with, for differential tests.
    pub fn captures_by_general_engine<'c>(
        &self,
        text: &str,
        cache: &'c mut Cache,
    ) -> Option<&'c [Option<(usize, usize)>]> {
        if self.names.is_empty() {
            None
        } else {
            self.general(text, cache)
        }
    }

    /// Runs the general engine, which every faster path must agree with.
    fn general<'c>(&self, text: &str, cache: &'c mut Cache) -> Option<&'c [Option<(usize, usize)>]> {
        if cache.slots.len() <= self.id {
            cache.slots.resize_with(self.id + 1, || None);
        }
        let regex = self.regex.get_or_init(|| build(&self.hir).ok()).as_ref()?;
        let scratch = cache.slots.get_mut(self.id)?.get_or_insert_with(|| {
            Box::new(Scratch {
                cache: regex.create_cache(),
                captures: regex.create_captures(),
            })
        });
        regex.search_captures_with(&mut scratch.cache, &Input::new(text), &mut scratch.captures);
        if !scratch.captures.is_match() {
            return None;
        }
        cache.spans.clear();
        let captures = &scratch.captures;
        cache
            .spans
            .extend((1..=self.names.len()).map(|i| captures.get_group(i).map(|span| (span.start, span.end))));
        Some(&cache.spans)
    }
}

fn build(hir: &Hir) -> Result<Regex, GrokError> {
    Regex::builder()
        .configure(
            Regex::config()
                .nfa_size_limit(Some(SIZE_LIMIT))
                .onepass_size_limit(Some(1 << 20)),
        )
        .build_from_hir(hir)
        .map_err(|error| GrokError::Size(error.to_string()))
}

fn to_hir(rendered: &str) -> Result<Hir, GrokError> {
    let text = golang::regexp::translate(rendered).map_err(|error| GrokError::Syntax(error.to_string()))?;
    let config = syntax::Config::new().utf8(true).nest_limit(500);
    syntax::parse_with(&text, &config).map_err(|error| GrokError::Syntax(last_line(&error.to_string())))
}

/// Keeps the sentence of an error that draws the whole expression, which is far too long once expanded.
pub(crate) fn last_line(error: &str) -> String {
    let last = error.lines().last().unwrap_or(error);
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Rewrites `hir` so that group `i + 1` is semantic `i` and no other group captures.
fn only_semantics(hir: &Hir, names: &[Name]) -> Hir {
    let groups: Vec<String> = (0..names.len()).map(group_name).collect();
    rewrite(hir, &groups)
}

fn rewrite(hir: &Hir, groups: &[String]) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let inner = rewrite(&capture.sub, groups);
            let index = capture
                .name
                .as_deref()
                .and_then(|name| groups.iter().position(|group| group == name));
            match index.and_then(|index| u32::try_from(index + 1).ok()) {
                Some(index) => Hir::capture(Capture {
                    index,
                    name: capture.name.clone(),
                    sub: Box::new(inner),
                }),
                None => inner,
            }
        }
        HirKind::Repetition(repetition) => Hir::repetition(regex_syntax::hir::Repetition {
            sub: Box::new(rewrite(&repetition.sub, groups)),
            ..repetition.clone()
        }),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| rewrite(part, groups)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| rewrite(part, groups)).collect())
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

/// Returns the longest literal that every match contains.
fn required_literal(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.to_vec()),
        HirKind::Capture(capture) => required_literal(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required_literal(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(required_literal).max_by_key(Vec::len),
        _ => None,
    }
}
