//! Calls of functions: arguments against the signature, and where helpers may write.

use crate::ast::Node;
use crate::function::{Effect, Function, Params, Signature};
use crate::ir::{NodeId, Op};
use crate::types::Type;

use super::{Compiled, Compiler, Problem, Typed};

impl Compiler<'_> {
    pub(super) fn call(&mut self, at: usize, name: &str, args: &[Node]) -> Compiled {
        if let Some(function) = self.scheme.function(name).cloned() {
            let (nodes, mut result) = self.checked_arguments(at, &function, args)?;
            if let ("get", [list, key], [base, property]) = (name, args, &*nodes) {
                result = self.element(list.at, key.at, *base, *property)?;
            }
            let args = nodes;
            let id = self.graph.function(&function);
            return Ok(self.emit(Op::Call(id, args), result));
        }
        let local = self
            .variables
            .iter()
            .rev()
            .find(|variable| variable.name == *name);
        let ty = local
            .map(|variable| &variable.ty)
            .or_else(|| self.scheme.variable(name).map(|(ty, _)| ty));
        Err(Problem {
            at,
            message: match ty {
                Some(ty) => format!("{} is not callable", self.type_name(ty)),
                None => format!("unknown name {name}"),
            },
        })
    }

    /// Returns the type of what `get(base, property)` gives.
    ///
    /// Upstream: `checker/checker.go`, `checkBuiltinGet`.
    fn element(&self, at: usize, key_at: usize, base: NodeId, property: NodeId) -> Result<Type, Problem> {
        let (base, property) = (&self.graph.node(base).ty, &self.graph.node(property).ty);
        let element = match base {
            Type::Any => return Ok(Type::Any),
            // Nil where the key is missing, also where the elements are strings.
            Type::Array(element) | Type::Map(element) if **element == Type::String => Type::Any,
            Type::Array(element) | Type::Map(element) => Type::clone(element),
            Type::Bytes => Type::Int,
            other => {
                let message = format!("type {} does not support indexing", self.type_name(other));
                return Err(Problem { at, message });
            }
        };
        let property_name = self.type_name(property);
        let message = match base {
            Type::Map(_) if !matches!(property, Type::String | Type::Any) => {
                format!(
                    "cannot use {property_name} to get an element from {}",
                    self.type_name(base)
                )
            }
            Type::Array(_) | Type::Bytes if !matches!(property, Type::Int | Type::Any) => {
                format!("non-integer slice index {property_name}")
            }
            _ => return Ok(element),
        };
        Err(Problem { at: key_at, message })
    }

    /// Compiles the arguments of a function and returns them with the type of its result.
    pub(super) fn checked_arguments(
        &mut self,
        at: usize,
        function: &Function,
        args: &[Node],
    ) -> Result<(Box<[NodeId]>, Type), Problem> {
        let written = match function.effect {
            Effect::WritesArgument(index) => Some(index),
            _ => None,
        };
        match &function.signature {
            Signature::Fixed(params, result) => Ok((
                self.arguments(at, function.name, params, args, written)?,
                result.clone(),
            )),
            Signature::Checked(check) => {
                let mut nodes = Vec::with_capacity(args.len());
                let mut types = Vec::with_capacity(args.len());
                for (index, arg) in args.iter().enumerate() {
                    let typed = self.argument(function.name, arg, written == Some(index))?;
                    nodes.push(typed.id);
                    types.push(typed.ty);
                }
                let result = check(&types).map_err(|message| Problem { at, message })?;
                Ok((nodes.into(), result))
            }
            Signature::Missing => Err(Problem {
                at,
                message: format!(
                    "helper {} is known but not implemented in this version",
                    function.name
                ),
            }),
        }
    }

    pub(super) fn arguments(
        &mut self,
        at: usize,
        name: &str,
        params: &Params,
        args: &[Node],
        written: Option<usize>,
    ) -> Result<Box<[NodeId]>, Problem> {
        let most = params.required.len() + params.optional.len();
        if args.len() > most && params.rest.is_none() {
            return Err(Problem {
                at,
                message: format!("too many arguments to call {name}"),
            });
        }
        if args.len() < params.required.len() {
            return Err(Problem {
                at,
                message: format!("not enough arguments to call {name}"),
            });
        }
        let mut compiled = Vec::with_capacity(args.len());
        let types = params
            .required
            .iter()
            .chain(&params.optional)
            .chain(params.rest.iter().cycle());
        for (index, (arg, wanted)) in args.iter().zip(types).enumerate() {
            let typed = self.argument(name, arg, written == Some(index))?;
            self.check_argument(name, arg.at, wanted, &typed.ty)?;
            compiled.push(typed.id);
        }
        Ok(compiled.into())
    }

    fn check_argument(&self, name: &str, at: usize, wanted: &Type, given: &Type) -> Result<(), Problem> {
        let nil_fits = matches!(wanted, Type::Any | Type::Zone | Type::Object(_));
        let fits = match given {
            Type::Nil => nil_fits,
            Type::Int => matches!(wanted, Type::Float) || wanted.accepts(given),
            _ => wanted.accepts(given),
        };
        if fits {
            return Ok(());
        }
        let (given, wanted) = match given {
            Type::Nil => ("nil".to_owned(), self.type_name(wanted)),
            given => (self.type_name(given), self.type_name(wanted)),
        };
        Err(Problem {
            at,
            message: format!("cannot use {given} as argument (type {wanted}) to call {name}"),
        })
    }

    /// Compiles one argument; one that is written to must name a map field of an object.
    fn argument(&mut self, function: &str, arg: &Node, written: bool) -> Result<Typed, Problem> {
        let typed = self.node(arg)?;
        if !written {
            return Ok(typed);
        }
        match (&self.graph.node(typed.id).op, &typed.ty) {
            (Op::Field(object, field), Type::Map(_)) => {
                let place = Op::Place(*object, *field);
                Ok(self.emit(place, typed.ty))
            }
            _ => Err(Problem {
                at: arg.at,
                message: format!(
                    "{function} writes to this argument: it must be a map field such as evt.Unmarshaled"
                ),
            }),
        }
    }
}
