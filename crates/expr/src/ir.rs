//! The shared graph of all compiled expressions: equal sub-expressions are one node, and each node knows its effects.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::ast::BinaryOp;
use crate::function::{Effect, Function, Method};
use crate::id::{FieldId, MethodId, VariableId};
use crate::key::Key;
use crate::objects::Objects;
use crate::types::Type;
use crate::value::{Object, Text, Value};

/// Names a node of the graph.
pub(crate) type NodeId = u32;

/// Is one operation; operands are node numbers, everything bulky is in the graph's tables, so that equality and hash
/// are those of the expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Const(u32),
    Root(Object),
    Variable(VariableId),
    /// A `let` variable or a closure's element, index or accumulator.
    Local(u16),
    Field(NodeId, FieldId),
    /// `object.map["key"]` with a constant key.
    Entry(NodeId, FieldId, u32),
    /// The map field of an object as a target of a helper that writes.
    Place(NodeId, FieldId),
    Fetch(NodeId, NodeId),
    /// Leaves the innermost [`Op::Chain`] with nil when its operand is nil.
    Guard(NodeId),
    Chain(NodeId),
    Slice(NodeId, Option<NodeId>, Option<NodeId>),
    Method(NodeId, MethodId, Box<[NodeId]>),
    ValueMethod(NodeId, u32, Box<[NodeId]>),
    DynamicMethod(NodeId, u32, Box<[NodeId]>),
    Call(u32, Box<[NodeId]>),
    Not(NodeId),
    Negate(NodeId),
    And(Box<[NodeId]>),
    Or(Box<[NodeId]>),
    Conditional(NodeId, NodeId, NodeId),
    Binary(BinaryOp, NodeId, NodeId),
    /// `in` a literal list of strings.
    InSet(NodeId, u32),
    /// `matches` with a literal pattern.
    Matches(NodeId, u32),
    Array(Box<[NodeId]>),
    Map(Box<[(NodeId, NodeId)]>),
    Let {
        slot: u16,
        value: NodeId,
        body: NodeId,
    },
    Sequence(Box<[NodeId]>),
    Loop(Loop),
}

/// Is a builtin with a closure; its element, index and accumulator are the locals `slot`, `slot + 1`, `slot + 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Loop {
    pub(crate) kind: LoopKind,
    pub(crate) source: NodeId,
    pub(crate) body: Option<NodeId>,
    /// The order of `sortBy`, the first accumulator of `reduce`.
    pub(crate) extra: Option<NodeId>,
    pub(crate) slot: u16,
    /// `count` stops here, because the comparison around it is decided.
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LoopKind {
    All,
    None,
    Any,
    One,
    Filter,
    Map,
    Count,
    Sum,
    Find,
    FindIndex,
    FindLast,
    FindLastIndex,
    GroupBy,
    SortBy,
    Reduce,
}

/// Is a node with what is known of it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) ty: Type,
    pub(crate) facts: Facts,
    /// How many nodes and roots use it; inside a closure counts twice.
    pub(crate) uses: u32,
    /// Its place in the memo, when its result may be remembered.
    pub(crate) memo: Option<u32>,
}

/// Says what evaluating a node does and what its result depends on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// It changes an event or the world.
    pub(crate) writes: bool,
    /// Its result depends on something that changes unseen (clock, stash, methods that declare no reads).
    pub(crate) unstable: bool,
    /// Dense numbers of the fields that it reads, sorted.
    pub(crate) reads: Vec<u16>,
    /// Locals that it needs from around it, as bits.
    pub(crate) free: u64,
    /// Rough price of evaluating it.
    pub(crate) cost: u32,
}

impl Facts {
    /// Reports whether the result may be remembered until a field in `reads` changes.
    pub(crate) fn memoisable(&self) -> bool {
        !self.writes && !self.unstable && self.free == 0
    }

    fn join(&mut self, other: &Self) {
        self.writes |= other.writes;
        self.unstable |= other.unstable;
        self.free |= other.free;
        self.cost = self.cost.saturating_add(other.cost);
        self.reads.extend_from_slice(&other.reads);
    }
}

/// Nodes cheaper than this are evaluated again rather than remembered.
const MEMO_COST: u32 = 6;

/// Holds the nodes and the tables they point into.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) objects: Arc<Objects>,
    pub(crate) nodes: Vec<Node>,
    index: HashMap<Op, NodeId, foldhash::fast::FixedState>,
    pub(crate) constants: Vec<Value>,
    constant_index: HashMap<String, u32, foldhash::fast::FixedState>,
    pub(crate) keys: Vec<Key>,
    key_index: HashMap<String, u32, foldhash::fast::FixedState>,
    pub(crate) sets: Vec<TextSet>,
    pub(crate) patterns: Vec<regex::Regex>,
    pattern_index: HashMap<String, u32, foldhash::fast::FixedState>,
    pub(crate) functions: Vec<Arc<Function>>,
    pub(crate) methods: Vec<Arc<Method>>,
    pub(crate) memo_slots: u32,
}

/// Is a literal list of strings, for `in`.
#[derive(Debug)]
pub(crate) struct TextSet {
    pub(crate) texts: Vec<Text>,
    set: HashSet<Text, foldhash::fast::FixedState>,
}

impl TextSet {
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.set.contains(text)
    }
}

impl Graph {
    pub(crate) fn new(objects: &Arc<Objects>) -> Self {
        Self {
            objects: Arc::clone(objects),
            nodes: Vec::new(),
            index: HashMap::default(),
            constants: Vec::new(),
            constant_index: HashMap::default(),
            keys: Vec::new(),
            key_index: HashMap::default(),
            sets: Vec::new(),
            patterns: Vec::new(),
            pattern_index: HashMap::default(),
            functions: Vec::new(),
            methods: Vec::new(),
            memo_slots: 0,
        }
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// Returns the node for `op`, made when it is the first of its kind.
    pub(crate) fn emit(&mut self, op: Op, ty: Type) -> NodeId {
        if let Some(id) = self.index.get(&op) {
            return *id;
        }
        let facts = self.facts(&op);
        let repeats = matches!(op, Op::Loop(_));
        let mut children = Vec::new();
        op.children(&mut |child| children.push(child));
        for child in children {
            self.use_node(child, if repeats { 2 } else { 1 });
        }
        let memo = (facts.memoisable() && facts.cost >= MEMO_COST).then_some(self.memo_slots);
        self.memo_slots += u32::from(memo.is_some());
        let id = number(self.nodes.len());
        self.nodes.push(Node {
            op: op.clone(),
            ty,
            facts,
            uses: 0,
            memo,
        });
        self.index.insert(op, id);
        id
    }

    /// Counts a use; what runs in a closure is used repeatedly, down to its closed parts.
    pub(crate) fn use_node(&mut self, id: NodeId, times: u32) {
        let node = &mut self.nodes[id as usize];
        node.uses = node.uses.saturating_add(times);
        if times > 1 && node.facts.free != 0 {
            let mut children = Vec::new();
            node.op.children(&mut |child| children.push(child));
            for child in children {
                self.use_node(child, times);
            }
        }
    }

    pub(crate) fn constant(&mut self, value: Value) -> u32 {
        let text = format!("{value:?}");
        if let Some(id) = self.constant_index.get(&text) {
            return *id;
        }
        let id = number(self.constants.len());
        self.constants.push(value);
        self.constant_index.insert(text, id);
        id
    }

    pub(crate) fn key(&mut self, name: &str) -> u32 {
        if let Some(id) = self.key_index.get(name) {
            return *id;
        }
        let id = number(self.keys.len());
        self.keys.push(Key::new(name));
        self.key_index.insert(name.to_owned(), id);
        id
    }

    pub(crate) fn set(&mut self, mut texts: Vec<Text>) -> u32 {
        texts.sort();
        texts.dedup();
        if let Some(found) = self.sets.iter().position(|set| set.texts == texts) {
            return number(found);
        }
        let id = number(self.sets.len());
        self.sets.push(TextSet {
            set: texts.iter().cloned().collect(),
            texts,
        });
        id
    }

    pub(crate) fn pattern(&mut self, pattern: &str) -> Result<u32, String> {
        if let Some(id) = self.pattern_index.get(pattern) {
            return Ok(*id);
        }
        let compiled = golang::regexp::compile(pattern).map_err(|error| error.to_string())?;
        let id = number(self.patterns.len());
        self.patterns.push(compiled);
        self.pattern_index.insert(pattern.to_owned(), id);
        Ok(id)
    }

    pub(crate) fn function(&mut self, function: &Arc<Function>) -> u32 {
        let same = |f: &Arc<Function>| f.name == function.name && std::ptr::fn_addr_eq(f.body, function.body);
        let found = self.functions.iter().position(same);
        number(found.unwrap_or_else(|| {
            self.functions.push(Arc::clone(function));
            self.functions.len() - 1
        }))
    }

    pub(crate) fn value_method(&mut self, method: &Arc<Method>) -> u32 {
        let same = |m: &Arc<Method>| m.receiver == method.receiver && m.function.name == method.function.name;
        let found = self.methods.iter().position(same);
        number(found.unwrap_or_else(|| {
            self.methods.push(Arc::clone(method));
            self.methods.len() - 1
        }))
    }

    /// Returns the constant that a node is.
    pub(crate) fn as_constant(&self, id: NodeId) -> Option<&Value> {
        match self.node(id).op {
            Op::Const(constant) => self.constants.get(constant as usize),
            _ => None,
        }
    }

    fn facts(&self, op: &Op) -> Facts {
        let mut facts = Facts::default();
        op.children(&mut |child| facts.join(&self.node(child).facts));
        facts.cost = facts.cost.saturating_add(op.cost());
        match op {
            Op::Variable(_) | Op::DynamicMethod(..) => facts.unstable = true,
            Op::Local(slot) => facts.free |= slot_bit(*slot),
            Op::Let { slot, .. } => facts.free &= !bound(*slot, 1),
            Op::Loop(inner) => facts.free &= !bound(inner.slot, 3),
            Op::Field(_, field) | Op::Entry(_, field, _) | Op::Place(_, field) => {
                facts.reads.extend(self.dense(*field));
            }
            Op::Method(_, method, _) => self.method_facts(*method, &mut facts),
            Op::Call(function, _) => match self.functions[*function as usize].effect {
                Effect::Pure => {}
                Effect::ReadsWorld => facts.unstable = true,
                Effect::WritesWorld | Effect::WritesArgument(_) => facts.writes = true,
            },
            _ => {}
        }
        facts.reads.sort_unstable();
        facts.reads.dedup();
        facts
    }

    fn method_facts(&self, method: MethodId, facts: &mut Facts) {
        let Some(def) = self.objects.method_def(method) else {
            facts.unstable = true;
            return;
        };
        facts.writes |= !def.writes.is_empty();
        match &def.reads {
            Some(reads) => facts
                .reads
                .extend(reads.iter().filter_map(|field| self.dense(*field))),
            None => facts.unstable = true,
        }
    }

    fn dense(&self, field: FieldId) -> Option<u16> {
        self.objects
            .dense(field)
            .and_then(|dense| u16::try_from(dense).ok())
    }
}

impl Op {
    /// Visits the operands in the order of evaluation.
    pub(crate) fn children(&self, see: &mut dyn FnMut(NodeId)) {
        match self {
            Self::Const(_) | Self::Root(_) | Self::Variable(_) | Self::Local(_) => {}
            Self::Field(a, _)
            | Self::Entry(a, _, _)
            | Self::Place(a, _)
            | Self::Guard(a)
            | Self::Chain(a)
            | Self::Not(a)
            | Self::Negate(a)
            | Self::InSet(a, _)
            | Self::Matches(a, _) => see(*a),
            Self::Fetch(a, b)
            | Self::Binary(_, a, b)
            | Self::Let {
                value: a, body: b, ..
            } => {
                see(*a);
                see(*b);
            }
            Self::Slice(a, from, to) => {
                see(*a);
                to.iter().chain(from).copied().for_each(see);
            }
            Self::Method(a, _, args) | Self::ValueMethod(a, _, args) | Self::DynamicMethod(a, _, args) => {
                see(*a);
                args.iter().copied().for_each(see);
            }
            Self::Call(_, nodes)
            | Self::And(nodes)
            | Self::Or(nodes)
            | Self::Array(nodes)
            | Self::Sequence(nodes) => nodes.iter().copied().for_each(see),
            Self::Conditional(a, b, c) => [*a, *b, *c].into_iter().for_each(see),
            Self::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                see(*key);
                see(*value);
            }),
            Self::Loop(inner) => {
                see(inner.source);
                inner.extra.iter().chain(&inner.body).copied().for_each(see);
            }
        }
    }

    fn cost(&self) -> u32 {
        match self {
            Self::Const(_) | Self::Root(_) | Self::Local(_) | Self::Guard(_) | Self::Chain(_) => 0,
            Self::Binary(BinaryOp::Contains | BinaryOp::EndsWith, ..) => 4,
            Self::Binary(BinaryOp::Matches, ..) | Self::Matches(..) | Self::Call(..) | Self::Method(..) => 10,
            Self::Loop(_) => 50,
            _ => 1,
        }
    }
}

/// The locals beyond the 63rd share one bit that is never cleared: what uses them is just not remembered.
fn slot_bit(slot: u16) -> u64 {
    1 << slot.min(63)
}

fn bound(slot: u16, count: u16) -> u64 {
    (slot..slot + count)
        .filter(|slot| *slot < 63)
        .fold(0, |bits, slot| bits | slot_bit(slot))
}

/// Narrows a table's length; tables are bounded by the configuration's text, far below 2³².
pub(crate) fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
