//! The controller of SecurityEngines: a Local API with its volume, its Secrets and its network.
//!
//! `observe` and this file hold clients; `validate`, `build`, `secret`, `tls` and `status` are pure.

pub mod build;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod observe;
pub mod secret;
pub mod status;
pub mod tls;
pub mod validate;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ResourceExt as _;
use service::clock;
use service::tasks::Tasks;
use wire::admin::PutMachine;

use crate::cluster::apply::{Desired, chain};
use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::cluster::world::{Change, Part, World};
use crate::context::Context;
use crate::control::{self, Controller};
use crate::crd::SecurityEngine;
use crate::crd::security_engine::{SecurityEngineStatus, TlsMode};
use crate::engine;
use crate::error::Error;
use crate::labels::{self, Component, Owner};
use crate::names;
use crate::pods;
use crate::secrets;
use crate::security_engine::build::config_map::CSCLI;
use crate::security_engine::status::{Outcome, is_rolled_out};
use crate::status::write_status;

/// The kind, as the world tells of it.
const KIND: &str = "SecurityEngine";
/// When an engine is looked at again while something is missing.
const SOON: Duration = Duration::from_secs(2);
/// When it is looked at again while all is well: its figures change without an event.
const LATER: Duration = Duration::from_secs(15);
/// Cost of the hash of a password that is 256 random bits: nobody can guess it, so nothing is won by slowness.
const COST: u32 = 4;

/// Starts the controller.
pub(crate) fn spawn(tasks: &mut Tasks, ctx: &Arc<Context>) {
    control::spawn(
        tasks,
        ctx,
        Controller {
            kind: KIND,
            concerns,
            all: |world| world.engines.keys(),
            reconcile,
        },
    );
}

/// An engine's network knows who refers to it, so they concern it too.
fn concerns(world: &World, change: &Change) -> Vec<Key> {
    match change {
        Change::Resource {
            kind: KIND,
            key,
            part: Part::Spec,
        } => vec![key.clone()],
        Change::Owned { kind, owner } if kind == KIND => vec![owner.clone()],
        Change::Resource {
            kind: "LogProcessor",
            key,
            part: Part::Spec,
        } => {
            // One that is gone or refers to another engine now has to leave the network of the old one.
            world.processors.get(key).map_or_else(
                || world.engines.keys(),
                |one| vec![engine::target(&one.spec.engine_ref, &key.namespace)],
            )
        }
        Change::Resource {
            kind: "Bouncer",
            key,
            part: Part::Spec,
        } => world.bouncers.get(key).map_or_else(
            || world.engines.keys(),
            |one| vec![engine::target(&one.spec.engine_ref, &key.namespace)],
        ),
        Change::Namespace | Change::Surroundings => world.engines.keys(),
        _ => Vec::new(),
    }
}

async fn reconcile(ctx: Arc<Context>, key: Key) -> Result<Next, Error> {
    let Some(engine) = ctx
        .world
        .engines
        .get(&key)
        .filter(|one| one.metadata.deletion_timestamp.is_none())
    else {
        ctx.engines.forget(&key);
        return Ok(Next::Change);
    };
    let now = clock::now();
    if engine.spec.paused {
        tell(&ctx, &engine, &status::paused(&engine, now)).await?;
        return Ok(Next::Change);
    }
    let observed = observe::observe(&ctx, &engine);
    let validated = match validate::validate(&engine, &observed, &ctx.defaults) {
        Ok(validated) => validated,
        Err(problems) => {
            tell(&ctx, &engine, &status::invalid(&engine, &problems, now)).await?;
            return Ok(Next::Change);
        }
    };
    let mut outcome = Outcome {
        serves_service_monitor: observed.serves_service_monitor,
        inner: observe::inner_ranges(&ctx.world),
        ..Outcome::default()
    };
    match write_secrets(&ctx, &engine, now).await {
        Ok(own) => match build_and_apply(&ctx, &validated).await {
            Ok(()) => {
                look(&ctx, &key, &validated, &mut outcome);
                if engine.spec.replicas > 0 && is_rolled_out(outcome.deployment.as_ref()) {
                    outcome.local_api = Some(ask(&ctx, &engine, &own).await);
                } else if engine.spec.replicas > 0 {
                    let selector = labels::selector(Component::Lapi, &key.name);
                    outcome.trouble = pods::trouble(&ctx, &key.namespace, &selector).await;
                }
            }
            Err(why) => {
                look(&ctx, &key, &validated, &mut outcome);
                outcome.refused = Some(why);
            }
        },
        Err(error) => outcome.refused = Some(chain(&error)),
    }
    let is_settled = engine.spec.replicas == 0 || matches!(outcome.local_api, Some(Ok(_)));
    tell(&ctx, &engine, &status::status(&engine, &outcome, now)).await?;
    Ok(match (&outcome.refused, is_settled) {
        (Some(_), _) => Next::Retry,
        (None, true) => Next::After(LATER),
        (None, false) => Next::After(SOON),
    })
}

async fn tell(ctx: &Context, engine: &SecurityEngine, status: &SecurityEngineStatus) -> Result<(), Error> {
    write_status(ctx, engine, engine.status.as_ref(), status).await
}

/// Writes the Secrets where something is missing, and returns the engine's own.
async fn write_secrets(ctx: &Context, engine: &SecurityEngine, now: Timestamp) -> Result<Secret, Error> {
    let owner = Owner::of(engine);
    if engine.spec.tls.mode == TlsMode::SelfManaged {
        let live = read(ctx, &owner, names::LAPI_TLS).await?;
        let wanted =
            tls::build(&owner, live.as_ref(), now).map_err(Error::build("making the certificate"))?;
        if let Some(secret) = wanted {
            ctx.applier.write(&Desired::of(&secret)?).await?;
            ctx.engines.forget(&Key::of(engine));
            tracing::info!(object.key = %Key::of(engine), "a certificate was made");
        }
    }
    let live = read(ctx, &owner, names::LAPI).await?;
    let wanted = secret::build(&owner, live.as_ref(), |bytes| {
        let mut random = vec![0; bytes];
        rand::fill(random.as_mut_slice());
        hex::encode(random)
    });
    match (wanted, live) {
        (Some(secret), _) => {
            ctx.applier.write(&Desired::of(&secret)?).await?;
            ctx.engines.forget(&Key::of(engine));
            Ok(secret)
        }
        (None, live) => Ok(live.unwrap_or_default()),
    }
}

/// Reads a Secret of an engine; none when there is none.
async fn read(ctx: &Context, owner: &Owner, part: &str) -> Result<Option<Secret>, Error> {
    let key = Key::new(&owner.namespace, names::derived(&owner.name, part));
    Ok(secrets::read(&ctx.client, &key).await?)
}

async fn build_and_apply(ctx: &Context, validated: &validate::Validated) -> Result<(), String> {
    let objects = build::build(validated).map_err(|error| error.message())?;
    let applied = ctx.applier.apply(&ctx.world, &validated.owner, &objects).await;
    applied.map(drop).map_err(|error| error.message())
}

/// Reads from the world how the objects are.
fn look(ctx: &Context, key: &Key, validated: &validate::Validated, outcome: &mut Outcome) {
    let at = |name: String| Key::new(&key.namespace, name);
    outcome.deployment = ctx.world.owned_as("Deployment", &at(validated.name(names::LAPI)));
    outcome.claim = ctx
        .world
        .owned_as("PersistentVolumeClaim", &at(validated.claim()));
}

/// Asks the Local API how it is, and makes sure that it knows `cscli`.
async fn ask(ctx: &Context, engine: &SecurityEngine, own: &Secret) -> Result<wire::admin::Status, String> {
    let admin = ctx.engines.admin(engine).await.map_err(|error| chain(&error))?;
    let answer = match admin.client.status().await {
        Ok(answer) => answer,
        Err(error) => {
            ctx.engines.forget(&Key::of(engine));
            return Err(chain(&error));
        }
    };
    let is_known = answer.nodes.iter().any(|node| node.machine == CSCLI);
    if let (false, Some(password)) = (is_known, secrets::text(own, secret::CSCLI_PASSWORD)) {
        let wanted = PutMachine {
            password_bcrypt: bcrypt::hash(password, COST).map_err(|error| error.to_string())?,
            may_delete_decisions: true,
        };
        let put = admin.client.put_machine(CSCLI, &wanted).await;
        put.map_err(|error| chain(&error))?;
        tracing::info!(object.name = engine.name_any(), "cscli was registered");
    }
    Ok(answer)
}
