//! Members, indexes, slices and method calls on values and host objects.

use crate::ast::{Ast, Member, Node};
use crate::ir::{NodeId, Op};
use crate::types::Type;
use crate::value::Text;

use super::{Compiled, Compiler, Problem, Typed};

impl Compiler<'_> {
    pub(super) fn member(&mut self, at: usize, member: &Member) -> Compiled {
        if matches!(&*member.base.ast, Ast::Name(name) if *name == "$env") {
            return match &*member.property.ast {
                Ast::Str(name) if member.optional && self.scheme.variable(name).is_none() => {
                    Ok(self.constant(crate::Value::Nil, Type::Any))
                }
                Ast::Str(name) => self.root(at, name),
                _ => Err(Problem {
                    at,
                    message: "$env can only be read by a constant name".to_owned(),
                }),
            };
        }
        let base = self.node(&member.base)?;
        let name = match &*member.property.ast {
            Ast::Str(name) => Some(name.clone()),
            _ => None,
        };
        match (&base.ty, &name) {
            (Type::Nil, Some(name)) => Err(Problem {
                at,
                message: format!("type nil has no field {name}"),
            }),
            (Type::Object(_), Some(name)) => self.field(at, member, &base, name),
            (Type::Map(value), Some(name)) => {
                let (value, name) = (Type::clone(value), name.clone());
                Ok(self.entry(&base, &name, member, value))
            }
            _ => self.indexed(at, member, &base, name.as_ref()),
        }
    }

    /// A field of a host object.
    fn field(&mut self, at: usize, member: &Member, base: &Typed, name: &str) -> Compiled {
        let Type::Object(kind) = base.ty else {
            return Err(self.no_member(at, member, &base.ty, name));
        };
        let found = self
            .graph
            .objects
            .field(kind, name)
            .map(|(field, ty)| (field, ty.clone()));
        match found {
            Some((field, ty)) => {
                let guarded = self.guarded(base.id, member.optional);
                Ok(self.emit(Op::Field(guarded, field), ty))
            }
            None => Err(self.no_member(at, member, &base.ty, name)),
        }
    }

    /// A constant key of a map: of a host object's map field it is one lookup.
    fn entry(&mut self, base: &Typed, name: &str, member: &Member, value: Type) -> Typed {
        if let Op::Field(object, field) = self.graph.node(base.id).op {
            let key = self.graph.key(name);
            return self.emit(Op::Entry(object, field, key), value);
        }
        let guarded = self.guarded(base.id, member.optional);
        let key = self.constant(crate::Value::text(name), Type::String);
        self.emit(Op::Fetch(guarded, key.id), value)
    }

    /// `base[index]`, and members of values whose type is not known.
    fn indexed(&mut self, at: usize, member: &Member, base: &Typed, name: Option<&Text>) -> Compiled {
        let property = self.node(&member.property)?;
        let integer = matches!(property.ty, Type::Int | Type::Any);
        let ty = match &base.ty {
            Type::Any => Type::Any,
            Type::Map(value) => {
                if !matches!(property.ty, Type::String | Type::Any) {
                    let (key, map) = (self.type_name(&property.ty), self.type_name(&base.ty));
                    return Err(Problem {
                        at: member.property.at,
                        message: format!("cannot use {key} to get an element from {map}"),
                    });
                }
                Type::clone(value)
            }
            Type::Array(_) | Type::Bytes if !integer => {
                let ty = self.type_name(&property.ty);
                return Err(Problem {
                    at: member.property.at,
                    message: format!("array elements can only be selected using an integer (got {ty})"),
                });
            }
            Type::Array(element) => Type::clone(element),
            Type::Bytes => Type::Int,
            other => {
                let message = match name {
                    Some(name) => return Err(self.no_member(at, member, other, name)),
                    None => format!(
                        "type {}[{}] is undefined",
                        self.type_name(other),
                        self.type_name(&property.ty)
                    ),
                };
                return Err(Problem { at, message });
            }
        };
        let guarded = self.guarded(base.id, member.optional);
        Ok(self.emit(Op::Fetch(guarded, property.id), ty))
    }

    fn no_member(&self, at: usize, member: &Member, ty: &Type, name: &str) -> Problem {
        let what = if member.method { "method" } else { "field" };
        Problem {
            at,
            message: format!("type {} has no {what} {name}", self.type_name(ty)),
        }
    }

    fn guarded(&mut self, base: NodeId, optional: bool) -> NodeId {
        // A root object is never nil.
        if !optional || matches!(self.graph.node(base).op, Op::Root(_)) {
            return base;
        }
        let ty = self.graph.node(base).ty.clone();
        self.graph.emit(Op::Guard(base), ty)
    }

    pub(super) fn slice(
        &mut self,
        at: usize,
        base: &Node,
        from: Option<&Node>,
        to: Option<&Node>,
    ) -> Compiled {
        let base = self.node(base)?;
        if !matches!(base.ty, Type::String | Type::Array(_) | Type::Bytes | Type::Any) {
            let ty = self.type_name(&base.ty);
            return Err(Problem {
                at,
                message: format!("cannot slice {ty}"),
            });
        }
        let from = from.map(|node| self.bound(node)).transpose()?;
        let to = to.map(|node| self.bound(node)).transpose()?;
        Ok(self.emit(Op::Slice(base.id, from, to), base.ty))
    }

    fn bound(&mut self, node: &Node) -> Result<NodeId, Problem> {
        let bound = self.node(node)?;
        if matches!(bound.ty, Type::Int | Type::Any) {
            return Ok(bound.id);
        }
        let ty = self.type_name(&bound.ty);
        Err(Problem {
            at: node.at,
            message: format!("non-integer slice index {ty}"),
        })
    }

    /// `base.name(args)`; the parser makes calls of members only.
    pub(super) fn method_call(&mut self, callee: &Node, args: &[Node]) -> Compiled {
        let Ast::Member(member) = &*callee.ast else {
            return Err(Problem {
                at: callee.at,
                message: "expression is not callable".to_owned(),
            });
        };
        let Ast::Str(name) = &*member.property.ast else {
            return Err(Problem {
                at: callee.at,
                message: "expression is not callable".to_owned(),
            });
        };
        if matches!(&*member.base.ast, Ast::Name(name) if *name == "$env") {
            return Err(Problem {
                at: callee.at,
                message: format!("unknown name {name}"),
            });
        }
        let base = self.node(&member.base)?;
        match &base.ty {
            Type::Nil => Err(Problem {
                at: callee.at,
                message: format!("type nil has no field {name}"),
            }),
            Type::Object(kind) => {
                let found = self
                    .graph
                    .objects
                    .method(*kind, name)
                    .map(|(id, def)| (id, def.clone()));
                let Some((method, def)) = found else {
                    return Err(self.no_member(callee.at, member, &base.ty, name));
                };
                let args = self.arguments(callee.at, name, &def.params, args, None)?;
                // Upstream does not guard the receiver: a method of a nil pointer fails even after `?.`.
                Ok(self.emit(Op::Method(base.id, method, args), def.result))
            }
            // A value of unknown type might be callable in Go; here it fails at run time.
            Type::Map(value) if value.is_any() => self.dynamic_call(&base, member, name, args),
            Type::Any => self.dynamic_call(&base, member, name, args),
            Type::Map(value) => {
                let ty = self.type_name(value);
                Err(Problem {
                    at: callee.at,
                    message: format!("{ty} is not callable"),
                })
            }
            ty => {
                let Some(method) = self.scheme.method(ty, name).cloned() else {
                    return Err(self.no_member(callee.at, member, ty, name));
                };
                let typed = self.checked_arguments(callee.at, &method.function, args)?;
                let method = self.graph.value_method(&method);
                Ok(self.emit(Op::ValueMethod(base.id, method, typed.0), typed.1))
            }
        }
    }

    /// A method looked up by name at run time.
    fn dynamic_call(&mut self, base: &Typed, member: &Member, name: &Text, args: &[Node]) -> Compiled {
        let mut compiled = Vec::with_capacity(args.len());
        for arg in args {
            compiled.push(self.node(arg)?.id);
        }
        for method in self.scheme.methods_named(name) {
            self.graph.value_method(method);
        }
        let guarded = self.guarded(base.id, member.optional);
        let name = self.graph.constant(crate::Value::Str(name.clone()));
        Ok(self.emit(Op::DynamicMethod(guarded, name, compiled.into()), Type::Any))
    }
}
