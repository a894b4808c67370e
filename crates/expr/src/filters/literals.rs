//! Finds which filters' literals occur in a text, in one pass over it.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::ir::NodeId;
use crate::value::Text;

use super::Bits;

/// Fewer literals than this are not worth a pass of their own.
const WORTH: usize = 8;

/// Is an automaton over all literals that filters look for in one text.
#[derive(Debug)]
pub(super) struct LiteralIndex {
    subject: NodeId,
    automaton: AhoCorasick,
    /// The filters that each literal lets pass.
    passes: Vec<Vec<usize>>,
    /// Every filter in this index.
    filters: Bits,
}

impl LiteralIndex {
    /// Builds the automaton for what each filter wants to find, `None` when it would not pay or cannot be built;
    /// `size` is the number of all filters.
    pub(super) fn new(subject: NodeId, wanted: &BTreeMap<usize, &[Text]>, size: usize) -> Option<Self> {
        let mut by_text: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut filters = Bits::new(size);
        for (filter, texts) in wanted {
            filters.set(*filter);
            for text in *texts {
                by_text.entry(text).or_default().push(*filter);
            }
        }
        if by_text.len() < WORTH {
            return None;
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(by_text.keys())
            .ok()?;
        Some(Self {
            subject,
            automaton,
            passes: by_text.into_values().collect(),
            filters,
        })
    }

    pub(super) fn subject(&self) -> NodeId {
        self.subject
    }

    pub(super) fn filters(&self) -> &Bits {
        &self.filters
    }

    /// Returns the filters of which a literal occurs in `text`.
    pub(super) fn find(&self, text: &str) -> Bits {
        let mut found = self.filters.emptied();
        for hit in self.automaton.find_overlapping_iter(text) {
            for filter in &self.passes[hit.pattern().as_usize()] {
                found.set(*filter);
            }
        }
        found
    }
}
