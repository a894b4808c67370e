//! Unary and binary operators: which operand types they take, what they give, what is decided before the run.

use crate::ast::{Ast, BinaryOp, LogicOp, Node, UnaryOp};
use crate::eval::arithmetic;
use crate::ir::{Loop, LoopKind, Op};
use crate::types::Type;
use crate::value::{Text, Value};

use super::{Compiled, Compiler, Problem, Typed};

/// Go's own integer types: a duration or a weekday is none.
fn is_integer(ty: &Type) -> bool {
    *ty == Type::Int
}

/// Go's own numeric types.
pub(super) fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float)
}

/// One side is unknown and the other is unknown or passes `check`.
fn maybe(left: &Type, right: &Type, check: impl Fn(&Type) -> bool) -> bool {
    match (left.is_any(), right.is_any()) {
        (true, true) => true,
        (true, false) => check(right),
        (false, true) => check(left),
        (false, false) => false,
    }
}

pub(super) fn comparable(left: &Type, right: &Type) -> bool {
    left.is_any()
        || right.is_any()
        || *left == Type::Nil
        || *right == Type::Nil
        || is_number(left) && is_number(right)
        || matches!((left, right), (Type::Array(_), Type::Array(_)))
        || left == right
}

impl Compiler<'_> {
    /// Returns how the operator at a rune was written (`and` or `&&`).
    fn symbol<'s>(&self, at: usize, spellings: &[&'s str]) -> &'s str {
        let mut rest = self.source.chars().skip(at);
        let first = rest.next();
        let written = spellings.iter().find(|spelling| spelling.chars().next() == first);
        written.or_else(|| spellings.first()).copied().unwrap_or_default()
    }

    fn mismatch(&self, at: usize, symbol: &str, left: &Type, right: &Type) -> Problem {
        let (left, right) = (self.type_name(left), self.type_name(right));
        Problem {
            at,
            message: format!("invalid operation: {symbol} (mismatched types {left} and {right})"),
        }
    }

    pub(super) fn unary(&mut self, at: usize, op: UnaryOp, operand: &Node) -> Compiled {
        let operand = self.node(operand)?;
        let fits = match op {
            UnaryOp::Not => matches!(operand.ty, Type::Bool | Type::Any),
            UnaryOp::Minus | UnaryOp::Plus => is_number(&operand.ty) || operand.ty.is_any(),
        };
        if !fits {
            let symbol = match op {
                UnaryOp::Not => self.symbol(at, &["not", "!"]),
                _ => op.symbol(),
            };
            let ty = self.type_name(&operand.ty);
            return Err(Problem {
                at,
                message: format!("invalid operation: {symbol} (mismatched type {ty})"),
            });
        }
        Ok(match (op, self.graph.as_constant(operand.id)) {
            (UnaryOp::Plus, _) => operand,
            (UnaryOp::Not, Some(Value::Bool(truth))) => {
                let truth = !truth;
                self.constant(Value::Bool(truth), Type::Bool)
            }
            (UnaryOp::Not, _) => self.emit(Op::Not(operand.id), Type::Bool),
            (UnaryOp::Minus, Some(Value::Int(number))) => {
                let number = number.wrapping_neg();
                self.constant(Value::Int(number), Type::Int)
            }
            (UnaryOp::Minus, Some(Value::Float(number))) => {
                let number = -number;
                self.constant(Value::Float(number), Type::Float)
            }
            (UnaryOp::Minus, _) => self.emit(Op::Negate(operand.id), operand.ty),
        })
    }

    /// `a && b && c`: constants that decide nothing vanish, one that decides replaces the whole chain.
    pub(super) fn logic(&mut self, op: LogicOp, items: &[(usize, Node)]) -> Compiled {
        let mut kept: Vec<Typed> = Vec::with_capacity(items.len());
        let mut so_far: Option<Type> = None;
        let mut decided = false;
        for (at, item) in items {
            let item = self.node(item)?;
            if let Some(left) = so_far {
                let both = left == Type::Bool && item.ty == Type::Bool;
                if !both && !maybe(&left, &item.ty, |ty| *ty == Type::Bool) {
                    let spellings: [&str; 2] = match op {
                        LogicOp::And => ["&&", "and"],
                        LogicOp::Or => ["||", "or"],
                    };
                    let symbol = self.symbol(*at, &spellings);
                    return Err(self.mismatch(*at, symbol, &left, &item.ty));
                }
                so_far = Some(Type::Bool);
            } else {
                so_far = Some(item.ty.clone());
            }
            match self.graph.as_constant(item.id).and_then(Value::as_bool) {
                Some(truth) => decided |= truth == op.decisive(),
                None => kept.push(item),
            }
        }
        if decided {
            return Ok(self.constant(Value::Bool(op.decisive()), Type::Bool));
        }
        if kept.is_empty() {
            return Ok(self.constant(Value::Bool(!op.decisive()), Type::Bool));
        }
        if kept.len() == 1 {
            return Ok(Typed {
                ty: Type::Bool,
                ..kept.remove(0)
            });
        }
        let nodes = kept.iter().map(|item| item.id).collect();
        Ok(match op {
            LogicOp::And => self.emit(Op::And(nodes), Type::Bool),
            LogicOp::Or => self.emit(Op::Or(nodes), Type::Bool),
        })
    }

    pub(super) fn binary(&mut self, at: usize, op: BinaryOp, left: &Node, right: &Node) -> Compiled {
        if op == BinaryOp::In {
            return self.membership(at, left, right);
        }
        if op == BinaryOp::Matches {
            return self.matches(at, left, right);
        }
        let limit = count_limit(op, left, right);
        let mut first = self.node(left)?;
        if let (Some(limit), Op::Loop(inner)) = (limit, &self.graph.node(first.id).op)
            && inner.kind == LoopKind::Count
        {
            let limited = Op::Loop(Loop {
                limit: Some(limit),
                ..*inner
            });
            first = self.emit(limited, Type::Int);
        }
        let second = self.node(right)?;
        let Some(ty) = result_type(op, &first.ty, &second.ty) else {
            let symbol = match op {
                BinaryOp::Power => self.symbol(at, &["**", "^"]),
                _ => op.symbol(),
            };
            return Err(self.mismatch(at, symbol, &first.ty, &second.ty));
        };
        if let Some(folded) = self.fold(op, &first, &second) {
            let value = folded.map_err(|message| Problem { at, message })?;
            let ty = match value {
                Value::Bool(_) => Type::Bool,
                Value::Int(_) => Type::Int,
                Value::Float(_) => Type::Float,
                _ => Type::String,
            };
            return Ok(self.constant(value, ty));
        }
        Ok(self.emit(Op::Binary(op, first.id, second.id), ty))
    }

    /// Computes an operator on two literals. Upstream: `optimizer/fold.go`.
    fn fold(&self, op: BinaryOp, left: &Typed, right: &Typed) -> Option<Result<Value, String>> {
        let (a, b) = (
            self.graph.as_constant(left.id)?,
            self.graph.as_constant(right.id)?,
        );
        let numbers = a.as_float().is_some() && b.as_float().is_some();
        let integers = a.as_int().is_some() && b.as_int().is_some();
        let texts = a.as_str().is_some() && b.as_str().is_some();
        let truths = a.as_bool().is_some() && b.as_bool().is_some();
        let folds = match op {
            BinaryOp::Add => numbers || texts,
            BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Power => numbers,
            BinaryOp::Modulo => integers,
            BinaryOp::Equal => integers || texts || truths,
            _ => false,
        };
        folds.then(|| match op {
            BinaryOp::Equal => Ok(Value::Bool(a.equals(b))),
            _ => arithmetic::binary(op, a, b).map_err(|error| error.to_string()),
        })
    }

    fn membership(&mut self, at: usize, left: &Node, right: &Node) -> Compiled {
        let needle = self.node(left)?;
        if let Some(texts) = literal_texts(right) {
            let element = Type::String;
            if !comparable(&needle.ty, &element) {
                return Err(self.not_in_array(at, &needle.ty, &element));
            }
            let set = self.graph.set(texts);
            return Ok(self.emit(Op::InSet(needle.id, set), Type::Bool));
        }
        let hay = self.node(right)?;
        match &hay.ty {
            // Go sees a structure in a time, one without visible fields.
            Type::Object(_) | Type::Time if matches!(needle.ty, Type::String | Type::Any) => {}
            Type::Map(_) => {
                if !matches!(needle.ty, Type::String | Type::Any) {
                    let ty = self.type_name(&needle.ty);
                    return Err(Problem {
                        at,
                        message: format!("cannot use {ty} as type string in map key"),
                    });
                }
            }
            Type::Array(element) => {
                if !comparable(&needle.ty, element) {
                    return Err(self.not_in_array(at, &needle.ty, element));
                }
            }
            Type::Bytes => {
                if !comparable(&needle.ty, &Type::Int) {
                    return Err(self.not_in_array(at, &needle.ty, &Type::Int));
                }
            }
            Type::Any => {}
            Type::String if needle.ty.is_any() => {}
            _ => return Err(self.mismatch(at, "in", &needle.ty, &hay.ty)),
        }
        if let Some(between) = self.between(&needle, &hay) {
            return Ok(between);
        }
        Ok(self.emit(Op::Binary(BinaryOp::In, needle.id, hay.id), Type::Bool))
    }

    /// An integer in a range of literals is compared with the ends; such a range may be of any length.
    ///
    /// Upstream: `optimizer/in_range.go`.
    fn between(&mut self, needle: &Typed, hay: &Typed) -> Option<Typed> {
        let Op::Binary(BinaryOp::Range, first, last) = self.graph.node(hay.id).op else {
            return None;
        };
        let literal = |end| self.graph.as_constant(end).and_then(Value::as_int).is_some();
        if needle.ty != Type::Int || !literal(first) || !literal(last) {
            return None;
        }
        let from = self.emit(Op::Binary(BinaryOp::GreaterEqual, needle.id, first), Type::Bool);
        let to = self.emit(Op::Binary(BinaryOp::LessEqual, needle.id, last), Type::Bool);
        Some(self.emit(Op::And([from.id, to.id].into()), Type::Bool))
    }

    fn not_in_array(&self, at: usize, needle: &Type, element: &Type) -> Problem {
        let (needle, element) = (self.type_name(needle), self.type_name(element));
        Problem {
            at,
            message: format!("cannot use {needle} as type {element} in array"),
        }
    }

    fn matches(&mut self, at: usize, left: &Node, right: &Node) -> Compiled {
        let subject = self.node(left)?;
        let pattern = self.node(right)?;
        let mut compiled = None;
        if let Ast::Str(text) = &*right.ast {
            compiled = Some(
                self.graph
                    .pattern(text)
                    .map_err(|message| Problem { at, message })?,
            );
        }
        let fits = matches!(subject.ty, Type::String | Type::Bytes) && pattern.ty == Type::String
            || maybe(&subject.ty, &pattern.ty, |ty| *ty == Type::String);
        if !fits {
            return Err(self.mismatch(at, "matches", &subject.ty, &pattern.ty));
        }
        let op = match compiled {
            Some(pattern) => Op::Matches(subject.id, pattern),
            None => Op::Binary(BinaryOp::Matches, subject.id, pattern.id),
        };
        Ok(self.emit(op, Type::Bool))
    }
}

/// Returns the texts of a list that holds string literals only.
fn literal_texts(node: &Node) -> Option<Vec<Text>> {
    match &*node.ast {
        Ast::Array(nodes) if !nodes.is_empty() => nodes
            .iter()
            .map(|node| match &*node.ast {
                Ast::Str(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Returns after how many hits `count(…) > 2` is decided; later elements are not looked at, so they cannot fail.
/// Upstream: `optimizer/count_any.go`, `count_threshold.go`.
fn count_limit(op: BinaryOp, left: &Node, right: &Node) -> Option<u32> {
    let Ast::Loop { name, args } = &*left.ast else {
        return None;
    };
    let Ast::Int(number) = &*right.ast else {
        return None;
    };
    if *name != "count" || args.len() != 2 {
        return None;
    }
    let limit = match op {
        BinaryOp::Greater => number.checked_add(1)?,
        BinaryOp::GreaterEqual => *number,
        BinaryOp::Less if *number > 1 => *number,
        BinaryOp::LessEqual if *number > 0 => number.checked_add(1)?,
        _ => return None,
    };
    u32::try_from(limit).ok().filter(|limit| *limit > 0)
}

/// Returns what an operator gives for operands of these types, `None` when it does not take them.
fn result_type(op: BinaryOp, left: &Type, right: &Type) -> Option<Type> {
    use Type::{Any, Bool, Duration, Float, Int, String, Time};
    let numbers = is_number(left) && is_number(right);
    let promoted = || {
        if *left == Float || *right == Float {
            Float
        } else {
            Int
        }
    };
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => comparable(left, right).then_some(Bool),
        BinaryOp::Less | BinaryOp::Greater | BinaryOp::LessEqual | BinaryOp::GreaterEqual => {
            let same = left == right && matches!(left, String | Time | Duration);
            let ordered = |ty: &Type| is_number(ty) || matches!(ty, String | Time | Duration);
            (numbers || same || maybe(left, right, ordered)).then_some(Bool)
        }
        BinaryOp::Add => match (left, right) {
            _ if numbers => Some(promoted()),
            (String, String) => Some(String),
            (Time, Duration) | (Duration, Time) => Some(Time),
            (Duration, Duration) => Some(Duration),
            _ => {
                let added = |ty: &Type| is_number(ty) || matches!(ty, String | Time | Duration);
                maybe(left, right, added).then_some(Any)
            }
        },
        BinaryOp::Subtract => match (left, right) {
            _ if numbers => Some(promoted()),
            (Time, Time) | (Duration, Duration) => Some(Duration),
            (Time, Duration) => Some(Time),
            _ => maybe(left, right, |ty| is_number(ty) || matches!(ty, Time | Duration)).then_some(Any),
        },
        BinaryOp::Multiply => match (left, right) {
            _ if numbers => Some(promoted()),
            (Duration, Duration | Int | Float) | (Int | Float, Duration) => Some(Duration),
            _ => maybe(left, right, |ty| is_number(ty) || *ty == Duration).then_some(Any),
        },
        BinaryOp::Divide | BinaryOp::Power => (numbers || maybe(left, right, is_number)).then_some(Float),
        BinaryOp::Modulo => {
            let integers = is_integer(left) && is_integer(right);
            (integers || maybe(left, right, is_integer)).then_some(Int)
        }
        BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith => {
            let texts = *left == String && *right == String;
            (texts || maybe(left, right, |ty| *ty == String)).then_some(Bool)
        }
        BinaryOp::Range => {
            let integers = is_integer(left) && is_integer(right);
            (integers || maybe(left, right, is_integer)).then(|| Type::array(Int))
        }
        BinaryOp::Coalesce => Some(match (left, right) {
            (Type::Nil, other) | (other, Type::Nil) => other.clone(),
            (a, b) if a == b => a.clone(),
            _ => Any,
        }),
        BinaryOp::In | BinaryOp::Matches => Some(Bool),
    }
}
