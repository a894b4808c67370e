//! Builtins with a closure (`any(list, {…})`) and what `#` means inside one.

use crate::ast::Node;
use crate::ir::{Loop, LoopKind, Op};
use crate::types::Type;

use super::{Compiled, Compiler, LoopScope, Problem};

impl LoopKind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "none" => Self::None,
            "any" => Self::Any,
            "one" => Self::One,
            "filter" => Self::Filter,
            "map" => Self::Map,
            "count" => Self::Count,
            "sum" => Self::Sum,
            "find" => Self::Find,
            "findIndex" => Self::FindIndex,
            "findLast" => Self::FindLast,
            "findLastIndex" => Self::FindLastIndex,
            "groupBy" => Self::GroupBy,
            "sortBy" => Self::SortBy,
            "reduce" => Self::Reduce,
            _ => return None,
        })
    }

    /// Reports whether the closure answers yes or no.
    fn asks(self) -> bool {
        !matches!(
            self,
            Self::Map | Self::Sum | Self::GroupBy | Self::SortBy | Self::Reduce
        )
    }
}

impl Compiler<'_> {
    pub(super) fn closure_builtin(&mut self, name: &str, args: &[Node]) -> Compiled {
        let (Some(kind), Some(list)) = (LoopKind::of(name), args.first()) else {
            return Err(Problem {
                at: 0,
                message: format!("unknown builtin {name}"),
            });
        };
        let source = self.node(list)?;
        let element = match &source.ty {
            Type::Array(element) => Type::clone(element),
            Type::Bytes => Type::Int,
            Type::Any => Type::Any,
            other => {
                let ty = self.type_name(other);
                return Err(Problem {
                    at: list.at,
                    message: format!("builtin {name} takes only array (got {ty})"),
                });
            }
        };
        let slot = self.new_slots(3);
        let body = match args.get(1) {
            Some(body) => Some(self.closure(kind, slot, element.clone(), body)?),
            None => None,
        };
        self.slots = slot;
        let extra = match args.get(2) {
            Some(extra) => Some((extra.at, self.node(extra)?)),
            None => None,
        };
        if let (LoopKind::SortBy, Some((at, order))) = (kind, &extra)
            && !matches!(order.ty, Type::String | Type::Any)
        {
            let ty = self.type_name(&order.ty);
            return Err(Problem {
                at: *at,
                message: format!("sortBy order argument must be a string (got {ty})"),
            });
        }
        let result = body.as_ref().map_or(Type::Any, |body| body.1.clone());
        let ty = match kind {
            LoopKind::All | LoopKind::None | LoopKind::Any | LoopKind::One => Type::Bool,
            LoopKind::Count | LoopKind::FindIndex | LoopKind::FindLastIndex => Type::Int,
            LoopKind::Filter => Type::array(element),
            LoopKind::Map => Type::array(result),
            LoopKind::Sum if body.is_none() => element,
            LoopKind::Sum | LoopKind::Reduce => result,
            LoopKind::Find | LoopKind::FindLast => element,
            // Keys of any type; the map type has string keys only.
            LoopKind::GroupBy => Type::Any,
            LoopKind::SortBy => source.ty.clone(),
        };
        let inner = Loop {
            kind,
            source: source.id,
            body: body.map(|body| body.0),
            extra: extra.map(|(_, extra)| extra.id),
            slot,
            limit: None,
        };
        Ok(self.emit(Op::Loop(inner), ty))
    }

    fn closure(
        &mut self,
        kind: LoopKind,
        slot: u16,
        element: Type,
        body: &Node,
    ) -> Result<(u32, Type), Problem> {
        self.loops.push(LoopScope {
            slot,
            element,
            index: matches!(kind, LoopKind::Map | LoopKind::Reduce),
            accumulator: kind == LoopKind::Reduce,
        });
        let compiled = self.node(body);
        self.loops.pop();
        let compiled = compiled?;
        if compiled.ty == Type::Nil {
            return Err(Problem {
                at: body.at,
                message: match kind {
                    LoopKind::Reduce => "predicate should has two input and one output param",
                    _ => "predicate should has one input and one output param",
                }
                .to_owned(),
            });
        }
        if kind.asks() && !matches!(compiled.ty, Type::Bool | Type::Any) {
            let ty = self.type_name(&compiled.ty);
            return Err(Problem {
                at: body.at,
                message: format!("predicate should return boolean (got {ty})"),
            });
        }
        Ok((compiled.id, compiled.ty))
    }

    pub(super) fn pointer(&mut self, at: usize, name: &str) -> Compiled {
        let Some(scope) = self.loops.last() else {
            return Err(Problem {
                at,
                message: "cannot use pointer accessor outside predicate".to_owned(),
            });
        };
        let (slot, ty) = match name {
            "" => (scope.slot, scope.element.clone()),
            "index" if scope.index => (scope.slot + 1, Type::Int),
            "acc" if scope.accumulator => (scope.slot + 2, Type::Any),
            _ => {
                return Err(Problem {
                    at,
                    message: format!("unknown pointer #{name}"),
                });
            }
        };
        Ok(self.emit(Op::Local(slot), ty))
    }
}
