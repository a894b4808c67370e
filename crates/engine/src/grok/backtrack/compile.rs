//! Builds the program from the regular expression, from its end to its start, so that what may follow is always known.

use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::{
    Node, Program,
    set::{CharSet, Viable},
};

/// Larger programs are left to the general engine.
const MAX_NODES: usize = 20_000;

pub(super) fn compile(hir: &Hir, captures: usize) -> Option<Program> {
    let mut builder = Builder::default();
    let end = builder.push(Node::Match, Viable::ANYTHING)?;
    let start = builder.node(hir, end)?;
    Some(Program {
        anchored: hir.properties().look_set_prefix().contains(Look::Start),
        nodes: builder.nodes,
        viable: builder.viable,
        branches: builder.branches,
        literals: builder.literals,
        sets: builder.sets,
        start,
        slots: captures * 2,
    })
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    viable: Vec<Viable>,
    branches: Vec<usize>,
    literals: Vec<u8>,
    sets: Vec<CharSet>,
}

impl Builder {
    fn push(&mut self, node: Node, viable: Viable) -> Option<usize> {
        if self.nodes.len() >= MAX_NODES {
            return None;
        }
        self.nodes.push(node);
        self.viable.push(viable);
        Some(self.nodes.len() - 1)
    }

    fn viable(&self, node: usize) -> Viable {
        self.viable.get(node).copied().unwrap_or(Viable::ANYTHING)
    }

    fn set(&mut self, set: CharSet) -> usize {
        self.sets.push(set);
        self.sets.len() - 1
    }

    /// Compiles `hir` so that it goes on at `next`; returns where it begins.
    fn node(&mut self, hir: &Hir, next: usize) -> Option<usize> {
        match hir.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => self.literal(&literal.0, next),
            HirKind::Class(class) => {
                let set = CharSet::of_class(class)?;
                let leads = set.leads();
                let set = self.set(set);
                self.push(Node::Class { set, next }, leads)
            }
            HirKind::Look(look) => self.look(*look, next),
            HirKind::Capture(capture) => {
                let slot = usize::try_from(capture.index).ok()?.checked_sub(1)? * 2;
                let close = self.push(Node::Save { slot: slot + 1, next }, self.viable(next))?;
                let inner = self.node(&capture.sub, close)?;
                self.push(Node::Save { slot, next: inner }, self.viable(inner))
            }
            HirKind::Concat(parts) => parts
                .iter()
                .rev()
                .try_fold(next, |next, part| self.node(part, next)),
            HirKind::Alternation(parts) => {
                let targets = parts
                    .iter()
                    .map(|part| self.node(part, next))
                    .collect::<Option<Vec<_>>>()?;
                self.choice(&targets)
            }
            HirKind::Repetition(repetition) => self.repetition(repetition, next),
        }
    }

    fn literal(&mut self, literal: &[u8], next: usize) -> Option<usize> {
        std::str::from_utf8(literal).ok()?;
        let first = *literal.first()?;
        let from = self.literals.len();
        self.literals.extend_from_slice(literal);
        self.push(
            Node::Literal {
                from,
                to: self.literals.len(),
                next,
            },
            Viable::byte(first),
        )
    }

    fn look(&mut self, look: Look, next: usize) -> Option<usize> {
        let viable = match look {
            Look::End => Viable::END,
            Look::EndLF => Viable::END.or(&Viable::byte(b'\n')),
            Look::Start | Look::StartLF | Look::WordAscii | Look::WordAsciiNegate => self.viable(next),
            _ => return None,
        };
        self.push(Node::Look { look, next }, viable)
    }

    fn choice(&mut self, targets: &[usize]) -> Option<usize> {
        let viable = targets
            .iter()
            .fold(Viable::NOTHING, |all, target| all.or(&self.viable(*target)));
        let from = self.branches.len();
        self.branches.extend_from_slice(targets);
        self.push(
            Node::Choice {
                from,
                to: self.branches.len(),
            },
            viable,
        )
    }

    fn repetition(&mut self, repetition: &Repetition, next: usize) -> Option<usize> {
        if let Some(set) = single(&repetition.sub) {
            return self.single_loop(set, repetition, next);
        }
        let sub = &repetition.sub;
        let mut tail = match repetition.max {
            None => self.star(sub, repetition.greedy, next)?,
            Some(max) => {
                let mut tail = next;
                for _ in repetition.min..max {
                    let taken = self.node(sub, tail)?;
                    tail = self.choice(&order(taken, next, repetition.greedy))?;
                }
                tail
            }
        };
        for _ in 0..repetition.min {
            tail = self.node(sub, tail)?;
        }
        Some(tail)
    }

    fn star(&mut self, sub: &Hir, greedy: bool, next: usize) -> Option<usize> {
        // An empty iteration would loop; the general engine knows what it means.
        if sub.properties().minimum_len().is_none_or(|length| length == 0) {
            return None;
        }
        // `sub` cannot be empty, so what it may begin with does not depend on what follows: a first build finds it.
        let head = self.push(Node::Choice { from: 0, to: 0 }, Viable::ANYTHING)?;
        let body = self.node(sub, head)?;
        let viable = self.viable(body).or(&self.viable(next));
        // Nodes of the body that look through to `head` were built before its set was known and allow anything.
        let from = self.branches.len();
        self.branches.extend_from_slice(&order(body, next, greedy));
        *self.nodes.get_mut(head)? = Node::Choice {
            from,
            to: self.branches.len(),
        };
        *self.viable.get_mut(head)? = viable;
        self.narrow(head);
        Some(head)
    }

    /// Recomputes the sets of the nodes of a loop body, which were built while the loop's own set was unknown.
    fn narrow(&mut self, head: usize) {
        for index in head + 1..self.nodes.len() {
            let viable = match self.nodes.get(index) {
                Some(Node::Look {
                    look: Look::End | Look::EndLF,
                    ..
                }) => continue,
                Some(Node::Save { next, .. } | Node::Look { next, .. }) => self.viable(*next),
                Some(Node::Choice { from, to }) => self
                    .branches
                    .get(*from..*to)
                    .unwrap_or_default()
                    .iter()
                    .fold(Viable::NOTHING, |all, target| all.or(&self.viable(*target))),
                Some(Node::Loop { set, min, next, .. }) => {
                    let (set, min, next) = (*set, *min, *next);
                    self.loop_viable(set, min, next)
                }
                _ => continue,
            };
            if let Some(held) = self.viable.get_mut(index) {
                *held = viable;
            }
            self.renew_disjoint(index);
        }
    }

    fn renew_disjoint(&mut self, index: usize) {
        if let Some(Node::Loop { set, next, .. }) = self.nodes.get(index) {
            let apart = self.is_disjoint(*set, *next);
            if let Some(Node::Loop { disjoint, .. }) = self.nodes.get_mut(index) {
                *disjoint = apart;
            }
        }
    }

    fn single_loop(&mut self, set: CharSet, repetition: &Repetition, next: usize) -> Option<usize> {
        let set = self.set(set);
        let disjoint = self.is_disjoint(set, next);
        let viable = self.loop_viable(set, repetition.min, next);
        let (min, max) = (repetition.min, repetition.max.unwrap_or(u32::MAX));
        self.push(
            Node::Loop {
                set,
                min,
                max,
                greedy: repetition.greedy,
                disjoint,
                next,
            },
            viable,
        )
    }

    fn loop_viable(&self, set: usize, min: u32, next: usize) -> Viable {
        let leads = self.sets.get(set).map_or(Viable::ANYTHING, CharSet::leads);
        if min == 0 {
            leads.or(&self.viable(next))
        } else {
            leads
        }
    }

    fn is_disjoint(&self, set: usize, next: usize) -> bool {
        self.sets
            .get(set)
            .is_some_and(|set| set.leads().shares_no_byte(&self.viable(next)))
    }
}

fn order(taken: usize, skipped: usize, greedy: bool) -> [usize; 2] {
    if greedy {
        [taken, skipped]
    } else {
        [skipped, taken]
    }
}

/// Returns the set of an expression that matches exactly one character.
fn single(hir: &Hir) -> Option<CharSet> {
    match hir.kind() {
        HirKind::Class(class) => CharSet::of_class(class),
        HirKind::Literal(literal) => {
            let mut chars = std::str::from_utf8(&literal.0).ok()?.chars();
            let first = chars.next()?;
            chars.next().is_none().then(|| CharSet::of_char(first))
        }
        _ => None,
    }
}
