//! Finds which filters' literals occur in the texts they look at, in one pass over each text.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::env::Env;
use crate::eval;
use crate::ir::NodeId;
use crate::library::Library;
use crate::memo::Memo;
use crate::value::Value;

use super::Bits;
use super::plan::Literals;

/// Fewer literals than this are not worth a pass of their own.
const WORTH: usize = 8;

/// Is what filters look for in the same texts; a filter passes when one of them contains one of its literals.
#[derive(Debug)]
pub(super) struct LiteralIndex {
    searches: Vec<Search>,
    /// Every filter in this index.
    filters: Bits,
}

/// Is an automaton over all literals that filters look for in one text.
#[derive(Debug)]
struct Search {
    subject: NodeId,
    automaton: AhoCorasick,
    /// The filters that each literal lets pass.
    passes: Vec<Vec<usize>>,
}

impl LiteralIndex {
    /// Builds the automata for what each filter wants to find in `subjects`, `None` when they would not pay or cannot
    /// be built; `size` is the number of all filters.
    pub(super) fn new(subjects: &[NodeId], wanted: &BTreeMap<usize, &Literals>, size: usize) -> Option<Self> {
        let mut filters = Bits::new(size);
        for filter in wanted.keys() {
            filters.set(*filter);
        }
        let searches = subjects
            .iter()
            .map(|subject| Search::new(*subject, wanted))
            .collect::<Option<Vec<_>>>()?;
        let literals: usize = searches.iter().map(|search| search.passes.len()).sum();
        (literals >= WORTH).then_some(Self { searches, filters })
    }

    pub(super) fn filters(&self) -> &Bits {
        &self.filters
    }

    /// Returns the filters of which a literal occurs, `None` when a subject is no text or fails: that the filters must
    /// meet themselves.
    pub(super) fn find(&self, library: &Library, env: &mut dyn Env, memo: &mut Memo) -> Option<Bits> {
        let mut found = self.filters.emptied();
        for search in &self.searches {
            let Ok(Value::Str(text)) = eval::value(library.graph(), search.subject, env, memo) else {
                return None;
            };
            search.mark(&text, &mut found);
        }
        Some(found)
    }
}

impl Search {
    fn new(subject: NodeId, wanted: &BTreeMap<usize, &Literals>) -> Option<Self> {
        let mut by_text: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (filter, literals) in wanted {
            for text in literals.get(&subject).into_iter().flatten() {
                by_text.entry(text).or_default().push(*filter);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(by_text.keys())
            .ok()?;
        Some(Self {
            subject,
            automaton,
            passes: by_text.into_values().collect(),
        })
    }

    /// Adds the filters of which a literal occurs in `text`.
    fn mark(&self, text: &str, found: &mut Bits) {
        for hit in self.automaton.find_overlapping_iter(text) {
            for filter in &self.passes[hit.pattern().as_usize()] {
                found.set(*filter);
            }
        }
    }
}
