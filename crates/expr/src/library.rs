//! All compiled expressions of a configuration, in one shared graph.

use std::sync::Arc;

use crate::compile;
use crate::env::Env;
use crate::error::{CompileError, EvalError};
use crate::eval;
use crate::id::FieldId;
use crate::ir::Graph;
use crate::memo::Memo;
use crate::objects::Objects;
use crate::scheme::Scheme;
use crate::types::Type;
use crate::value::Value;

/// Holds the compiled expressions; equal sub-expressions exist once.
#[derive(Debug)]
pub struct Library {
    graph: Graph,
}

/// Names a compiled expression; equal expressions have equal names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub(crate) u32);

impl Library {
    /// Makes an empty library over the declared structures; every scheme given to it must be over the same ones.
    pub fn new(objects: &Arc<Objects>) -> Self {
        Self {
            graph: Graph::new(objects),
        }
    }

    /// Compiles `source` and checks that its result can be of type `expected` ([`Type::Any`] asks for nothing).
    pub fn compile(
        &mut self,
        source: &str,
        scheme: &Scheme,
        expected: &Type,
    ) -> Result<ExprId, CompileError> {
        if !Arc::ptr_eq(scheme.objects(), &self.graph.objects) {
            return Err(CompileError::unplaced(
                "the scheme describes other structures than the library",
            ));
        }
        let root = compile::compile(&mut self.graph, source, scheme, expected)?;
        self.graph.use_node(root, 1);
        Ok(ExprId(root))
    }

    /// Returns the static type of a compiled expression.
    pub fn result_type(&self, expr: ExprId) -> &Type {
        &self.graph.node(expr.0).ty
    }

    /// Reports whether evaluating it changes nothing and gives the same result until a field it reads changes.
    pub fn is_pure(&self, expr: ExprId) -> bool {
        self.graph.node(expr.0).facts.memoisable()
    }

    /// Reports whether evaluating it may read `field` of any object.
    pub fn reads(&self, expr: ExprId, field: FieldId) -> bool {
        let dense = self
            .graph
            .objects
            .dense(field)
            .and_then(|dense| u16::try_from(dense).ok());
        dense.is_some_and(|dense| self.graph.node(expr.0).facts.reads.binary_search(&dense).is_ok())
    }

    /// Returns the number of distinct sub-expressions.
    pub fn len(&self) -> usize {
        self.graph.nodes.len()
    }

    /// Reports whether nothing was compiled yet.
    pub fn is_empty(&self) -> bool {
        self.graph.nodes.is_empty()
    }

    /// Evaluates a compiled expression; `memo` must have been cleared since `env` stands for another event.
    pub fn eval(&self, expr: ExprId, env: &mut dyn Env, memo: &mut Memo) -> Result<Value, EvalError> {
        memo.fit(self.graph());
        eval::value(&self.graph, expr.0, env, memo)
    }

    /// Evaluates an expression that must give a bool.
    pub fn eval_bool(&self, expr: ExprId, env: &mut dyn Env, memo: &mut Memo) -> Result<bool, EvalError> {
        memo.fit(self.graph());
        eval::truth(&self.graph, expr.0, env, memo)
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Memo {
    /// Makes an empty memo for `library`; expressions compiled later are covered too.
    pub fn new(library: &Library) -> Self {
        Self::of(library.graph())
    }
}
