//! Finds which groups of literals occur in a text, in one pass over it.

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
    /// The groups that each literal belongs to.
    groups_of: Vec<Vec<usize>>,
    groups: usize,
}

impl LiteralIndex {
    /// Builds the automaton, `None` when it would not pay or cannot be built.
    pub(super) fn new(subject: NodeId, groups: &[&[Text]]) -> Option<Self> {
        let mut by_text: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (group, texts) in groups.iter().enumerate() {
            for text in *texts {
                by_text.entry(text).or_default().push(group);
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
            groups_of: by_text.into_values().collect(),
            groups: groups.len(),
        })
    }

    pub(super) fn subject(&self) -> NodeId {
        self.subject
    }

    /// Returns the groups of which a literal occurs in `text`.
    pub(super) fn find(&self, text: &str) -> Bits {
        let mut found = Bits::new(self.groups);
        for hit in self.automaton.find_overlapping_iter(text) {
            for group in &self.groups_of[hit.pattern().as_usize()] {
                found.set(*group);
            }
        }
        found
    }
}
