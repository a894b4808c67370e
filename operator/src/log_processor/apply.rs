//! Fourth step: objects and machines as they should be; also how both go.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use kube::core::ResourceExt as _;
use service::clock;

use crate::cluster::apply::{Desired, chain};
use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::context::Context;
use crate::crd::log_processor::LogProcessor;
use crate::crd::security_engine::SecurityEngine;
use crate::engine::{self, Engine, Silence};
use crate::error::Error;
use crate::labels::{self, Component, Owner};
use crate::log_processor::build::daemon_set::KEY;
use crate::log_processor::build::secret::{self, Registration};
use crate::log_processor::observe::{Machines, Outcome};
use crate::log_processor::validate::Validated;
use crate::log_processor::{LATER, SOON, build, register};
use crate::{finalizer, names, secrets};

/// How long a resource that is deleted waits for its Local API; rows that stay then are harmless.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// The key of the machines, and with what it was registered last.
struct MachineKey {
    text: String,
    registered: Registration,
}

/// Brings objects and machines up to date. What fails is told in the outcome and returned beside it.
pub async fn apply(
    ctx: &Context,
    engine: &Engine,
    validated: &Validated,
) -> Result<(Outcome, Option<Error>), Error> {
    let owner = &validated.owner;
    let key = machine_key(ctx, owner).await?;
    let mark = secret::mark(&key.text, &engine.url);
    let mut failure = match build::build(validated, &mark) {
        Ok(desired) => ctx.applier.apply(&ctx.world, owner, &desired).await,
        Err(error) => Err(error),
    }
    .err();
    let apply_error = failure.as_ref().map(crate::cluster::apply::Error::message);
    let mut failure = failure.take().map(Error::from);
    let pods = pods(ctx, owner).await?;
    let mut local_api = ctx.answers.of(&ctx.world, &ctx.engines, &engine.resource).await;
    let mut registered = 0;
    if let Ok(answer) = &local_api {
        let machines = Machines {
            agents: register::nodes_of(&pods),
            nodes: nodes(ctx),
            known: answer.nodes.iter().map(|node| node.machine.clone()).collect(),
            renew: key.registered.mark.as_ref() != Some(&mark),
        };
        match keep_machines(ctx, engine, owner, &key, mark, &machines).await {
            Ok(()) => registered = machines.agents.len(),
            Err(error) => {
                local_api = Err(Silence::Unreachable(chain(&error)));
                failure = failure.or(Some(error));
            }
        }
    }
    let daemon_set = ctx.world.owned_as(
        "DaemonSet",
        &Key::new(&owner.namespace, names::derived(&owner.name, names::AGENT)),
    );
    let outcome = Outcome {
        daemon_set,
        pods,
        local_api: local_api.map(|answer| (*answer).clone()),
        registered,
        apply_error,
        pod_security: pod_security(ctx, &owner.namespace),
    };
    Ok((outcome, failure))
}

/// Registers what is missing and removes what is gone; asks nothing of anybody when neither is.
async fn keep_machines(
    ctx: &Context,
    engine: &Engine,
    owner: &Owner,
    key: &MachineKey,
    mark: String,
    machines: &Machines,
) -> Result<(), Error> {
    let plan = register::plan(owner, machines);
    let mut registered = key.registered.clone();
    if plan != register::Plan::default() {
        // Noted before it is done: an engine that may know a machine is never forgotten.
        if registered.engines.insert(engine.key.clone()) {
            write_key(ctx, owner, &key.text, &registered).await?;
        }
        let admin = ctx.engines.admin(&engine.resource).await?;
        let done = register::register(&admin.client, &key.text, &plan).await;
        ctx.answers.forget(&engine.key);
        done.map_err(Error::build("registering machines"))?;
    }
    let left = remove_machines(ctx, owner, &registered.left(&engine.key)).await;
    let mut settled = registered.clone();
    settled
        .engines
        .retain(|known| *known == engine.key || left.contains(known));
    // Before there is an agent, nothing was registered with this key.
    if !machines.agents.is_empty() {
        settled.mark = Some(mark);
        settled.engines.insert(engine.key.clone());
    }
    if settled != registered {
        write_key(ctx, owner, &key.text, &settled).await?;
    }
    Ok(())
}

/// Returns the key of the machines, made once.
async fn machine_key(ctx: &Context, owner: &Owner) -> Result<MachineKey, Error> {
    if let Some(found) = read_key(ctx, owner).await? {
        return Ok(found);
    }
    let made = MachineKey {
        text: hex::encode(rand::random::<[u8; 32]>()),
        registered: Registration::default(),
    };
    write_key(ctx, owner, &made.text, &made.registered).await?;
    Ok(made)
}

async fn read_key(ctx: &Context, owner: &Owner) -> Result<Option<MachineKey>, Error> {
    let name = names::derived(&owner.name, names::AGENT);
    let found = secrets::read(&ctx.client, &Key::new(&owner.namespace, name)).await?;
    Ok(found.and_then(|secret| {
        let text = secrets::text(&secret, KEY).filter(|text| !text.trim().is_empty())?;
        let registered = Registration::read(&secret);
        Some(MachineKey { text, registered })
    }))
}

async fn write_key(ctx: &Context, owner: &Owner, key: &str, registered: &Registration) -> Result<(), Error> {
    let secret = Desired::of(&secret::build(owner, key, registered))?;
    ctx.applier.write(&secret).await?;
    Ok(())
}

async fn pods(ctx: &Context, owner: &Owner) -> Result<Vec<Pod>, Error> {
    let selector: Vec<String> = labels::selector(Component::Agent, &owner.name)
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let api: Api<Pod> = Api::namespaced(ctx.client.clone(), &owner.namespace);
    let parameters = ListParams::default().labels(&selector.join(","));
    let list = api.list(&parameters).await;
    Ok(list.map_err(Error::cluster("listing the agents' pods"))?.items)
}

fn nodes(ctx: &Context) -> Option<BTreeSet<String>> {
    let world = &ctx.world;
    world
        .scope
        .is_cluster()
        .then(|| world.nodes.keys().into_iter().map(|key| key.name).collect())
}

fn pod_security(ctx: &Context, namespace: &str) -> Option<String> {
    let namespace = ctx.world.namespaces.get(&Key::new("", namespace))?;
    namespace
        .labels()
        .get("pod-security.kubernetes.io/enforce")
        .cloned()
}

/// Removes agents and machines of a resource that may no longer use its engine.
pub async fn withdraw(ctx: &Context, processor: &LogProcessor, engine: &Key) -> Result<Next, Error> {
    let owner = Owner::of(processor);
    ctx.applier.apply(&ctx.world, &owner, &[]).await?;
    let left = remove_machines(ctx, &owner, &known_to(ctx, &owner, engine).await?).await;
    Ok(if left.is_empty() {
        Next::Change
    } else {
        Next::After(LATER)
    })
}

/// Removes what does not go by itself with a resource that is deleted, then lets it go.
pub async fn remove(ctx: &Context, processor: &LogProcessor, now: Timestamp) -> Result<Next, Error> {
    let owner = Owner::of(processor);
    ctx.applier.apply(&ctx.world, &owner, &[]).await?;
    let engine = engine::target(&processor.spec.engine_ref, &owner.namespace);
    let left = remove_machines(ctx, &owner, &known_to(ctx, &owner, &engine).await?).await;
    // An engine without replicas is not waited for: its Local API is away because somebody wants it so.
    let engines = &ctx.world.engines;
    let runs = |engine: &Key| engines.get(engine).is_some_and(|e| e.spec.replicas > 0);
    if left.iter().any(runs) {
        let since = processor.metadata.deletion_timestamp.as_ref();
        if since.is_some_and(|since| now.duration_since(since.0) < PATIENCE) {
            return Ok(Next::After(SOON));
        }
        let engines: Vec<String> = left.iter().map(Key::to_string).collect();
        tracing::warn!(
            engines = engines.join(", "),
            "machines could not be removed and stay in Local APIs"
        );
    }
    finalizer::remove(ctx, processor).await?;
    Ok(Next::Change)
}

/// Returns the engines whose Local APIs may know machines of a resource that refers to `engine`.
async fn known_to(ctx: &Context, owner: &Owner, engine: &Key) -> Result<BTreeSet<Key>, Error> {
    let key = read_key(ctx, owner).await?;
    let mut engines = key.map_or_else(BTreeSet::new, |key| key.registered.engines);
    engines.insert(engine.clone());
    Ok(engines)
}

/// Removes all machines of a resource from the Local APIs of engines; returns the engines where that failed. An engine that
/// is gone knows none.
async fn remove_machines(ctx: &Context, owner: &Owner, engines: &BTreeSet<Key>) -> BTreeSet<Key> {
    let mut left = BTreeSet::new();
    for key in engines {
        let Some(engine) = ctx.world.engines.get(key) else {
            continue;
        };
        if engine::serves(&ctx.world, &engine, clock::now()).is_err() {
            left.insert(key.clone());
        } else if let Err(error) = remove_from(ctx, owner, &engine).await {
            tracing::info!(object.key = %key, error = %chain(&error), "machines cannot be removed yet");
            left.insert(key.clone());
        }
    }
    left
}

async fn remove_from(ctx: &Context, owner: &Owner, engine: &SecurityEngine) -> Result<(), Error> {
    let admin = ctx.engines.admin(engine).await?;
    let machines = admin
        .client
        .machines()
        .await
        .map_err(Error::local_api("listing machines"))?;
    let prefix = names::machine(&owner.namespace, &owner.name, "");
    let own: Vec<String> = machines
        .into_iter()
        .map(|machine| machine.name)
        .filter(|name| name.starts_with(&prefix))
        .collect();
    let deleted = register::delete(&admin.client, &own).await;
    ctx.answers.forget(&Key::of(engine));
    deleted.map_err(Error::build("removing machines"))
}
