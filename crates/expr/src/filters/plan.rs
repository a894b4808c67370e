//! What must hold for a filter to be true, as far as its first `&&` operands say so without any risk.

use std::collections::BTreeMap;

use crate::ast::BinaryOp;
use crate::env::{Host, NoEnv};
use crate::function::{Call, Effect};
use crate::ir::{Graph, Loop, LoopKind, NodeId, Op};
use crate::limits;
use crate::types::Type;
use crate::value::{Text, Value};

/// Lists necessary conditions of one filter.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// A text that must be one of these.
    pub(super) equality: Option<(NodeId, Vec<Text>)>,
    /// Each of these must hold.
    pub(super) literals: Vec<Literals>,
}

/// Holds when one of the texts contains one of its literals.
pub(super) type Literals = BTreeMap<NodeId, Vec<Text>>;

/// Values that computing the literals of one loop may make: well below [`limits::MEMORY`], so that the loop itself
/// cannot run out of it.
const MEMORY: u64 = limits::MEMORY / 4;

impl Plan {
    pub(super) fn of(graph: &Graph, root: NodeId, host: &dyn Host) -> Self {
        let mut plan = Self::default();
        plan.conjunct(graph, root, host);
        plan
    }

    /// Takes what an operand of the top `&&` chain says; returns whether the operand can neither fail nor change
    /// anything, so that the next one may be looked at.
    fn conjunct(&mut self, graph: &Graph, id: NodeId, host: &dyn Host) -> bool {
        if let Op::And(items) = &graph.node(id).op {
            return items.iter().all(|item| self.conjunct(graph, *item, host));
        }
        if let Some(equality) = equality(graph, id) {
            if self.equality.is_none() {
                self.equality = Some(equality);
            }
        } else if let Some(literals) = literals(graph, id, host)
            && is_useful(&literals)
        {
            self.literals.push(literals);
        }
        is_safe(graph, id)
    }
}

/// Reads `text == "a"`, `text in ["a", "b"]`, and any of these on one text joined by `||`.
fn equality(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<Text>)> {
    match &graph.node(id).op {
        Op::Binary(BinaryOp::Equal, left, right) => {
            let (subject, text) = match (graph.as_constant(*left), graph.as_constant(*right)) {
                (None, Some(Value::Str(text))) => (*left, text),
                (Some(Value::Str(text)), None) => (*right, text),
                _ => return None,
            };
            is_stored_text(graph, subject).then(|| (subject, vec![text.clone()]))
        }
        Op::InSet(subject, set) => {
            let texts = graph.sets[*set as usize].texts.clone();
            is_stored_text(graph, *subject).then_some((*subject, texts))
        }
        Op::Or(items) => joined(items.iter().map(|item| equality(graph, *item))),
        _ => None,
    }
}

/// Reads `text contains "a"` (also `startsWith`, `endsWith`), `any(File("f"), {text contains #})`, and any of these
/// joined by `||`.
fn literals(graph: &Graph, id: NodeId, host: &dyn Host) -> Option<Literals> {
    match &graph.node(id).op {
        Op::Binary(op, subject, text) if is_search(*op) && is_pure_text(graph, *subject) => {
            match graph.as_constant(*text)? {
                Value::Str(text) => Some(BTreeMap::from([(*subject, vec![text.clone()])])),
                _ => None,
            }
        }
        Op::Or(items) => {
            let mut all = Literals::new();
            for item in items {
                for (subject, texts) in literals(graph, *item, host)? {
                    all.entry(subject).or_default().extend(texts);
                }
            }
            Some(all)
        }
        Op::Loop(inner) if inner.kind == LoopKind::Any => any_of_file(graph, inner, host),
        _ => None,
    }
}

/// Reports whether the literals can rule anything out, and finding none of them stays within the loop budget.
fn is_useful(literals: &Literals) -> bool {
    let count: usize = literals.values().map(Vec::len).sum();
    count <= limits::LOOPS as usize && literals.values().flatten().all(|text| !text.is_empty())
}

fn any_of_file(graph: &Graph, inner: &Loop, host: &dyn Host) -> Option<Literals> {
    let lines = match &graph.node(inner.source).op {
        Op::Call(function, args) if graph.functions[*function as usize].name == "File" => match **args {
            [name] => host.file(graph.as_constant(name)?.as_str()?)?,
            _ => return None,
        },
        _ => graph.as_constant(inner.source)?.clone(),
    };
    let Op::Binary(op, subject, element) = &graph.node(first_test(graph, inner.body?)).op else {
        return None;
    };
    // A text that equals an element contains it.
    let is_condition = is_search(*op) || *op == BinaryOp::Equal;
    if !is_condition || !is_pure_text(graph, *subject) {
        return None;
    }
    let lines = lines.as_array()?;
    if lines.len() > limits::LOOPS as usize {
        return None;
    }
    let mut memory = MEMORY;
    let texts = lines.iter().map(
        |line| match of_element(graph, *element, inner.slot, line, &mut memory)? {
            Value::Str(text) => Some(text),
            _ => None,
        },
    );
    Some(BTreeMap::from([(*subject, texts.collect::<Option<_>>()?)]))
}

/// Returns what must be true for a closure's body to be true or to do anything.
fn first_test(graph: &Graph, body: NodeId) -> NodeId {
    match &graph.node(body).op {
        Op::Conditional(test, _, no) if graph.as_constant(*no) == Some(&Value::Bool(false)) => *test,
        Op::And(items) => items.first().copied().unwrap_or(body),
        _ => body,
    }
}

/// Computes what a closure's body makes of its element before it compares: the element itself or what a helper on
/// texts gives for it, `None` for everything else.
fn of_element(graph: &Graph, id: NodeId, slot: u16, element: &Value, memory: &mut u64) -> Option<Value> {
    match &graph.node(id).op {
        Op::Local(local) if *local == slot => Some(element.clone()),
        Op::Const(_) => graph.as_constant(id).cloned(),
        Op::Call(function, args) => {
            let function = &graph.functions[*function as usize];
            if function.effect != Effect::Pure || !matches!(function.name, "Upper" | "Lower" | "JsonExtract")
            {
                return None;
            }
            let args: Option<Vec<Value>> = args
                .iter()
                .map(|arg| of_element(graph, *arg, slot, element, memory))
                .collect();
            let mut call = Call {
                args: &args?,
                env: &mut NoEnv,
                memory,
            };
            (function.body)(&mut call).ok()
        }
        _ => None,
    }
}

fn is_search(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith)
}

/// Joins conditions on one subject; `None` as soon as one is missing or about another.
fn joined(conditions: impl Iterator<Item = Option<(NodeId, Vec<Text>)>>) -> Option<(NodeId, Vec<Text>)> {
    let mut all: Option<(NodeId, Vec<Text>)> = None;
    for condition in conditions {
        let (subject, texts) = condition?;
        match &mut all {
            None => all = Some((subject, texts)),
            Some((same, joined)) if *same == subject => joined.extend(texts),
            Some(_) => return None,
        }
    }
    all
}

/// A text that is simply read from the event.
fn is_stored_text(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    matches!(node.op, Op::Entry(..) | Op::Field(..)) && is_pure_text(graph, id)
}

/// A text that can be computed ahead: nothing is changed, and a failure is met again by the filter itself.
fn is_pure_text(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.ty == Type::String && node.facts.memoisable() && !matches!(node.op, Op::Const(_))
}

/// Reports whether evaluating a node can neither fail nor change anything.
///
/// A value of static type string is a text or nil, on which the operators below never fail.
fn is_safe(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let is_text = |id: NodeId| graph.node(id).ty == Type::String && is_safe(graph, id);
    match &node.op {
        Op::Const(_) | Op::Root(_) => true,
        Op::Field(base, _) | Op::Entry(base, _, _) => matches!(graph.node(*base).op, Op::Root(_)),
        Op::Binary(BinaryOp::Equal | BinaryOp::NotEqual, a, b) => is_safe(graph, *a) && is_safe(graph, *b),
        Op::Binary(op, a, b) if is_search(*op) => is_text(*a) && is_text(*b),
        Op::InSet(a, _) | Op::Matches(a, _) => is_text(*a),
        Op::Not(a) => graph.node(*a).ty == Type::Bool && is_test(&graph.node(*a).op) && is_safe(graph, *a),
        Op::And(items) | Op::Or(items) => items
            .iter()
            .all(|item| is_test(&graph.node(*item).op) && is_safe(graph, *item)),
        _ => false,
    }
}

/// Operators that always give a bool (a field of type bool might be nil).
fn is_test(op: &Op) -> bool {
    match op {
        Op::Binary(op, ..) => is_search(*op) || matches!(op, BinaryOp::Equal | BinaryOp::NotEqual),
        Op::InSet(..) | Op::Matches(..) | Op::Not(_) | Op::And(_) | Op::Or(_) => true,
        _ => false,
    }
}
