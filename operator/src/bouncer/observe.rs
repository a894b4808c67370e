//! First step: what the cluster and the Local API have of a Bouncer.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ResourceExt as _;

use crate::bouncer::build::Served;
use crate::bouncer::build::secret::copies_of;
use crate::cluster::apply::chain;
use crate::cluster::kinds::{MIDDLEWARE, POD_MONITOR};
use crate::cluster::store::Key;
use crate::context::Context;
use crate::crd::Bouncer;
use crate::crd::bouncer::SecretCopy;
use crate::engine::{self, Admin, Engine, Silence};
use crate::error::Error;
use crate::names;
use crate::secrets;

/// What was observed.
pub struct Observed {
    /// The Secret with the key.
    pub secret: Option<Secret>,
    /// The Secret with a key of the user's own, when the spec names one and it exists.
    pub own_key: Option<Secret>,
    /// The copies that are wanted.
    pub copies: Vec<Copy>,
    /// Copies that were made and are no longer wanted, as namespace and name.
    pub surplus: Vec<Key>,
    /// Which optional kinds are served.
    pub served: Served,
}

/// A copy that is wanted.
pub struct Copy {
    /// As the spec says.
    pub wanted: SecretCopy,
    /// What has its name now.
    pub live: Option<Secret>,
    /// Why it may not be made.
    pub refused: Option<String>,
}

/// What the Local API knows.
pub struct Registry {
    /// Its admin client.
    pub admin: Admin,
    /// Names of all rows with the time of their last pull.
    pub rows: Vec<(String, Option<Timestamp>)>,
}

/// Reads what belongs to a Bouncer.
pub async fn observe(ctx: &Context, bouncer: &Bouncer, engine: &Engine) -> Result<Observed, Error> {
    let namespace = bouncer.namespace().unwrap_or_default();
    let own = Key::new(&namespace, names::derived(&bouncer.name_any(), names::BOUNCER));
    let secret = secrets::read(&ctx.client, &own).await?;
    let own_key = match &bouncer.spec.key_secret {
        Some(named) => secrets::read(&ctx.client, &Key::new(&namespace, &named.name)).await?,
        None => None,
    };
    let mut copies = Vec::new();
    for wanted in &bouncer.spec.secret_copies {
        let refused = engine::permits(&ctx.world, &engine.resource, &wanted.namespace).err();
        let live = match refused {
            None => secrets::read(&ctx.client, &Key::new(&wanted.namespace, &wanted.name)).await?,
            Some(_) => None,
        };
        copies.push(Copy {
            wanted: wanted.clone(),
            live,
            refused: refused.map(|refused| refused.to_string()),
        });
    }
    Ok(Observed {
        surplus: surplus(secret.as_ref(), &bouncer.spec.secret_copies),
        secret,
        own_key,
        copies,
        served: Served {
            middleware: ctx.world.serves(&MIDDLEWARE),
            pod_monitor: ctx.world.serves(&POD_MONITOR),
        },
    })
}

/// Asks the Local API for its bouncers.
pub async fn registry(ctx: &Context, engine: &Engine) -> Result<Registry, Silence> {
    engine::serves(&ctx.world, &engine.resource, service::clock::now())?;
    let admin = ctx.engines.admin(&engine.resource).await;
    let admin = admin.map_err(|error| Silence::Unreachable(chain(&error)))?;
    match admin.client.bouncers().await {
        Ok(all) => Ok(Registry {
            admin,
            rows: all
                .into_iter()
                .map(|row| (row.name, row.last_pull.and_then(|time| time.parse().ok())))
                .collect(),
        }),
        Err(error) => {
            ctx.engines.forget(&engine.key);
            Err(Silence::Unreachable(chain(&error)))
        }
    }
}

/// Returns the Deployment of the Service, as the watch last told it.
pub fn deployment(ctx: &Context, bouncer: &Bouncer) -> Option<Deployment> {
    let key = Key::new(
        bouncer.namespace().unwrap_or_default(),
        names::derived(&bouncer.name_any(), names::FORWARD_AUTH),
    );
    ctx.world.owned_as("Deployment", &key)
}

fn surplus(secret: Option<&Secret>, wanted: &[SecretCopy]) -> Vec<Key> {
    let made = secret.map(copies_of).unwrap_or_default();
    made.into_iter()
        .filter(|(namespace, name)| {
            !wanted
                .iter()
                .any(|copy| copy.namespace == *namespace && copy.name == *name)
        })
        .map(|(namespace, name)| Key::new(namespace, name))
        .collect()
}
