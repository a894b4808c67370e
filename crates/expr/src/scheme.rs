//! Which names an expression may use, and what type each has.
//!
//! The caller declares its structures with [`object!`](crate::object), collects them in [`Objects`] once, and makes
//! one [`Scheme`] per place where expressions stand (filters see `evt`; conditions also `queue` and `leaky`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::builtin;
use crate::function::{Function, Method};
use crate::id::{Kind, VariableId};
use crate::objects::Objects;
use crate::types::Type;

/// Lists the variables and functions that an expression may use.
#[derive(Debug, Clone)]
pub struct Scheme {
    objects: Arc<Objects>,
    functions: Arc<Functions>,
    variables: BTreeMap<String, (Type, VariableId)>,
}

#[derive(Debug)]
pub(crate) struct Functions {
    by_name: BTreeMap<&'static str, Arc<Function>>,
    methods: Vec<Arc<Method>>,
}

impl Scheme {
    /// Makes a scheme with every builtin and helper and no variable.
    pub fn new(objects: &Arc<Objects>) -> Self {
        let functions = Functions {
            by_name: builtin::functions()
                .into_iter()
                .map(|f| (f.name, Arc::new(f)))
                .collect(),
            methods: builtin::methods().into_iter().map(Arc::new).collect(),
        };
        Self {
            objects: Arc::clone(objects),
            functions: Arc::new(functions),
            variables: BTreeMap::new(),
        }
    }

    /// Adds a root variable that is an object of `kind`; its value is `Object { kind, index: 0 }`.
    #[must_use]
    pub fn with_object(mut self, name: &str, kind: Kind) -> Self {
        self.variables
            .insert(name.to_owned(), (Type::Object(kind), VariableId(0)));
        self
    }

    /// Adds a root variable that [`crate::Env::variable`] gives.
    #[must_use]
    pub fn with_variable(mut self, name: &str, ty: Type, id: VariableId) -> Self {
        self.variables.insert(name.to_owned(), (ty, id));
        self
    }

    /// Adds or replaces functions, e.g. those that exist in one place only (`JA4H` in contexts).
    #[must_use]
    pub fn with_functions(mut self, functions: impl IntoIterator<Item = Function>) -> Self {
        let mut all = Functions {
            by_name: self.functions.by_name.clone(),
            methods: self.functions.methods.clone(),
        };
        all.by_name
            .extend(functions.into_iter().map(|f| (f.name, Arc::new(f))));
        self.functions = Arc::new(all);
        self
    }

    /// Returns the declared structures.
    pub fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&(Type, VariableId)> {
        self.variables.get(name)
    }

    pub(crate) fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.by_name.get(name)
    }

    /// Returns the methods of that name of all built-in value types.
    pub(crate) fn methods_named(&self, name: &str) -> impl Iterator<Item = &Arc<Method>> {
        self.functions
            .methods
            .iter()
            .filter(move |m| m.function.name == name)
    }

    pub(crate) fn method(&self, receiver: &Type, name: &str) -> Option<&Arc<Method>> {
        self.functions
            .methods
            .iter()
            .find(|m| m.receiver == *receiver && m.function.name == name)
    }
}
