//! A backtracking matcher for grok expressions: log formats leave so little choice that first-byte sets settle most of it.
//!
//! Leftmost-first is by definition what a backtracking search finds, so the answer equals the general engine's; a step
//! budget proportional to the text keeps it linear, and past the budget the general engine is asked instead.

mod compile;
mod set;

use regex_syntax::hir::{Hir, Look};

use self::set::{CharSet, Viable};

/// Steps allowed per byte of text, and for an empty text.
const STEPS_PER_BYTE: usize = 24;
const STEPS_BASE: usize = 512;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Program {
    nodes: Vec<Node>,
    /// What may come next where a node begins, by node.
    viable: Vec<Viable>,
    branches: Vec<usize>,
    literals: Vec<u8>,
    sets: Vec<CharSet>,
    start: usize,
    anchored: bool,
    slots: usize,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Match,
    NoMatch,
    GaveUp,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Literal {
        from: usize,
        to: usize,
        next: usize,
    },
    Class {
        set: usize,
        next: usize,
    },
    Loop {
        set: usize,
        min: u32,
        max: u32,
        greedy: bool,
        disjoint: bool,
        next: usize,
    },
    Choice {
        from: usize,
        to: usize,
    },
    Save {
        slot: usize,
        next: usize,
    },
    Look {
        look: Look,
        next: usize,
    },
    Match,
}

#[derive(Debug, Clone, Copy)]
enum Frame {
    /// Try the branches from `branch` on.
    Branch {
        node: usize,
        branch: usize,
        at: usize,
    },
    /// Give characters back: the last place tried was `at`.
    Back {
        node: usize,
        low: usize,
        at: usize,
    },
    /// Take one more character: the last place tried was `at`.
    Forward {
        node: usize,
        at: usize,
        left: u32,
    },
    Restore {
        slot: usize,
        value: usize,
    },
}

/// Memory of one worker, kept between runs.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    stack: Vec<Frame>,
    slots: Vec<usize>,
}

const UNSET: usize = usize::MAX;

impl Program {
    /// Compiles `hir`, whose captures are numbered from 1 to `captures`; `None` when it holds something not done here.
    pub(super) fn new(hir: &Hir, captures: usize) -> Option<Self> {
        compile::compile(hir, captures)
    }

    /// Searches `text` and fills `spans`, one entry per capture.
    pub(super) fn run(
        &self,
        text: &[u8],
        scratch: &mut Scratch,
        spans: &mut Vec<Option<(usize, usize)>>,
    ) -> Outcome {
        let mut budget = STEPS_BASE + STEPS_PER_BYTE * text.len();
        let mut start = 0;
        loop {
            if self.may_begin(text, start) {
                scratch.stack.clear();
                scratch.slots.clear();
                scratch.slots.resize(self.slots, UNSET);
                match (Run {
                    program: self,
                    text,
                    scratch: &mut *scratch,
                    budget: &mut budget,
                })
                .at(start)
                {
                    Outcome::NoMatch => {}
                    Outcome::GaveUp => return Outcome::GaveUp,
                    Outcome::Match => {
                        spans.clear();
                        spans.extend(scratch.slots.chunks_exact(2).map(|pair| match pair {
                            [from, to] if *from != UNSET && *to != UNSET => Some((*from, *to)),
                            _ => None,
                        }));
                        return Outcome::Match;
                    }
                }
            }
            start += 1;
            if self.anchored || start > text.len() {
                return Outcome::NoMatch;
            }
        }
    }

    fn may_begin(&self, text: &[u8], at: usize) -> bool {
        let is_boundary = text.get(at).is_none_or(|b| !is_continuation(*b));
        is_boundary && self.viable(self.start).allows(text.get(at).copied())
    }

    fn viable(&self, node: usize) -> &Viable {
        self.viable.get(node).unwrap_or(&Viable::ANYTHING)
    }
}

struct Run<'a> {
    program: &'a Program,
    text: &'a [u8],
    scratch: &'a mut Scratch,
    budget: &'a mut usize,
}

/// Where to go on: node and position. A pair travels in registers, which an `Option` of a pair does not.
type Place = (usize, usize);

/// Nowhere to go on: back to the last choice.
const DEAD_END: Place = (usize::MAX, 0);

impl Run<'_> {
    fn at(&mut self, start: usize) -> Outcome {
        let mut place = (self.program.start, start);
        loop {
            if *self.budget == 0 {
                return Outcome::GaveUp;
            }
            *self.budget -= 1;
            let Some(node) = self.program.nodes.get(place.0) else {
                return Outcome::GaveUp;
            };
            place = match *node {
                Node::Match => return Outcome::Match,
                Node::Literal { from, to, next } => self.literal(from, to, next, place.1),
                Node::Class { set, next } => self.class(set, next, place.1),
                Node::Loop { greedy: true, .. } => self.greedy(*node, place),
                Node::Loop { .. } => self.lazy(*node, place),
                Node::Choice { from, to } => self.choice(place.0, from, to, place.1),
                Node::Save { slot, next } => self.save(slot, next, place.1),
                Node::Look { look, next } if look_holds(look, self.text, place.1) => (next, place.1),
                Node::Look { .. } => DEAD_END,
            };
            if place == DEAD_END {
                place = self.backtrack();
                if place == DEAD_END {
                    return Outcome::NoMatch;
                }
            }
        }
    }

    fn literal(&self, from: usize, to: usize, next: usize, at: usize) -> Place {
        match (self.program.literals.get(from..to), self.text.get(at..)) {
            (Some(literal), Some(rest)) if rest.starts_with(literal) => (next, at + literal.len()),
            _ => DEAD_END,
        }
    }

    fn class(&self, set: usize, next: usize, at: usize) -> Place {
        match self.program.sets.get(set).and_then(|set| set.step(self.text, at)) {
            Some(after) => (next, after),
            None => DEAD_END,
        }
    }

    fn save(&mut self, slot: usize, next: usize, at: usize) -> Place {
        if let Some(held) = self.scratch.slots.get_mut(slot) {
            let value = std::mem::replace(held, at);
            if !self.scratch.stack.is_empty() {
                self.scratch.stack.push(Frame::Restore { slot, value });
            }
        }
        (next, at)
    }

    fn choice(&mut self, node: usize, from: usize, to: usize, at: usize) -> Place {
        let byte = self.text.get(at).copied();
        let mut chosen = DEAD_END;
        for branch in from..to {
            let Some(target) = self.program.branches.get(branch) else {
                break;
            };
            if !self.program.viable(*target).allows(byte) {
                continue;
            }
            if chosen != DEAD_END {
                self.scratch.stack.push(Frame::Branch { node, branch, at });
                break;
            }
            chosen = (*target, at);
        }
        chosen
    }

    fn greedy(&mut self, node: Node, (index, start): Place) -> Place {
        let Node::Loop {
            set,
            min,
            max,
            disjoint,
            next,
            ..
        } = node
        else {
            return DEAD_END;
        };
        let Some(set) = self.program.sets.get(set) else {
            return DEAD_END;
        };
        let (mut at, mut low, mut count) = (start, start, 0);
        while count < max
            && let Some(after) = set.step(self.text, at)
        {
            at = after;
            count += 1;
            if count == min {
                low = at;
            }
        }
        *self.budget = self.budget.saturating_sub((at - start) / 16);
        if count < min {
            return DEAD_END;
        }
        if disjoint {
            let is_viable = self.program.viable(next).allows(self.text.get(at).copied());
            return if is_viable { (next, at) } else { DEAD_END };
        }
        self.settle_back(index, next, low, at)
    }

    /// Goes back from `at` to the first place where `next` may begin.
    fn settle_back(&mut self, index: usize, next: usize, low: usize, mut at: usize) -> Place {
        let viable = self.program.viable(next);
        loop {
            let byte = self.text.get(at).copied();
            if viable.allows(byte) && !byte.is_some_and(is_continuation) {
                if at > low {
                    self.scratch.stack.push(Frame::Back { node: index, low, at });
                }
                return (next, at);
            }
            if at <= low {
                return DEAD_END;
            }
            at -= 1;
        }
    }

    fn lazy(&mut self, node: Node, (index, start): Place) -> Place {
        let Node::Loop { set, min, max, .. } = node else {
            return DEAD_END;
        };
        let Some(set) = self.program.sets.get(set) else {
            return DEAD_END;
        };
        let mut at = start;
        for _ in 0..min {
            match set.step(self.text, at) {
                Some(after) => at = after,
                None => return DEAD_END,
            }
        }
        let left = if max == u32::MAX { max } else { max - min };
        self.settle_forward(index, at, left)
    }

    /// Goes on from `at` to the first place where the node after the loop may begin.
    fn settle_forward(&mut self, index: usize, mut at: usize, mut left: u32) -> Place {
        let Some(Node::Loop { set, next, .. }) = self.program.nodes.get(index).copied() else {
            return DEAD_END;
        };
        let Some(set) = self.program.sets.get(set) else {
            return DEAD_END;
        };
        let viable = self.program.viable(next);
        let start = at;
        loop {
            if viable.allows(self.text.get(at).copied()) {
                if left > 0 {
                    self.scratch.stack.push(Frame::Forward {
                        node: index,
                        at,
                        left,
                    });
                }
                *self.budget = self.budget.saturating_sub((at - start) / 16);
                return (next, at);
            }
            if left == 0 {
                return DEAD_END;
            }
            match set.step(self.text, at) {
                Some(after) => at = after,
                None => return DEAD_END,
            }
            left = one_less(left);
        }
    }

    fn backtrack(&mut self) -> Place {
        while let Some(frame) = self.scratch.stack.pop() {
            let place = match frame {
                Frame::Restore { slot, value } => {
                    if let Some(held) = self.scratch.slots.get_mut(slot) {
                        *held = value;
                    }
                    continue;
                }
                Frame::Branch { node, branch, at } => match self.program.nodes.get(node) {
                    Some(Node::Choice { to, .. }) => self.choice(node, branch, *to, at),
                    _ => DEAD_END,
                },
                Frame::Back { node, low, at } => match self.program.nodes.get(node) {
                    Some(Node::Loop { next, .. }) => self.settle_back(node, *next, low, at - 1),
                    _ => DEAD_END,
                },
                Frame::Forward { node, at, left } => self.one_more(node, at, left),
            };
            if place != DEAD_END {
                return place;
            }
        }
        DEAD_END
    }

    fn one_more(&mut self, index: usize, at: usize, left: u32) -> Place {
        let Some(Node::Loop { set, .. }) = self.program.nodes.get(index) else {
            return DEAD_END;
        };
        match self
            .program
            .sets
            .get(*set)
            .and_then(|set| set.step(self.text, at))
        {
            Some(after) => self.settle_forward(index, after, one_less(left)),
            None => DEAD_END,
        }
    }
}

/// Counts a repetition down; `u32::MAX` stands for no limit.
fn one_less(left: u32) -> u32 {
    if left == u32::MAX {
        left
    } else {
        left.saturating_sub(1)
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn look_holds(look: Look, text: &[u8], at: usize) -> bool {
    let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let before = at.checked_sub(1).and_then(|i| text.get(i));
    let after = text.get(at);
    match look {
        Look::Start => before.is_none(),
        Look::End => after.is_none(),
        Look::StartLF => before.is_none_or(|b| *b == b'\n'),
        Look::EndLF => after.is_none_or(|b| *b == b'\n'),
        Look::WordAscii => is_word(before) != is_word(after),
        Look::WordAsciiNegate => is_word(before) == is_word(after),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
