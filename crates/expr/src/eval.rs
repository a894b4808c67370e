//! Walks the shared graph for one event: strict left to right, nothing hoisted, remembered where that is safe.

pub(crate) mod access;
pub(crate) mod arithmetic;
mod loops;
pub(crate) mod order;
mod texts;

use smallvec::SmallVec;

use crate::ast::BinaryOp;
use crate::env::Env;
use crate::error::EvalError;
use crate::function::{Call, Effect, Function};
use crate::id::MethodId;
use crate::ir::{Graph, Node, NodeId, Op};
use crate::limits;
use crate::memo::Memo;
use crate::value::Map;
use crate::value::{Object, Place, Value};

/// Evaluates a root.
pub(crate) fn value(
    graph: &Graph,
    root: NodeId,
    env: &mut dyn Env,
    memo: &mut Memo,
) -> Result<Value, EvalError> {
    match Eval::new(graph, env, memo).eval(root) {
        Ok(value) => Ok(value),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Chain) => Ok(Value::Nil),
    }
}

/// Evaluates a root that must give a bool.
pub(crate) fn truth(
    graph: &Graph,
    root: NodeId,
    env: &mut dyn Env,
    memo: &mut Memo,
) -> Result<bool, EvalError> {
    match Eval::new(graph, env, memo).truth(root) {
        Ok(truth) => Ok(truth),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Chain) => Err(not_bool(&Value::Nil)),
    }
}

/// Why the walk left a node without a value.
enum Stop {
    /// A `?.` met nil: the innermost chain is nil.
    Chain,
    Failed(EvalError),
}

impl From<EvalError> for Stop {
    fn from(error: EvalError) -> Self {
        Self::Failed(error)
    }
}

type Done<T> = Result<T, Stop>;

struct Eval<'a> {
    graph: &'a Graph,
    env: &'a mut dyn Env,
    memo: &'a mut Memo,
    locals: SmallVec<[Value; 4]>,
    memory: u64,
    loops: u32,
}

impl<'a> Eval<'a> {
    fn new(graph: &'a Graph, env: &'a mut dyn Env, memo: &'a mut Memo) -> Self {
        Self {
            graph,
            env,
            memo,
            locals: SmallVec::new(),
            memory: limits::MEMORY,
            loops: limits::LOOPS,
        }
    }

    fn eval(&mut self, id: NodeId) -> Done<Value> {
        let graph = self.graph;
        let node = graph.node(id);
        let Some(slot) = node.memo.filter(|_| node.uses > 1) else {
            return self.compute(node);
        };
        if let Some(value) = self.memo.get(slot, &node.facts.reads) {
            return Ok(value.clone());
        }
        let value = self.compute(node)?;
        self.memo.put(slot, value.clone());
        Ok(value)
    }

    /// Evaluates a node that must give a bool, without making a value of it where the operator is one of bools.
    fn truth(&mut self, id: NodeId) -> Done<bool> {
        let graph = self.graph;
        let node = graph.node(id);
        let memo = node.memo.filter(|_| node.uses > 1);
        if let Some(slot) = memo
            && let Some(value) = self.memo.get(slot, &node.facts.reads)
        {
            return value.as_bool().ok_or_else(|| not_bool(value).into());
        }
        let Some(truth) = self.test(&node.op)? else {
            let value = self.eval(id)?;
            return value.as_bool().ok_or_else(|| not_bool(&value).into());
        };
        if let Some(slot) = memo {
            self.memo.put(slot, Value::Bool(truth));
        }
        Ok(truth)
    }

    /// Evaluates the operators that always give bools, `None` for every other.
    fn test(&mut self, op: &Op) -> Done<Option<bool>> {
        Ok(Some(match op {
            Op::Not(operand) => !self.truth(*operand)?,
            Op::And(items) => {
                for item in items {
                    if !self.truth(*item)? {
                        return Ok(Some(false));
                    }
                }
                true
            }
            Op::Or(items) => {
                for item in items {
                    if self.truth(*item)? {
                        return Ok(Some(true));
                    }
                }
                false
            }
            Op::InSet(needle, set) => self.in_set(*needle, *set)?,
            Op::Matches(subject, pattern) => self.matches_literal(*subject, *pattern)?,
            Op::Binary(op, left, right) => return self.compare(*op, *left, *right),
            Op::Loop(inner) => return self.asking_loop(inner),
            _ => return Ok(None),
        }))
    }

    fn compare(&mut self, op: BinaryOp, left: NodeId, right: NodeId) -> Done<Option<bool>> {
        Ok(Some(match op {
            BinaryOp::Equal => self.equal(left, right)?,
            BinaryOp::NotEqual => !self.equal(left, right)?,
            BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith => {
                self.text_operator(op, left, right)?
            }
            BinaryOp::Less | BinaryOp::Greater | BinaryOp::LessEqual | BinaryOp::GreaterEqual => {
                let a = self.eval(left)?;
                let b = self.eval(right)?;
                arithmetic::ordered(op, &a, &b)?
            }
            BinaryOp::In => {
                let needle = self.eval(left)?;
                let hay = self.eval(right)?;
                access::contains(self.graph, &needle, &hay)?
            }
            BinaryOp::Matches => {
                let subject = self.eval(left)?;
                let pattern = self.eval(right)?;
                texts::matches_dynamic(&subject, &pattern)?
            }
            _ => return Ok(None),
        }))
    }

    fn compute(&mut self, node: &Node) -> Done<Value> {
        let graph = self.graph;
        match &node.op {
            Op::Const(constant) => Ok(graph.constants[*constant as usize].clone()),
            Op::Root(object) => Ok(Value::Object(*object)),
            Op::Variable(variable) => Ok(self.env.variable(*variable)),
            Op::Local(slot) => Ok(self.locals.get(usize::from(*slot)).cloned().unwrap_or_default()),
            Op::Field(base, field) => {
                let object = self.object(*base, || graph.objects.field_name(*field))?;
                Ok(self.env.field(object, *field))
            }
            Op::Entry(base, field, key) => {
                let object = self.object(*base, || graph.objects.field_name(*field))?;
                Ok(self.env.entry(object, *field, &graph.keys[*key as usize]))
            }
            Op::Place(base, field) => {
                let object = self.object(*base, || graph.objects.field_name(*field))?;
                Ok(Value::Place(Place {
                    object,
                    field: *field,
                }))
            }
            Op::Fetch(base, key) => {
                let base = self.eval(*base)?;
                let key = self.eval(*key)?;
                Ok(access::fetch(graph, &*self.env, &base, &key)?)
            }
            Op::Guard(base) => match self.eval(*base)? {
                Value::Nil => Err(Stop::Chain),
                value => Ok(value),
            },
            Op::Chain(inner) => match self.eval(*inner) {
                Err(Stop::Chain) => Ok(Value::Nil),
                other => other,
            },
            Op::Slice(base, from, to) => self.slice(*base, *from, *to),
            Op::Method(base, method, args) => self.method(*base, *method, args),
            Op::ValueMethod(base, method, args) => {
                let mut all: SmallVec<[Value; 4]> = SmallVec::new();
                all.push(self.eval(*base)?);
                self.arguments(args, &mut all)?;
                self.call(&graph.methods[*method as usize].function, &all)
            }
            Op::DynamicMethod(base, name, args) => self.dynamic_method(*base, *name, args),
            Op::Call(function, args) => {
                let mut all: SmallVec<[Value; 4]> = SmallVec::new();
                self.arguments(args, &mut all)?;
                self.call(&graph.functions[*function as usize], &all)
            }
            Op::Negate(operand) => Ok(arithmetic::negate(&self.eval(*operand)?)?),
            Op::And(items) => self.chain_value(items, false),
            Op::Or(items) => self.chain_value(items, true),
            Op::Conditional(condition, yes, no) => {
                let branch = if self.truth(*condition)? { yes } else { no };
                self.eval(*branch)
            }
            Op::Binary(op, left, right) => self.binary(*op, *left, *right),
            Op::Array(_) | Op::Map(_) | Op::Let { .. } | Op::Sequence(_) | Op::Loop(_) => {
                self.compound(&node.op)
            }
            Op::Not(_) | Op::InSet(..) | Op::Matches(..) => {
                Ok(Value::Bool(self.test(&node.op)?.unwrap_or_default()))
            }
        }
    }

    /// Evaluates what makes a list, binds a name or runs several expressions.
    fn compound(&mut self, op: &Op) -> Done<Value> {
        match op {
            Op::Array(items) => {
                self.charge(items.len())?;
                let items = items
                    .iter()
                    .map(|item| self.eval(*item))
                    .collect::<Done<Vec<Value>>>()?;
                Ok(Value::array(items))
            }
            Op::Map(pairs) => self.map(pairs),
            Op::Let { slot, value, body } => {
                let value = self.eval(*value)?;
                self.set_local(*slot, value);
                self.eval(*body)
            }
            Op::Sequence(nodes) => {
                let mut last = Value::Nil;
                for node in nodes {
                    last = self.eval(*node)?;
                }
                Ok(last)
            }
            Op::Loop(inner) => self.run_loop(inner),
            _ => Ok(Value::Nil),
        }
    }

    /// `a && b`: all but the last must be bools; the last is the result as it is.
    fn chain_value(&mut self, items: &[NodeId], decisive: bool) -> Done<Value> {
        let Some((last, first)) = items.split_last() else {
            return Ok(Value::Bool(!decisive));
        };
        for item in first {
            if self.truth(*item)? == decisive {
                return Ok(Value::Bool(decisive));
            }
        }
        self.eval(*last)
    }

    fn binary(&mut self, op: BinaryOp, left: NodeId, right: NodeId) -> Done<Value> {
        if let Some(truth) = self.compare(op, left, right)? {
            return Ok(Value::Bool(truth));
        }
        let a = self.eval(left)?;
        if op == BinaryOp::Coalesce {
            return if a.is_nil() { self.eval(right) } else { Ok(a) };
        }
        let b = self.eval(right)?;
        if op == BinaryOp::Range {
            let range = arithmetic::range(arithmetic::to_int(&a)?, arithmetic::to_int(&b)?);
            self.charge(range.len())?;
            return Ok(Value::array(range.collect()));
        }
        let result = arithmetic::binary(op, &a, &b)?;
        if let Value::Str(text) = &result {
            self.charge(text.len() / 16)?;
        }
        Ok(result)
    }

    fn map(&mut self, pairs: &[(NodeId, NodeId)]) -> Done<Value> {
        self.charge(pairs.len())?;
        let mut map = Map::new();
        let mut filled = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key = self.eval(*key)?;
            filled.push((key, self.eval(*value)?));
        }
        // Go fills from the last pair to the first: of equal keys the first wins.
        for (key, value) in filled {
            let Value::Str(key) = key else {
                return Err(EvalError::new(conversion(&key, "string")).into());
            };
            if !map.contains_key(&key) {
                map.insert(key, value);
            }
        }
        Ok(Value::map(map))
    }

    /// Evaluates to a host object, failing as Go does on a nil pointer.
    fn object(&mut self, base: NodeId, member: impl Fn() -> &'static str) -> Done<Object> {
        if let Op::Root(object) = &self.graph.node(base).op {
            return Ok(*object);
        }
        match self.eval(base)? {
            Value::Object(object) => Ok(object),
            other => {
                Err(EvalError::new(format!("cannot get {} from {}", member(), other.type_name())).into())
            }
        }
    }

    fn arguments(&mut self, args: &[NodeId], into: &mut SmallVec<[Value; 4]>) -> Done<()> {
        for arg in args {
            let value = self.eval(*arg)?;
            into.push(value);
        }
        Ok(())
    }

    fn method(&mut self, base: NodeId, method: MethodId, args: &[NodeId]) -> Done<Value> {
        let graph = self.graph;
        let def = graph.objects.method_def(method);
        let name = def.map_or("?", |def| def.name);
        let object = self.object(base, || name)?;
        let mut all: SmallVec<[Value; 4]> = SmallVec::new();
        self.arguments(args, &mut all)?;
        let result = self.env.method(object, method, &all);
        for field in def.map(|def| def.writes.as_slice()).unwrap_or_default() {
            if let Some(dense) = graph.objects.dense(*field) {
                self.memo.touch(dense);
            }
        }
        Ok(result?)
    }

    fn dynamic_method(&mut self, base: NodeId, name: u32, args: &[NodeId]) -> Done<Value> {
        let graph = self.graph;
        let receiver = self.eval(base)?;
        let name = graph.constants[name as usize].as_str().unwrap_or_default();
        let mut all: SmallVec<[Value; 4]> = SmallVec::new();
        if let Value::Object(object) = receiver
            && let Some((method, def)) = graph.objects.method(object.kind, name)
        {
            self.arguments(args, &mut all)?;
            let result = self.env.method(object, method, &all);
            for field in &def.writes {
                graph
                    .objects
                    .dense(*field)
                    .into_iter()
                    .for_each(|dense| self.memo.touch(dense));
            }
            return Ok(result?);
        }
        let found = access::value_type(&receiver).and_then(|ty| {
            graph
                .methods
                .iter()
                .find(|m| m.receiver == ty && m.function.name == name)
        });
        let Some(method) = found else {
            return Err(EvalError::new(format!("cannot fetch {name} from {}", receiver.type_name())).into());
        };
        all.push(receiver);
        self.arguments(args, &mut all)?;
        self.call(&method.function, &all)
    }

    fn call(&mut self, function: &Function, args: &[Value]) -> Done<Value> {
        let result = (function.body)(&mut Call {
            args,
            env: &mut *self.env,
            memory: &mut self.memory,
        });
        if let Effect::WritesArgument(index) = function.effect
            && let Some(Value::Place(place)) = args.get(index)
            && let Some(dense) = self.graph.objects.dense(place.field)
        {
            self.memo.touch(dense);
        }
        Ok(result?)
    }

    fn slice(&mut self, base: NodeId, from: Option<NodeId>, to: Option<NodeId>) -> Done<Value> {
        let base = self.eval(base)?;
        let length = access::byte_length(&base)?;
        let to = match to {
            Some(to) => arithmetic::to_int(&self.eval(to)?)?,
            None => length,
        };
        let from = match from {
            Some(from) => arithmetic::to_int(&self.eval(from)?)?,
            None => 0,
        };
        Ok(access::slice(&base, from, to)?)
    }

    fn set_local(&mut self, slot: u16, value: Value) {
        let slot = usize::from(slot);
        if self.locals.len() <= slot {
            self.locals.resize(slot + 1, Value::Nil);
        }
        self.locals[slot] = value;
    }

    fn charge(&mut self, units: usize) -> Done<()> {
        match self.memory.checked_sub(units as u64).filter(|left| *left > 0) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(EvalError::Memory.into()),
        }
    }
}

pub(crate) fn conversion(value: &Value, wanted: &str) -> String {
    format!(
        "interface conversion: interface {{}} is {}, not {wanted}",
        value.type_name()
    )
}

fn not_bool(value: &Value) -> EvalError {
    EvalError::new(conversion(value, "bool"))
}
