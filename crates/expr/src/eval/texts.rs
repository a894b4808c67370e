//! Operators on text; the subject is borrowed from the event where the caller lends it, never cloned to be read.

use std::collections::HashMap;
use std::sync::{LazyLock, RwLock};

use crate::ast::BinaryOp;
use crate::error::EvalError;
use crate::ir::{NodeId, Op};
use crate::value::{Object, Value};

use super::{Done, Eval, conversion};

/// How many patterns made at run time are kept compiled.
const MADE_PATTERNS: usize = 256;

impl Eval<'_> {
    /// Returns a node's text by reference when that takes no evaluation.
    fn lend(&self, id: NodeId) -> Option<&str> {
        let graph = self.graph;
        let node = graph.node(id);
        match &node.op {
            Op::Const(constant) => graph.constants[*constant as usize].as_str(),
            Op::Local(slot) => self.locals.get(usize::from(*slot))?.as_str(),
            Op::Entry(base, field, key) => {
                self.env
                    .entry_text(self.lend_object(*base)?, *field, &graph.keys[*key as usize])
            }
            Op::Field(base, field) => self.env.field_text(self.lend_object(*base)?, *field),
            _ => {
                let slot = node.memo.filter(|_| node.uses > 1)?;
                self.memo.get(slot, &node.facts.reads)?.as_str()
            }
        }
    }

    fn lend_object(&self, base: NodeId) -> Option<Object> {
        match &self.graph.node(base).op {
            Op::Root(object) => Some(*object),
            Op::Field(outer, field) => match self.env.field(self.lend_object(*outer)?, *field) {
                Value::Object(object) => Some(object),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn equal(&mut self, left: NodeId, right: NodeId) -> Done<bool> {
        if let (Some(a), Some(b)) = (self.lend(left), self.lend(right)) {
            return Ok(a == b);
        }
        let a = self.eval(left)?;
        if let (Value::Str(a), Some(b)) = (&a, self.lend(right)) {
            return Ok(**a == *b);
        }
        Ok(a.equals(&self.eval(right)?))
    }

    pub(super) fn text_operator(&mut self, op: BinaryOp, left: NodeId, right: NodeId) -> Done<bool> {
        if let (Some(a), Some(b)) = (self.lend(left), self.lend(right)) {
            return Ok(decide(op, a, b));
        }
        let a = self.eval(left)?;
        if let (Value::Str(a), Some(b)) = (&a, self.lend(right)) {
            return Ok(decide(op, a, b));
        }
        let b = self.eval(right)?;
        match (&a, &b) {
            (Value::Str(a), Value::Str(b)) => Ok(decide(op, a, b)),
            (Value::Nil, _) | (_, Value::Nil) => Ok(false),
            (Value::Str(_), other) | (other, _) => Err(EvalError::new(conversion(other, "string")).into()),
        }
    }

    pub(super) fn in_set(&mut self, needle: NodeId, set: u32) -> Done<bool> {
        let set = &self.graph.sets[set as usize];
        if let Some(text) = self.lend(needle) {
            return Ok(set.contains(text));
        }
        match self.eval(needle)? {
            Value::Str(text) => Ok(set.contains(&text)),
            // Upstream's set is a map with string keys, in which nil looks up the empty string.
            Value::Nil => Ok(set.contains("")),
            other => Err(EvalError::new(format!(
                "value of type {} is not assignable to type string",
                other.type_name()
            ))
            .into()),
        }
    }

    pub(super) fn matches_literal(&mut self, subject: NodeId, pattern: u32) -> Done<bool> {
        let pattern = &self.graph.patterns[pattern as usize];
        if let Some(text) = self.lend(subject) {
            return Ok(pattern.is_match(text));
        }
        Ok(matches(pattern, &self.eval(subject)?)?)
    }
}

fn decide(op: BinaryOp, a: &str, b: &str) -> bool {
    match op {
        BinaryOp::Contains => a.contains(b),
        BinaryOp::StartsWith => a.starts_with(b),
        _ => a.ends_with(b),
    }
}

/// Decides `matches` with a pattern made at run time.
pub(super) fn matches_dynamic(subject: &Value, pattern: &Value) -> Result<bool, EvalError> {
    match (subject, pattern) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (_, Value::Str(pattern)) => matches(&made(pattern)?, subject),
        (_, other) => Err(EvalError::new(conversion(other, "string"))),
    }
}

/// Returns the compiled form of a pattern that is not a literal (`matches Upper('…')`): it is the same for each event.
fn made(pattern: &str) -> Result<regex::Regex, EvalError> {
    static MADE: LazyLock<RwLock<HashMap<String, regex::Regex>>> = LazyLock::new(RwLock::default);
    if let Some(known) = MADE.read().ok().and_then(|made| made.get(pattern).cloned()) {
        return Ok(known);
    }
    let compiled = golang::regexp::compile(pattern).map_err(|error| EvalError::new(error.to_string()))?;
    if let Ok(mut made) = MADE.write() {
        // Patterns made of event data would fill the table; starting over bounds it and costs a compilation each.
        if made.len() >= MADE_PATTERNS {
            made.clear();
        }
        made.insert(pattern.to_owned(), compiled.clone());
    }
    Ok(compiled)
}

fn matches(pattern: &regex::Regex, subject: &Value) -> Result<bool, EvalError> {
    match subject {
        Value::Nil => Ok(false),
        Value::Str(text) => Ok(pattern.is_match(text)),
        Value::Bytes(bytes) => Ok(pattern.is_match(&String::from_utf8_lossy(bytes))),
        other => Err(EvalError::new(conversion(other, "[]uint8"))),
    }
}
