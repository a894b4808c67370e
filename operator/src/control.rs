//! Runs one controller: what it listens to, what it does, how it is counted and logged.

use std::future::Future;
use std::sync::Arc;

use service::tasks::{Cause, Tasks};

use crate::cluster::apply::chain;
use crate::cluster::controller::{Next, Triggers, run};
use crate::cluster::store::Key;
use crate::cluster::world::{Change, World};
use crate::context::Context;
use crate::error::Error;

/// A controller of one kind.
pub struct Controller<F> {
    /// The kind; also its name in logs and metrics.
    pub kind: &'static str,
    /// Returns the resources that a change concerns; pure.
    pub concerns: fn(&World, &Change) -> Vec<Key>,
    /// Returns all resources of the kind.
    pub all: fn(&World) -> Vec<Key>,
    /// Brings one resource from what it is to what it should be.
    pub reconcile: F,
}

/// Starts a controller in `tasks`.
pub fn spawn<F, R>(tasks: &mut Tasks, ctx: &Arc<Context>, controller: Controller<F>)
where
    F: Fn(Arc<Context>, Key) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Next, Error>> + Send + 'static,
{
    let Controller {
        kind,
        concerns,
        all,
        reconcile,
    } = controller;
    let stop = tasks.token().clone();
    let ctx = Arc::clone(ctx);
    tasks.spawn(format!("controller {kind}"), async move {
        let triggers = Triggers {
            changes: ctx.world.changes(),
            concerns: |change: &Change| concerns(&ctx.world, change),
            all: || all(&ctx.world),
        };
        let counted = |key: Key| {
            let work = reconcile(Arc::clone(&ctx), key.clone());
            let ctx = Arc::clone(&ctx);
            async move {
                let outcome = work.await;
                ctx.metrics.reconciled(kind, outcome.as_ref().err().map(Error::reason));
                match outcome {
                    Ok(next) => next,
                    Err(error) => {
                        tracing::warn!(object.kind = kind, object.key = %key, error = %chain(&error), "a resource could not be reconciled and is tried again");
                        Next::Retry
                    }
                }
            }
        };
        run(triggers, counted, stop).await;
        Ok::<(), Cause>(())
    });
}
