//! Builtins with a closure, element by element, within the loop budget.
//!
//! Upstream: `compiler/compiler.go`, `BuiltinNode`.

use std::sync::Arc;

use crate::ast::BinaryOp;
use crate::error::EvalError;
use crate::ir::{Loop, LoopKind, NodeId};
use crate::value::Value;
use crate::value::{Map, Missing};

use super::{Done, Eval, arithmetic, conversion, order};

/// The elements a loop runs over.
enum Elements {
    List(Arc<Vec<Value>>),
    Bytes(Vec<u8>),
}

impl Elements {
    fn len(&self) -> usize {
        match self {
            Self::List(items) => items.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn get(&self, index: usize) -> Value {
        match self {
            Self::List(items) => items.get(index).cloned().unwrap_or_default(),
            Self::Bytes(bytes) => bytes
                .get(index)
                .map_or(Value::Nil, |byte| Value::Int(i64::from(*byte))),
        }
    }
}

impl Eval<'_> {
    /// Evaluates the loops that give a bool, `None` for every other kind.
    pub(super) fn asking_loop(&mut self, inner: &Loop) -> Done<Option<bool>> {
        let (wanted, found) = match inner.kind {
            LoopKind::Any => (true, true),
            LoopKind::All => (false, false),
            LoopKind::None => (true, false),
            _ => return Ok(None),
        };
        let elements = self.elements(inner.source)?;
        for index in 0..elements.len() {
            if self.holds(inner, &elements, index)? == wanted {
                return Ok(Some(found));
            }
        }
        Ok(Some(!found))
    }

    pub(super) fn run_loop(&mut self, inner: &Loop) -> Done<Value> {
        if let Some(truth) = self.asking_loop(inner)? {
            return Ok(Value::Bool(truth));
        }
        let elements = self.elements(inner.source)?;
        match inner.kind {
            LoopKind::One => {
                let mut count = 0_usize;
                for index in 0..elements.len() {
                    count += usize::from(self.holds(inner, &elements, index)?);
                }
                Ok(Value::Bool(count == 1))
            }
            LoopKind::Count => self.count(inner, &elements),
            LoopKind::Filter => {
                let mut kept = Vec::new();
                for index in 0..elements.len() {
                    if self.holds(inner, &elements, index)? {
                        kept.push(elements.get(index));
                    }
                }
                self.charge(kept.len())?;
                Ok(Value::array(kept))
            }
            LoopKind::Map => {
                let mut made = Vec::with_capacity(elements.len().min(1024));
                for index in 0..elements.len() {
                    made.push(self.round(inner, &elements, index)?);
                }
                self.charge(made.len())?;
                Ok(Value::array(made))
            }
            LoopKind::Sum => {
                let mut sum = Value::Int(0);
                for index in 0..elements.len() {
                    let item = self.round(inner, &elements, index)?;
                    sum = arithmetic::binary(BinaryOp::Add, &item, &sum)?;
                }
                Ok(sum)
            }
            LoopKind::Find | LoopKind::FindIndex => self.find(inner, &elements, 0..elements.len()),
            LoopKind::FindLast | LoopKind::FindLastIndex => {
                self.find(inner, &elements, (0..elements.len()).rev())
            }
            LoopKind::GroupBy => self.group(inner, &elements),
            LoopKind::SortBy => self.sort(inner, &elements),
            LoopKind::Reduce => self.reduce(inner, &elements),
            LoopKind::All | LoopKind::None | LoopKind::Any => Ok(Value::Nil),
        }
    }

    fn elements(&mut self, source: NodeId) -> Done<Elements> {
        match self.eval(source)? {
            Value::Array(items) => Ok(Elements::List(items)),
            Value::Bytes(bytes) => Ok(Elements::Bytes(bytes.to_vec())),
            Value::Str(text) => Ok(Elements::Bytes(text.as_bytes().to_vec())),
            Value::Map(map) if map.is_empty() => Ok(Elements::Bytes(Vec::new())),
            other => {
                let message = format!(
                    "reflect: call of reflect.Value.Len on {} Value",
                    other.type_name()
                );
                Err(EvalError::new(message).into())
            }
        }
    }

    /// Evaluates the closure for one element (the element itself when there is none).
    fn round(&mut self, inner: &Loop, elements: &Elements, index: usize) -> Done<Value> {
        self.loops = self.loops.checked_sub(1).ok_or(EvalError::Loops)?;
        self.bind(inner, elements, index);
        match inner.body {
            Some(body) => self.eval(body),
            None => Ok(elements.get(index)),
        }
    }

    fn holds(&mut self, inner: &Loop, elements: &Elements, index: usize) -> Done<bool> {
        self.loops = self.loops.checked_sub(1).ok_or(EvalError::Loops)?;
        self.bind(inner, elements, index);
        if let Some(body) = inner.body {
            return self.truth(body);
        }
        let item = elements.get(index);
        item.as_bool()
            .ok_or_else(|| EvalError::new(conversion(&item, "bool")).into())
    }

    fn bind(&mut self, inner: &Loop, elements: &Elements, index: usize) {
        self.set_local(inner.slot, elements.get(index));
        if matches!(inner.kind, LoopKind::Map | LoopKind::Reduce) {
            self.set_local(
                inner.slot + 1,
                Value::Int(i64::try_from(index).unwrap_or(i64::MAX)),
            );
        }
    }

    fn count(&mut self, inner: &Loop, elements: &Elements) -> Done<Value> {
        let mut count = 0_u32;
        for index in 0..elements.len() {
            count += u32::from(self.holds(inner, elements, index)?);
            if inner.limit.is_some_and(|limit| count >= limit) {
                break;
            }
        }
        Ok(Value::Int(i64::from(count)))
    }

    fn find(&mut self, inner: &Loop, elements: &Elements, order: impl Iterator<Item = usize>) -> Done<Value> {
        for index in order {
            if self.holds(inner, elements, index)? {
                return Ok(match inner.kind {
                    LoopKind::Find | LoopKind::FindLast => elements.get(index),
                    _ => Value::Int(i64::try_from(index).unwrap_or(i64::MAX)),
                });
            }
        }
        Ok(Value::Nil)
    }

    fn group(&mut self, inner: &Loop, elements: &Elements) -> Done<Value> {
        let mut groups = Map::with_missing(Missing::EmptyArray);
        for index in 0..elements.len() {
            let key = self.round(inner, elements, index)?;
            if matches!(key, Value::Array(_) | Value::Map(_) | Value::Bytes(_)) {
                let message = format!("hash of unhashable type {}", key.type_name());
                return Err(EvalError::new(message).into());
            }
            let group = groups.entry(key, || Value::array(Vec::new()));
            if let Value::Array(items) = group {
                Arc::make_mut(items).push(elements.get(index));
            }
        }
        self.charge(elements.len())?;
        Ok(Value::map(groups))
    }

    fn sort(&mut self, inner: &Loop, elements: &Elements) -> Done<Value> {
        let descending = match inner.extra.map(|order| self.eval(order)).transpose()? {
            None => false,
            Some(Value::Str(order)) if *order == *"asc" => false,
            Some(Value::Str(order)) if *order == *"desc" => true,
            Some(Value::Str(_)) => return Err(EvalError::new("unknown order, use asc or desc").into()),
            Some(_) => return Err(EvalError::new("sortBy order argument must be a string").into()),
        };
        let mut keyed = Vec::with_capacity(elements.len().min(1024));
        for index in 0..elements.len() {
            keyed.push((self.round(inner, elements, index)?, elements.get(index)));
        }
        let keyed = order::sort(keyed, &mut |(a, _), (b, _)| {
            let (a, b) = if descending { (b, a) } else { (a, b) };
            arithmetic::ordered(BinaryOp::Less, a, b)
        })?;
        self.charge(keyed.len())?;
        Ok(Value::array(keyed.into_iter().map(|(_, item)| item).collect()))
    }

    fn reduce(&mut self, inner: &Loop, elements: &Elements) -> Done<Value> {
        let (mut accumulator, first) = match inner.extra {
            Some(extra) => (self.eval(extra)?, 0),
            None if elements.len() == 0 => {
                return Err(EvalError::new("reduce of empty array with no initial value").into());
            }
            None => (elements.get(0), 1),
        };
        for index in first..elements.len() {
            self.set_local(inner.slot + 2, accumulator);
            accumulator = self.round(inner, elements, index)?;
        }
        Ok(accumulator)
    }
}
