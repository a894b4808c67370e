//! The controller of LogProcessors: agents on the nodes, what they read, and who they are at the Local API.

pub mod apply;
pub mod build;
pub mod observe;
pub mod register;
pub mod reports;
pub mod select;
pub mod status;
pub mod validate;

#[cfg(test)]
pub(crate) mod fixtures;

use std::sync::Arc;
use std::time::Duration;

use kube::core::ResourceExt as _;
use service::clock;
use service::tasks::Tasks;

use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::cluster::world::{Change, Part, World};
use crate::context::Context;
use crate::control::{self, Controller};
use crate::crd::log_processor::{LogProcessor, LogProcessorStatus};
use crate::engine::{self, Refused};
use crate::error::Error;
use crate::finalizer;
use crate::status::write_status;

/// When agents are looked at again while something is missing.
const SOON: Duration = Duration::from_secs(2);
/// When they are looked at again while all is well: their figures change without an event.
const LATER: Duration = Duration::from_secs(15);

/// Starts the controller.
pub(crate) fn spawn(tasks: &mut Tasks, ctx: &Arc<Context>) {
    control::spawn(
        tasks,
        ctx,
        Controller {
            kind: "LogProcessor",
            concerns,
            all: |world| world.processors.keys(),
            reconcile,
        },
    );
}

fn concerns(world: &World, change: &Change) -> Vec<Key> {
    match change {
        Change::Resource {
            kind: "LogProcessor",
            key,
            part: Part::Spec,
        } => vec![key.clone()],
        Change::Owned { kind, owner } if kind == "LogProcessor" => vec![owner.clone()],
        Change::Resource {
            kind: "SecurityEngine",
            key,
            ..
        } => referring(world, key),
        Change::Resource {
            kind: "Acquisition",
            part: Part::Spec,
            ..
        }
        | Change::Node
        | Change::Namespace
        | Change::Surroundings => world.processors.keys(),
        _ => Vec::new(),
    }
}

/// Returns the LogProcessors that refer to an engine.
fn referring(world: &World, engine: &Key) -> Vec<Key> {
    let refers = |processor: &Arc<LogProcessor>| {
        let key = Key::of(&**processor);
        (engine::target(&processor.spec.engine_ref, &key.namespace) == *engine).then_some(key)
    };
    world.processors.all().iter().filter_map(refers).collect()
}

async fn reconcile(ctx: Arc<Context>, key: Key) -> Result<Next, Error> {
    let Some(processor) = ctx.world.processors.get(&key) else {
        return Ok(Next::Change);
    };
    if processor.metadata.deletion_timestamp.is_some() {
        return apply::remove(&ctx, &processor, clock::now()).await;
    }
    if processor.spec.paused {
        tell(&ctx, &processor, &status::paused(&processor, clock::now())).await?;
        return Ok(Next::Change);
    }
    finalizer::add(&ctx, &*processor).await?;
    match engine::resolve(&ctx.world, &processor.spec.engine_ref, &key.namespace) {
        Ok(engine) => run(&ctx, &processor, &engine).await,
        Err(why) => {
            let status = status::without_engine(&processor, &why, clock::now());
            tell(&ctx, &processor, &status).await?;
            match &why {
                Refused::NotAllowed { key: engine, .. } => apply::withdraw(&ctx, &processor, engine).await,
                Refused::NotFound { .. } => Ok(Next::Change),
            }
        }
    }
}

/// The five steps, for a resource with an engine.
async fn run(ctx: &Context, processor: &LogProcessor, engine: &engine::Engine) -> Result<Next, Error> {
    let local_api = match observe::local_api(ctx, engine).await {
        Ok(local_api) => local_api,
        Err(why) => {
            let status = status::engine_not_ready(processor, &why, clock::now());
            tell(ctx, processor, &status).await?;
            return Ok(Next::After(SOON));
        }
    };
    let observed = observe::observe(ctx, engine);
    let validated = match validate::validate(processor, &observed, &local_api) {
        Ok(validated) => validated,
        Err(problems) => {
            tell(
                ctx,
                processor,
                &status::invalid(processor, &problems, clock::now()),
            )
            .await?;
            return Ok(Next::Change);
        }
    };
    let (outcome, failure) = apply::apply(ctx, engine, &validated).await?;
    let status = status::status(processor, &observed, &local_api, &outcome, clock::now());
    let is_settled = [status.registered, status.ready, status.nodes]
        .iter()
        .all(|count| *count == status.desired);
    tell(ctx, processor, &status).await?;
    match failure {
        Some(failure) => Err(failure),
        None if is_settled => Ok(Next::After(LATER)),
        None => Ok(Next::After(SOON)),
    }
}

async fn tell(ctx: &Context, processor: &LogProcessor, status: &LogProcessorStatus) -> Result<(), Error> {
    write_status(ctx, processor, processor.status.as_ref(), status).await
}

/// Returns what a message calls a LogProcessor.
pub(crate) fn title(processor: &LogProcessor) -> String {
    format!(
        "{}/{}",
        processor.namespace().unwrap_or_default(),
        processor.name_any()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::scope::Scope;
    use crate::log_processor::fixtures::processor;

    fn world() -> World {
        let world = World::new(Scope::Cluster);
        for (namespace, reference) in [
            ("watch", "{name: main, namespace: crowdsec}"),
            ("crowdsec", "{name: main}"),
            ("shop", "{name: main}"),
        ] {
            let mut processor = processor(&format!("{{engineRef: {reference}}}"));
            processor.metadata.namespace = Some(namespace.into());
            world
                .processors
                .put(Key::of(&processor), Some(Arc::new(processor)));
        }
        world
    }

    #[track_caller]
    fn check(change: &Change, expected: &[&str]) {
        let found: Vec<String> = concerns(&world(), change)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{change:?}");
    }

    fn of(kind: &'static str, key: Key, part: Part) -> Change {
        Change::Resource { kind, key, part }
    }

    #[test]
    fn a_change_concerns_the_processors_that_depend_on_it() {
        let engine = Key::new("crowdsec", "main");
        check(
            &of("SecurityEngine", engine, Part::Status),
            &["crowdsec/nodes", "watch/nodes"],
        );
        check(
            &of("LogProcessor", Key::new("shop", "nodes"), Part::Spec),
            &["shop/nodes"],
        );
        let all = ["crowdsec/nodes", "shop/nodes", "watch/nodes"];
        check(&of("Acquisition", Key::new("shop", "web"), Part::Spec), &all);
        check(&Change::Node, &all);
        let owner = Key::new("shop", "nodes");
        check(
            &Change::Owned {
                kind: "LogProcessor".into(),
                owner,
            },
            &["shop/nodes"],
        );
    }

    #[test]
    fn what_controllers_write_themselves_wakes_nobody() {
        check(&of("LogProcessor", Key::new("shop", "nodes"), Part::Status), &[]);
        check(&of("Acquisition", Key::new("shop", "web"), Part::Status), &[]);
        check(&of("Bouncer", Key::new("shop", "web"), Part::Spec), &[]);
    }
}
