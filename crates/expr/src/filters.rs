//! All bool filters of a kind as one program: equal verdicts to evaluating each in load order, at a fraction of the cost.
//!
//! A filter is skipped only when one of its `&&` operands is known to be false and everything before that operand can
//! neither fail nor change anything: then the whole filter is false, whatever follows. Filters that may be true are
//! evaluated in load order as they stand.

mod literals;
mod plan;

use std::collections::BTreeMap;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::env::{Env, Host};
use crate::error::EvalError;
use crate::eval;
use crate::ir::NodeId;
use crate::library::{ExprId, Library};
use crate::memo::Memo;
use crate::value::{Text, Value};

use self::literals::LiteralIndex;
use self::plan::{Literals, Plan};

/// Holds the filters in load order with the indexes that rule most of them out.
#[derive(Debug)]
pub struct FilterSet {
    filters: Vec<ExprId>,
    /// Filters that no equality test rules out.
    always: Bits,
    equalities: Vec<EqualityIndex>,
    literals: Vec<LiteralIndex>,
}

/// Walks the filters for one event; holds no borrow, so the caller may use its event between two steps.
#[derive(Debug)]
pub struct FilterRun {
    next: usize,
    /// The memo's version that `candidates` are for.
    version: Option<u64>,
    candidates: Bits,
}

/// One hash lookup to the filters that ask for this value of a text (`evt.Meta.log_type == "…"`).
#[derive(Debug)]
struct EqualityIndex {
    subject: NodeId,
    /// Every filter in this index.
    all: Bits,
    by_text: HashMap<Text, Bits, foldhash::fast::FixedState>,
}

impl FilterSet {
    /// Builds the indexes; `host` is asked for the data files that filters name (`File("…")`) and must give the same
    /// contents for as long as the set lives.
    pub fn new(library: &Library, filters: &[ExprId], host: &dyn Host) -> Self {
        let graph = library.graph();
        let plans: Vec<Plan> = filters
            .iter()
            .map(|filter| Plan::of(graph, filter.0, host))
            .collect();
        let mut set = Self {
            filters: filters.to_vec(),
            always: Bits::new(filters.len()),
            equalities: Vec::new(),
            literals: Vec::new(),
        };
        for (filter, plan) in plans.iter().enumerate() {
            match &plan.equality {
                Some((subject, texts)) => set.index_equality(filter, *subject, texts),
                None => set.always.set(filter),
            }
        }
        set.index_literals(&plans);
        set
    }

    fn index_equality(&mut self, filter: usize, subject: NodeId, texts: &[Text]) {
        let size = self.filters.len();
        let found = self.equalities.iter().position(|index| index.subject == subject);
        let place = found.unwrap_or_else(|| {
            let by_text = HashMap::default();
            self.equalities.push(EqualityIndex {
                subject,
                all: Bits::new(size),
                by_text,
            });
            self.equalities.len() - 1
        });
        let index = &mut self.equalities[place];
        index.all.set(filter);
        for text in texts {
            index
                .by_text
                .entry(text.clone())
                .or_insert_with(|| Bits::new(size))
                .set(filter);
        }
    }

    fn index_literals(&mut self, plans: &[Plan]) {
        let mut by_subjects: BTreeMap<Vec<NodeId>, BTreeMap<usize, &Literals>> = BTreeMap::new();
        for (filter, plan) in plans.iter().enumerate() {
            for literals in &plan.literals {
                // Of several conditions on the same texts the first is used; the filter checks the others itself.
                by_subjects
                    .entry(literals.keys().copied().collect())
                    .or_default()
                    .entry(filter)
                    .or_insert(literals);
            }
        }
        let size = self.filters.len();
        self.literals = by_subjects
            .iter()
            .filter_map(|(subjects, wanted)| LiteralIndex::new(subjects, wanted, size))
            .collect();
    }

    /// Returns the number of filters.
    pub fn len(&self) -> usize {
        self.filters.len()
    }

    /// Reports whether there is no filter.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Begins a walk for the event that `memo` is cleared for.
    pub fn start(&self) -> FilterRun {
        FilterRun {
            next: 0,
            version: None,
            candidates: Bits::default(),
        }
    }

    /// Visits every filter that is true or fails, in load order; those that are false are not shown.
    pub fn matching(
        &self,
        library: &Library,
        env: &mut dyn Env,
        memo: &mut Memo,
        visit: &mut dyn FnMut(usize, Result<bool, EvalError>),
    ) {
        let mut run = self.start();
        while let Some((index, verdict)) = run.next(self, library, env, memo) {
            visit(index, verdict);
        }
    }
}

impl FilterRun {
    /// Returns the next filter that is true or fails, and its verdict. What was changed since the last step by
    /// expressions or announced by [`Memo::invalidate`] is seen by the filters that follow.
    pub fn next(
        &mut self,
        set: &FilterSet,
        library: &Library,
        env: &mut dyn Env,
        memo: &mut Memo,
    ) -> Option<(usize, Result<bool, EvalError>)> {
        loop {
            memo.fit(library.graph());
            if self.version != Some(memo.version()) {
                self.refresh(set, library, env, memo);
            }
            let index = self.candidates.first_from(self.next)?;
            self.next = index + 1;
            match library.eval_bool(set.filters[index], env, memo) {
                Ok(false) => {}
                verdict => return Some((index, verdict)),
            }
        }
    }

    /// Looks up the candidates anew: the event is another one, or changed.
    fn refresh(&mut self, set: &FilterSet, library: &Library, env: &mut dyn Env, memo: &mut Memo) {
        self.version = Some(memo.version());
        self.candidates = set.always.clone();
        for index in &set.equalities {
            match eval::value(library.graph(), index.subject, env, memo) {
                Ok(Value::Str(text)) => {
                    if let Some(filters) = index.by_text.get(&text) {
                        self.candidates.join(filters);
                    }
                }
                // Not a text, or a failure that the filters must meet themselves.
                _ => self.candidates.join(&index.all),
            }
        }
        for index in &set.literals {
            if self.candidates.meets(index.filters())
                && let Some(found) = index.find(library, env, memo)
            {
                self.candidates.keep(index.filters(), &found);
            }
        }
    }
}

/// Is a set of small numbers.
#[derive(Debug, Clone, Default)]
struct Bits {
    words: SmallVec<[u64; 16]>,
}

impl Bits {
    fn new(size: usize) -> Self {
        Self {
            words: SmallVec::from_elem(0, size.div_ceil(64)),
        }
    }

    /// Makes an empty set with room for the same numbers.
    fn emptied(&self) -> Self {
        Self {
            words: SmallVec::from_elem(0, self.words.len()),
        }
    }

    fn set(&mut self, bit: usize) {
        if let Some(word) = self.words.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    fn meets(&self, other: &Self) -> bool {
        self.words
            .iter()
            .zip(&other.words)
            .any(|(word, more)| word & more != 0)
    }

    /// Removes the members of `subject` that are not in `kept`.
    fn keep(&mut self, subject: &Self, kept: &Self) {
        for (word, (subject, kept)) in self.words.iter_mut().zip(subject.words.iter().zip(&kept.words)) {
            *word &= !subject | kept;
        }
    }

    fn join(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Returns the lowest member that is at least `from`.
    fn first_from(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.words.get(word)? & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.words.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}
