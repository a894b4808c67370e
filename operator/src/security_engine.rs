//! The controller of SecurityEngines: observe, validate, build, apply, status.

use std::sync::Arc;

use service::tasks::Tasks;

use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::cluster::world::{Change, Part, World};
use crate::context::Context;
use crate::control::{self, Controller};
use crate::error::Error;

/// Starts the controller.
pub(crate) fn spawn(tasks: &mut Tasks, ctx: &Arc<Context>) {
    control::spawn(
        tasks,
        ctx,
        Controller {
            kind: "SecurityEngine",
            concerns,
            all: |world| world.engines.keys(),
            reconcile,
        },
    );
}

fn concerns(_world: &World, change: &Change) -> Vec<Key> {
    match change {
        Change::Resource {
            kind: "SecurityEngine",
            key,
            part: Part::Spec,
        } => vec![key.clone()],
        Change::Owned { kind, owner } if kind == "SecurityEngine" => vec![owner.clone()],
        _ => Vec::new(),
    }
}

async fn reconcile(_ctx: Arc<Context>, _key: Key) -> Result<Next, Error> {
    Ok(Next::Change)
}
