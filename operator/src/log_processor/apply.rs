//! Fourth step: objects and machines as they should be; also how both go.

use std::collections::BTreeSet;

use client::admin;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::ListParams;
use kube::core::ResourceExt as _;

use crate::cluster::apply::{Desired, chain};
use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::context::Context;
use crate::crd::log_processor::LogProcessor;
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::labels::{self, Component, Owner};
use crate::log_processor::build::daemon_set::KEY;
use crate::log_processor::build::secret::{self, REGISTERED};
use crate::log_processor::observe::{Machines, Outcome};
use crate::log_processor::validate::Validated;
use crate::log_processor::{SOON, build, register};
use crate::{finalizer, names};

/// How long a resource that is deleted waits for its Local API; rows that stay then are harmless.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// The key of the machines, and with what it was registered last.
struct MachineKey {
    text: String,
    registered: Option<String>,
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
    let mut local_api = ctx.answers.of(&ctx.engines, &engine.resource).await;
    let mut registered = 0;
    if let Ok(answer) = &local_api {
        let machines = Machines {
            agents: register::nodes_of(&pods),
            nodes: nodes(ctx),
            known: answer.nodes.iter().map(|node| node.machine.clone()).collect(),
            renew: key.registered.as_ref() != Some(&mark),
        };
        match keep_machines(ctx, engine, owner, &key, mark, &machines).await {
            Ok(()) => registered = machines.agents.len(),
            Err(error) => {
                local_api = Err(chain(&error));
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
    if plan != register::Plan::default() {
        let admin = ctx.engines.admin(&engine.resource).await?;
        let done = register::register(&admin.client, &key.text, &plan).await;
        ctx.answers.forget(&engine.key);
        done.map_err(Error::build("registering machines"))?;
    }
    // Before there is an agent, nothing was registered with this key.
    if machines.renew && !machines.agents.is_empty() {
        write_key(ctx, owner, &key.text, Some(mark)).await?;
    }
    Ok(())
}

/// Returns the key of the machines, made once.
async fn machine_key(ctx: &Context, owner: &Owner) -> Result<MachineKey, Error> {
    let name = names::derived(&owner.name, names::AGENT);
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), &owner.namespace);
    let found = api.get_opt(&name).await.map_err(Error::cluster(format!(
        "reading Secret {}/{name}",
        owner.namespace
    )))?;
    let text = found
        .as_ref()
        .and_then(|secret| secret.data.as_ref()?.get(KEY))
        .and_then(|ByteString(bytes)| String::from_utf8(bytes.clone()).ok())
        .filter(|text| !text.trim().is_empty());
    if let Some(text) = text {
        let registered = found.and_then(|secret| secret.annotations().get(REGISTERED).cloned());
        return Ok(MachineKey { text, registered });
    }
    let text = hex::encode(rand::random::<[u8; 32]>());
    write_key(ctx, owner, &text, None).await?;
    Ok(MachineKey {
        text,
        registered: None,
    })
}

async fn write_key(ctx: &Context, owner: &Owner, key: &str, registered: Option<String>) -> Result<(), Error> {
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
pub async fn withdraw(ctx: &Context, processor: &LogProcessor, engine: &Key) -> Result<(), Error> {
    let owner = Owner::of(processor);
    ctx.applier.apply(&ctx.world, &owner, &[]).await?;
    remove_machines(ctx, &owner, engine).await
}

/// Removes what does not go by itself with a resource that is deleted, then lets it go.
pub async fn remove(ctx: &Context, processor: &LogProcessor, now: Timestamp) -> Result<Next, Error> {
    let owner = Owner::of(processor);
    ctx.applier.apply(&ctx.world, &owner, &[]).await?;
    let reference = &processor.spec.engine_ref;
    let namespace = reference.namespace.as_ref().unwrap_or(&owner.namespace);
    if let Err(error) = remove_machines(ctx, &owner, &Key::new(namespace, &reference.name)).await {
        let since = processor.metadata.deletion_timestamp.as_ref();
        if since.is_some_and(|since| now.duration_since(since.0) < PATIENCE) {
            tracing::info!(error = %chain(&error), "machines cannot be removed yet");
            return Ok(Next::After(SOON));
        }
        tracing::warn!(error = %chain(&error), "machines could not be removed and stay in the Local API");
    }
    finalizer::remove(ctx, processor).await?;
    Ok(Next::Change)
}

/// Removes all machines of a resource; an engine that is gone knows none.
async fn remove_machines(ctx: &Context, owner: &Owner, engine: &Key) -> Result<(), Error> {
    let Some(resource) = ctx.world.engines.get(engine) else {
        return Ok(());
    };
    if resource.spec.replicas == 0 {
        return Ok(());
    }
    let admin: engine::Admin = ctx.engines.admin(&resource).await?;
    let client: &admin::Client = &admin.client;
    let machines = client
        .machines()
        .await
        .map_err(Error::local_api("listing machines"))?;
    let prefix = names::machine(&owner.namespace, &owner.name, "");
    let own: Vec<String> = machines
        .into_iter()
        .map(|machine| machine.name)
        .filter(|name| name.starts_with(&prefix))
        .collect();
    let deleted = register::delete(client, &own).await;
    ctx.answers.forget(engine);
    deleted.map_err(Error::build("removing machines"))
}
