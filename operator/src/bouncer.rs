//! The controller of Bouncers: a key in its Secrets, a row at the Local API for each valid key, and what enforces.
//!
//! `observe` and this file hold clients; `validate`, `key`, `build`, `register` and `status` are pure.

pub mod build;
#[cfg(test)]
mod fixtures;
pub mod key;
pub mod observe;
pub mod register;
pub mod status;
pub mod validate;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use kube::core::ResourceExt as _;
use service::tasks::Tasks;

use crate::bouncer::build::secret;
use crate::bouncer::key::{KeyState, Step, decide};
use crate::bouncer::observe::{Observed, Registry};
use crate::bouncer::status::{Outcome, Refusal};
use crate::bouncer::validate::{Validated, validate};
use crate::cluster::apply::{Desired, chain};
use crate::cluster::controller::Next;
use crate::cluster::store::Key;
use crate::cluster::world::{Change, Part, World};
use crate::context::Context;
use crate::control::{self, Controller};
use crate::crd::Bouncer;
use crate::crd::bouncer::ReclaimPolicy;
use crate::crd::conditions::{Registered, SecretSynced};
use crate::engine::{self, Engine, Silence};
use crate::error::Error;
use crate::finalizer;
use crate::labels::Owner;
use crate::secrets;
use crate::status::write_status;

/// The kind, as the world tells of it.
const KIND: &str = "Bouncer";
/// How often the Local API is asked.
const POLL: Duration = Duration::from_secs(30);
/// How long a deletion waits for a Local API that does not answer; afterwards the row stays and is told of.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// Keys that this operator registered, by engine and row: the Local API tells hashes to nobody.
#[derive(Debug, Default)]
struct Memory {
    registered: Mutex<BTreeMap<(Key, String), String>>,
}

/// Starts the controller.
pub(crate) fn spawn(tasks: &mut Tasks, ctx: &Arc<Context>) {
    let memory = Arc::new(Memory::default());
    control::spawn(
        tasks,
        ctx,
        Controller {
            kind: KIND,
            concerns,
            all: |world| world.bouncers.keys(),
            reconcile: move |ctx, key| reconcile(ctx, Arc::clone(&memory), key),
        },
    );
}

/// Returns the Bouncers that a change concerns.
fn concerns(world: &World, change: &Change) -> Vec<Key> {
    match change {
        Change::Resource {
            kind: KIND,
            key,
            part: Part::Spec,
        } => vec![key.clone()],
        Change::Owned { kind, owner } if kind == KIND => vec![owner.clone()],
        Change::Resource {
            kind: "SecurityEngine",
            key,
            ..
        } => {
            let refers = |bouncer: &Arc<Bouncer>| {
                engine::target(&bouncer.spec.engine_ref, &bouncer.namespace().unwrap_or_default()) == *key
            };
            world
                .bouncers
                .all()
                .iter()
                .filter(|one| refers(one))
                .map(|one| Key::of(&**one))
                .collect()
        }
        Change::Namespace | Change::Surroundings => world.bouncers.keys(),
        _ => Vec::new(),
    }
}

/// Brings one Bouncer from what it is to what it should be.
async fn reconcile(ctx: Arc<Context>, memory: Arc<Memory>, key: Key) -> Result<Next, Error> {
    let Some(bouncer) = ctx.world.bouncers.get(&key) else {
        return Ok(Next::Change);
    };
    if bouncer.metadata.deletion_timestamp.is_some() {
        finalize(&ctx, &memory, &bouncer).await?;
        return Ok(Next::Change);
    }
    finalizer::add(&ctx, &*bouncer).await?;
    let now = service::clock::now();
    let resolved = engine::resolve(&ctx.world, &bouncer.spec.engine_ref, &key.namespace);
    let engine = match resolved {
        Ok(engine) => engine,
        Err(refused) => return refuse(&ctx, &bouncer, Refusal::Engine(refused), now).await,
    };
    let registry = observe::registry(&ctx, &engine).await;
    let ca = registry
        .as_ref()
        .ok()
        .and_then(|registry| registry.admin.ca.clone());
    let validated = match validate(&bouncer, &engine, ca, &ctx.defaults) {
        Ok(validated) => validated,
        Err(problems) => return refuse(&ctx, &bouncer, Refusal::Invalid(problems), now).await,
    };
    // Under TLS nothing can be said before the certificate is known: a Secret without it would be a wrong one.
    if engine.url.starts_with("https://") && validated.ca.is_none() {
        let outcome = waiting(&ctx, &bouncer, &registry);
        let status = status::status(&bouncer, &validated, &outcome, now);
        write_status(&ctx, &*bouncer, bouncer.status.as_ref(), &status).await?;
        return Ok(Next::After(Duration::from_secs(2)));
    }
    let case = Case {
        bouncer: &bouncer,
        engine: &engine,
        validated: &validated,
        now,
    };
    let (outcome, next) = carry_out(&ctx, &memory, &case, registry).await?;
    let is_waiting = outcome.registered.0 != Registered::Registered;
    let status = status::status(&bouncer, &validated, &outcome, now);
    write_status(&ctx, &*bouncer, bouncer.status.as_ref(), &status).await?;
    let due = next.map_or(POLL, |at| {
        Duration::try_from(at.duration_since(now))
            .unwrap_or_default()
            .clamp(Duration::from_secs(1), POLL)
    });
    Ok(Next::After(if is_waiting {
        due.min(Duration::from_secs(2))
    } else {
        due
    }))
}

/// A Bouncer that can be carried out, with its engine.
struct Case<'a> {
    bouncer: &'a Bouncer,
    engine: &'a Engine,
    validated: &'a Validated,
    now: Timestamp,
}

/// Writes Secrets and objects, registers the key, and tells what became of it and when the key is due next.
async fn carry_out(
    ctx: &Context,
    memory: &Memory,
    case: &Case<'_>,
    registry: Result<Registry, Silence>,
) -> Result<(Outcome, Option<Timestamp>), Error> {
    let Case {
        bouncer,
        engine,
        validated,
        now,
    } = *case;
    let observed = observe::observe(ctx, bouncer, engine).await?;
    let rows = registry
        .as_ref()
        .map(|registry| own_rows(validated, registry))
        .unwrap_or_default();
    let keyed = settle_key(bouncer, validated, &observed, rows.values().copied().max(), now);
    let mut outcome = waiting(ctx, bouncer, &registry);
    let (key, state) = match keyed {
        Ok(pair) => pair,
        Err(text) => {
            outcome.secret = (SecretSynced::KeyMissing, text);
            return Ok((outcome, None));
        }
    };
    outcome.secret = write_secrets(ctx, validated, &observed, &key, &state).await;
    // Pods that find no Secret would only wait; a row for a key that is stored nowhere would be lost.
    if outcome.secret.0 == SecretSynced::Synced || observed.secret.is_some() {
        match registry {
            Ok(registry) => {
                outcome.last_pull = status::newest(
                    registry
                        .rows
                        .iter()
                        .filter(|(row, _)| rows.contains_key(row))
                        .map(|(_, pull)| *pull),
                );
                outcome.registered = write_rows(memory, case, &registry, &rows, (&key, &state)).await;
            }
            Err(silence) => outcome.registered = unregistered(&silence),
        }
        outcome.refused = apply(ctx, validated, &observed).await.err();
        outcome.deployment = observe::deployment(ctx, bouncer);
    }
    let next = state.next(&validated.wish, now);
    outcome.key = Some(state);
    Ok((outcome, next))
}

/// Returns the key and its state: the user's own, the one in the Secret, or a new one.
fn settle_key(
    bouncer: &Bouncer,
    validated: &Validated,
    observed: &Observed,
    highest_row: Option<i64>,
    now: Timestamp,
) -> Result<(String, KeyState), String> {
    let live = observed
        .secret
        .as_ref()
        .filter(|live| secret::is_ours(&validated.owner, live));
    let state = live.and_then(|live| KeyState::read(live.annotations()));
    let in_use = live.and_then(|live| secret::key_in(live, secret::API_KEY));
    let told = bouncer.status.as_ref().and_then(|status| status.key_version);
    let highest = [highest_row, told, state.as_ref().map(|state| state.version)]
        .into_iter()
        .flatten()
        .max();
    if let Some(own) = &validated.own_key {
        let source = observed
            .own_key
            .as_ref()
            .and_then(|source| secret::key_in(source, &own.key));
        let Some(key) = source else {
            return Err(format!(
                "Secret {} has no {}: create it, or remove keySecret and a key is made",
                own.name, own.key
            ));
        };
        // Another key of the user's own is a new version like any other, and the old one has its overlap.
        let has_it = in_use.as_ref() == Some(&key);
        let wish = key::Wish {
            interval: None,
            rotate: None,
            ..validated.wish.clone()
        };
        return Ok(
            match decide(state.as_ref(), has_it, highest.unwrap_or_default(), &wish, now) {
                Step::Keep(state) | Step::Make(state) => (key, state),
            },
        );
    }
    Ok(
        match decide(
            state.as_ref(),
            in_use.is_some(),
            highest.unwrap_or_default(),
            &validated.wish,
            now,
        ) {
            Step::Keep(state) => (in_use.unwrap_or_else(new_key), state),
            Step::Make(state) => (new_key(), state),
        },
    )
}

/// Makes a key as upstream's `cscli bouncers add` does: 32 random bytes in base64 without padding.
fn new_key() -> String {
    STANDARD_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn own_rows(validated: &Validated, registry: &Registry) -> register::Rows {
    register::own(
        &validated.owner,
        registry.rows.iter().map(|(row, _)| row.as_str()),
    )
}

/// Writes the Secret and its copies where they differ, and deletes copies that are no longer wanted.
async fn write_secrets(
    ctx: &Context,
    validated: &Validated,
    observed: &Observed,
    key: &str,
    state: &KeyState,
) -> (SecretSynced, String) {
    let owner = &validated.owner;
    let mut wanted = vec![(secret::build(validated, key, state), observed.secret.as_ref())];
    for copy in &observed.copies {
        if let Some(why) = &copy.refused {
            return (SecretSynced::WriteFailed, why.clone());
        }
        wanted.push((secret::copy(owner, &copy.wanted, key), copy.live.as_ref()));
    }
    for (desired, live) in wanted {
        let at = Key::of(&desired);
        if live.is_some_and(|live| !secret::is_ours(owner, live)) {
            let text = format!(
                "Secret {at} exists and was not made by the operator: delete it or choose another name"
            );
            return (SecretSynced::Conflict, text);
        }
        if live.is_some_and(|live| secret::is_current(&desired, live)) {
            continue;
        }
        let written = match Desired::of(&desired) {
            Ok(desired) => ctx.applier.write(&desired).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            return (SecretSynced::WriteFailed, error.message());
        }
    }
    for key in &observed.surplus {
        if let Err(error) = delete_secret(ctx, owner, key).await {
            return (SecretSynced::WriteFailed, chain(&error));
        }
    }
    (SecretSynced::Synced, String::new())
}

/// Registers the key and removes rows of keys that are no longer valid.
async fn write_rows(
    memory: &Memory,
    case: &Case<'_>,
    registry: &Registry,
    rows: &register::Rows,
    (key, state): (&str, &KeyState),
) -> (Registered, String) {
    let Case { engine, now, .. } = *case;
    let owner = &case.validated.owner;
    let hash = register::hash(key);
    let row = crate::names::bouncer_row(&owner.namespace, &owner.name, state.version);
    let slot = (engine.key.clone(), row);
    let is_current = memory.lock().get(&slot) == Some(&hash);
    let plan = register::plan(owner, rows, state, is_current, now);
    let client = &registry.admin.client;
    if let Some(row) = &plan.put {
        if let Err(error) = client.put_bouncer(row, &hash).await {
            return (Registered::LocalApiUnreachable, chain(&error));
        }
        tracing::info!(bouncer.name = row, "a bouncer was registered");
        memory.lock().insert(slot, hash);
    }
    for row in &plan.delete {
        if let Err(error) = client.delete_bouncer(row).await {
            return (Registered::LocalApiUnreachable, chain(&error));
        }
        tracing::info!(bouncer.name = row, "a bouncer was removed");
        memory.lock().remove(&(engine.key.clone(), row.clone()));
    }
    (Registered::Registered, String::new())
}

impl Memory {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Key, String), String>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn apply(ctx: &Context, validated: &Validated, observed: &Observed) -> Result<(), String> {
    let objects = build::build(validated, observed.served).map_err(|error| error.message())?;
    let applied = ctx.applier.apply(&ctx.world, &validated.owner, &objects).await;
    applied.map(drop).map_err(|error| error.message())
}

/// The outcome before anything was done.
fn waiting(ctx: &Context, bouncer: &Bouncer, registry: &Result<Registry, Silence>) -> Outcome {
    let silence = registry.as_ref().err();
    Outcome {
        key: None,
        secret: (
            SecretSynced::Waiting,
            "the Secret names the authority of the engine's certificate, which is not known yet".to_owned(),
        ),
        registered: silence.map_or_else(
            || (Registered::Incomplete, "see SecretSynced".to_owned()),
            unregistered,
        ),
        last_pull: None,
        refused: None,
        deployment: observe::deployment(ctx, bouncer),
        middleware_served: ctx.world.serves(&crate::cluster::kinds::MIDDLEWARE),
    }
}

fn unregistered(silence: &Silence) -> (Registered, String) {
    (silence.reason(), silence.to_string())
}

async fn refuse(ctx: &Context, bouncer: &Bouncer, refusal: Refusal, now: Timestamp) -> Result<Next, Error> {
    let status = status::refused(bouncer, &refusal, now);
    write_status(ctx, bouncer, bouncer.status.as_ref(), &status).await?;
    Ok(Next::Change)
}

/// Removes rows and copies, then lets the Bouncer go.
async fn finalize(ctx: &Context, memory: &Memory, bouncer: &Bouncer) -> Result<(), Error> {
    if !finalizer::is_on(bouncer) {
        return Ok(());
    }
    let owner = Owner::of(bouncer);
    if bouncer.spec.reclaim_policy == ReclaimPolicy::Delete
        && let Err(error) = delete_rows(ctx, memory, bouncer, &owner).await
    {
        let since = bouncer.metadata.deletion_timestamp.as_ref().map(|time| time.0);
        let waited = since.map_or(SignedDuration::ZERO, |since| {
            service::clock::now().duration_since(since)
        });
        if waited < PATIENCE {
            return Err(error);
        }
        tracing::warn!(object.key = %Key::of(bouncer), error = %chain(&error), "the Local API does not answer; the bouncer's rows stay there, remove them with cscli bouncers delete");
    }
    let own = Key::new(
        &owner.namespace,
        crate::names::derived(&owner.name, crate::names::BOUNCER),
    );
    let made = secrets::read(&ctx.client, &own).await?;
    let listed = made.iter().flat_map(secret::copies_of);
    let wanted = bouncer
        .spec
        .secret_copies
        .iter()
        .map(|copy| (copy.namespace.clone(), copy.name.clone()));
    for (namespace, name) in listed.chain(wanted) {
        delete_secret(ctx, &owner, &Key::new(namespace, name)).await?;
    }
    finalizer::remove(ctx, bouncer).await
}

/// Deletes all rows of a Bouncer; an engine that is gone has none.
async fn delete_rows(ctx: &Context, memory: &Memory, bouncer: &Bouncer, owner: &Owner) -> Result<(), Error> {
    let key = engine::target(&bouncer.spec.engine_ref, &owner.namespace);
    let Some(resource) = ctx
        .world
        .engines
        .get(&key)
        .filter(|engine| engine.metadata.deletion_timestamp.is_none())
    else {
        return Ok(());
    };
    let admin = ctx.engines.admin(&resource).await?;
    let all = admin
        .client
        .bouncers()
        .await
        .map_err(Error::local_api("listing bouncers"))?;
    let rows = register::own(owner, all.iter().map(|row| row.name.as_str()));
    for row in register::parents(rows.keys()) {
        let deleted = admin.client.delete_bouncer(&row).await;
        deleted.map_err(Error::local_api(format!("deleting bouncer {row}")))?;
        memory.lock().remove(&(key.clone(), row));
    }
    Ok(())
}

/// Deletes a Secret that was made for this Bouncer; another one of the name is left alone.
async fn delete_secret(ctx: &Context, owner: &Owner, key: &Key) -> Result<(), Error> {
    let live = secrets::read(&ctx.client, key).await?;
    if !live.is_some_and(|live| secret::is_ours(owner, &live)) {
        return Ok(());
    }
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), &key.namespace);
    match api.delete(&key.name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(cause) => Err(Error::cluster(format!("deleting Secret {key}"))(cause)),
    }
}
