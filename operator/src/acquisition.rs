//! The controller of Acquisitions: who reads them, and what came of it. It makes no objects: the LogProcessors do.

pub mod observe;
pub mod status;

use std::sync::Arc;
use std::time::Duration;

use service::clock;
use service::tasks::Tasks;

use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::cluster::world::{Change, Part, World};
use crate::conditions;
use crate::context::Context;
use crate::control::{self, Controller};
use crate::crd::conditions::Ready;
use crate::error::Error;
use crate::log_processor::select;
use crate::status::write_status;

/// When an Acquisition is looked at again while something is missing.
const SOON: Duration = Duration::from_secs(5);
/// When it is looked at again while all is well: its figures change without an event.
const LATER: Duration = Duration::from_secs(20);

/// Starts the controller.
pub(crate) fn spawn(tasks: &mut Tasks, ctx: &Arc<Context>) {
    control::spawn(
        tasks,
        ctx,
        Controller {
            kind: "Acquisition",
            concerns,
            all: |world| world.acquisitions.keys(),
            reconcile,
        },
    );
}

fn concerns(world: &World, change: &Change) -> Vec<Key> {
    match change {
        Change::Resource {
            kind: "Acquisition",
            key,
            part: Part::Spec,
        } => vec![key.clone()],
        Change::Resource {
            kind: "LogProcessor" | "SecurityEngine",
            part: Part::Spec,
            ..
        }
        | Change::Namespace => world.acquisitions.keys(),
        _ => Vec::new(),
    }
}

async fn reconcile(ctx: Arc<Context>, key: Key) -> Result<Next, Error> {
    let Some(acquisition) = ctx.world.acquisitions.get(&key) else {
        return Ok(Next::Change);
    };
    if acquisition.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Change);
    }
    let (status, next) = if let Err(problems) = select::target(&acquisition) {
        let status = status::invalid(&acquisition, &problems, clock::now());
        (status, Next::Change)
    } else {
        let observed = observe::observe(&ctx, &acquisition).await?;
        let status = status::status(&acquisition, &observed, clock::now());
        let is_ready = conditions::is_true::<Ready>(&status.conditions);
        (status, Next::After(if is_ready { LATER } else { SOON }))
    };
    write_status(&ctx, &*acquisition, acquisition.status.as_ref(), &status).await?;
    Ok(next)
}
