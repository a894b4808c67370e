//! Looks names and types up and turns the tree into nodes of the shared graph.
//!
//! Upstream: expr-lang 1.17.8, `checker/checker.go` (rules and messages) and `optimizer` (which constants fold).

mod calls;
mod loops;
mod members;
mod operators;

use crate::ast::{Ast, LogicOp, Node};
use crate::error::CompileError;
use crate::ir::{Graph, NodeId, Op};
use crate::parse;
use crate::scheme::Scheme;
use crate::types::Type;
use crate::value::{Object, Text, Value};

/// Compiles `source` into `graph` and returns its root.
pub(crate) fn compile(
    graph: &mut Graph,
    source: &str,
    scheme: &Scheme,
    expected: &Type,
) -> Result<NodeId, CompileError> {
    let tree = parse::parse(source)?;
    let mut compiler = Compiler {
        graph,
        source,
        scheme,
        variables: Vec::new(),
        loops: Vec::new(),
        slots: 0,
    };
    let typed = compiler
        .node(&tree)
        .map_err(|problem| CompileError::at(source, problem.at, problem.message))?;
    let fits = match expected {
        Type::Any => true,
        Type::Int | Type::Float => typed.ty.is_any() || operators::is_number(&typed.ty),
        wanted => typed.ty.is_any() || typed.ty == *wanted,
    };
    if !fits {
        let objects = scheme.objects();
        return Err(CompileError::unplaced(format!(
            "expected {}, but got {}",
            expected.name(objects),
            typed.ty.name(objects)
        )));
    }
    Ok(typed.id)
}

/// Says what is wrong at which rune.
struct Problem {
    at: usize,
    message: String,
}

/// Is a node of the graph with its static type in this expression.
#[derive(Debug, Clone)]
struct Typed {
    id: NodeId,
    ty: Type,
}

type Compiled = Result<Typed, Problem>;

struct Compiler<'a> {
    graph: &'a mut Graph,
    source: &'a str,
    scheme: &'a Scheme,
    variables: Vec<Variable>,
    loops: Vec<LoopScope>,
    /// The next free local.
    slots: u16,
}

struct Variable {
    name: Text,
    slot: u16,
    ty: Type,
}

/// What `#`, `#index` and `#acc` are in the innermost closure.
struct LoopScope {
    slot: u16,
    element: Type,
    index: bool,
    accumulator: bool,
}

impl Compiler<'_> {
    fn node(&mut self, node: &Node) -> Compiled {
        match &*node.ast {
            Ast::Nil => Ok(self.constant(Value::Nil, Type::Nil)),
            Ast::Bool(truth) => Ok(self.constant(Value::Bool(*truth), Type::Bool)),
            Ast::Int(number) => Ok(self.constant(Value::Int(*number), Type::Int)),
            Ast::Float(number) => Ok(self.constant(Value::Float(*number), Type::Float)),
            Ast::Str(text) => Ok(self.constant(Value::Str(text.clone()), Type::String)),
            Ast::Bytes(bytes) => Ok(self.constant(Value::Bytes(bytes.as_slice().into()), Type::Bytes)),
            Ast::Name(name) => self.name(node.at, name),
            Ast::Unary(op, operand) => self.unary(node.at, *op, operand),
            Ast::Binary(op, left, right) => self.binary(node.at, *op, left, right),
            Ast::Logic(op, items) => self.logic(*op, items),
            Ast::Chain(inner) => {
                let inner = self.node(inner)?;
                Ok(self.emit(Op::Chain(inner.id), inner.ty))
            }
            Ast::Member(member) => self.member(node.at, member),
            Ast::Slice { base, from, to } => self.slice(node.at, base, from.as_ref(), to.as_ref()),
            Ast::Call { callee, args } => self.method_call(callee, args),
            Ast::NamedCall { name, args } => self.call(node.at, name, args),
            Ast::Loop { name, args } => self.closure_builtin(name, args),
            Ast::Predicate(body) => self.node(body),
            Ast::Pointer(name) => self.pointer(node.at, name),
            Ast::Let { name, value, body } => self.declaration(node.at, name, value, body),
            Ast::Sequence(nodes) => self.sequence(nodes),
            Ast::Conditional { condition, yes, no } => self.conditional(condition, yes, no),
            Ast::Array(nodes) => self.array(nodes),
            Ast::Map(pairs) => self.map(pairs),
        }
    }

    fn emit(&mut self, op: Op, ty: Type) -> Typed {
        Typed {
            id: self.graph.emit(op, ty.clone()),
            ty,
        }
    }

    fn constant(&mut self, value: Value, ty: Type) -> Typed {
        let constant = self.graph.constant(value);
        self.emit(Op::Const(constant), ty)
    }

    fn type_name(&self, ty: &Type) -> String {
        ty.name(self.scheme.objects())
    }

    fn new_slots(&mut self, count: u16) -> u16 {
        let slot = self.slots;
        // The nesting limit keeps this far below overflow.
        self.slots = self.slots.saturating_add(count);
        slot
    }

    fn name(&mut self, at: usize, name: &str) -> Compiled {
        if let Some(variable) = self
            .variables
            .iter()
            .rev()
            .find(|variable| variable.name == *name)
        {
            let (slot, ty) = (variable.slot, variable.ty.clone());
            return Ok(self.emit(Op::Local(slot), ty));
        }
        self.root(at, name)
    }

    /// A variable of the environment.
    fn root(&mut self, at: usize, name: &str) -> Compiled {
        match self.scheme.variable(name) {
            Some((Type::Object(kind), _)) => {
                let (kind, object) = (
                    *kind,
                    Object {
                        kind: *kind,
                        index: 0,
                    },
                );
                Ok(self.emit(Op::Root(object), Type::Object(kind)))
            }
            Some((ty, id)) => {
                let (ty, id) = (ty.clone(), *id);
                Ok(self.emit(Op::Variable(id), ty))
            }
            None if self.scheme.function(name).is_some() => Err(Problem {
                at,
                message: format!("function {name} can only be called"),
            }),
            None => Err(Problem {
                at,
                message: format!("unknown name {name}"),
            }),
        }
    }

    fn declaration(&mut self, at: usize, name: &Text, value: &Node, body: &Node) -> Compiled {
        let what = if self.scheme.variable(name).is_some() {
            Some("")
        } else if self.scheme.function(name).is_some() {
            Some(if name.starts_with(char::is_uppercase) {
                "function "
            } else {
                "builtin "
            })
        } else if self.variables.iter().any(|variable| variable.name == *name) {
            Some("variable ")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(Problem {
                at,
                message: format!("cannot redeclare {what}{name}"),
            });
        }
        let value = self.node(value)?;
        let slot = self.new_slots(1);
        self.variables.push(Variable {
            name: name.clone(),
            slot,
            ty: value.ty,
        });
        let body = self.node(body);
        self.variables.pop();
        self.slots = slot;
        let body = body?;
        Ok(self.emit(
            Op::Let {
                slot,
                value: value.id,
                body: body.id,
            },
            body.ty,
        ))
    }

    fn sequence(&mut self, nodes: &[Node]) -> Compiled {
        let mut compiled = Vec::with_capacity(nodes.len());
        let mut last = Type::Any;
        for node in nodes {
            let typed = self.node(node)?;
            compiled.push(typed.id);
            last = typed.ty;
        }
        Ok(self.emit(Op::Sequence(compiled.into()), last))
    }

    fn conditional(&mut self, condition: &Node, yes: &Node, no: &Node) -> Compiled {
        let decision = self.node(condition)?;
        if !matches!(decision.ty, Type::Bool | Type::Any) {
            let message = format!(
                "non-bool expression (type {}) used as condition",
                self.type_name(&decision.ty)
            );
            return Err(Problem {
                at: condition.at,
                message,
            });
        }
        let yes = self.node(yes)?;
        let no = self.node(no)?;
        let ty = match (&yes.ty, &no.ty) {
            (Type::Nil, other) | (other, Type::Nil) => other.clone(),
            (Type::Array(a), Type::Array(b)) if a != b => Type::array(Type::Any),
            (a, b) if a == b => a.clone(),
            _ => Type::Any,
        };
        Ok(self.emit(Op::Conditional(decision.id, yes.id, no.id), ty))
    }

    fn array(&mut self, nodes: &[Node]) -> Compiled {
        let mut items = Vec::with_capacity(nodes.len());
        let mut element: Option<Type> = None;
        let mut same = true;
        for node in nodes {
            let typed = self.node(node)?;
            same &= element
                .as_ref()
                .is_none_or(|element| std::mem::discriminant(element) == std::mem::discriminant(&typed.ty));
            element = Some(typed.ty);
            items.push(typed.id);
        }
        let element = element.filter(|_| same).unwrap_or_default();
        let ty = Type::array(element);
        // Upstream folds lists of plain literals into constants, which costs no memory at run time.
        let constants: Option<Vec<Value>> = items
            .iter()
            .map(|id| self.graph.as_constant(*id).filter(|v| is_literal(v)).cloned())
            .collect();
        match constants {
            Some(values) if !values.is_empty() => Ok(self.constant(Value::array(values), ty)),
            _ => Ok(self.emit(Op::Array(items.into()), ty)),
        }
    }

    fn map(&mut self, pairs: &[(Node, Node)]) -> Compiled {
        let mut compiled = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key = self.node(key)?.id;
            compiled.push((key, self.node(value)?.id));
        }
        Ok(self.emit(Op::Map(compiled.into()), Type::anys()))
    }
}

fn is_literal(value: &Value) -> bool {
    matches!(
        value,
        Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Bool(_)
    )
}

impl LogicOp {
    /// Returns the truth that decides the whole chain.
    fn decisive(self) -> bool {
        self == Self::Or
    }
}
