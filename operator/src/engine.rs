//! Engines that resources refer to: whether they may, where the engine is, and a client for its admin interface.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::admin;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Client;
use kube::core::{ResourceExt as _, SelectorExt as _};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::cluster::store::Key;
use crate::cluster::world::World;
use crate::conditions;
use crate::crd::SecurityEngine;
use crate::crd::common::{AllowedFrom, AllowedNamespaces, EngineRef};
use crate::crd::conditions::{Ready, Registered};
use crate::crd::security_engine::TlsMode;
use crate::names;
use crate::network::API_PORT;
use crate::secrets;

/// How long a Local API that became ready may be silent before that is told.
const SETTLING: SignedDuration = SignedDuration::from_secs(15);
/// How long an admin client is used before its Secret is read again.
const FRESH: Duration = Duration::from_secs(60);

/// Key of the admin token in the Secret of an engine.
pub const ADMIN_TOKEN: &str = "admin-token";
/// Key of the authority's certificate in the Secret with the Local API's certificate.
pub const CA: &str = "ca.crt";

/// An engine that may be referred to.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Its namespace and name.
    pub key: Key,
    /// The resource.
    pub resource: Arc<SecurityEngine>,
    /// URL of its Local API.
    pub url: String,
}

/// Why an engine cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such engine.
    #[error("SecurityEngine {key} does not exist: create it or correct engineRef")]
    NotFound {
        /// The engine.
        key: Key,
    },
    /// The engine does not permit the namespace.
    #[error("SecurityEngine {key} does not permit namespace {namespace}: {why}")]
    NotAllowed {
        /// The engine.
        key: Key,
        /// The namespace that refers to it.
        namespace: String,
        /// What the engine says.
        why: String,
    },
}

/// Why the Local API of an engine tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// No pod of it is ready: it starts, fails, or nobody wants it. The engine tells which, so that who refers to it need
    /// not.
    #[error("SecurityEngine {0} does not serve; see its conditions")]
    NotServing(Key),
    /// It serves, and the operator does not reach it.
    #[error("{0}")]
    Unreachable(String),
}

impl Silence {
    /// Returns what it means to those whom the Local API should know.
    pub fn reason(&self) -> Registered {
        match self {
            Self::NotServing(_) => Registered::EngineUnavailable,
            Self::Unreachable(_) => Registered::LocalApiUnreachable,
        }
    }
}

/// Why an engine's admin interface cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A Secret cannot be read.
    #[error(transparent)]
    Secret(#[from] secrets::Error),
    /// A Secret is missing.
    #[error("Secret {key} is not there")]
    Missing {
        /// The Secret.
        key: Key,
    },
    /// A Secret has no such key.
    #[error("Secret {key} has no {field}")]
    Incomplete {
        /// The Secret.
        key: Key,
        /// The key in it.
        field: &'static str,
    },
    /// The Local API's address or certificate cannot be used.
    #[error("connecting to {url}")]
    Client {
        /// The address.
        url: String,
        /// What is wrong.
        #[source]
        cause: client::Error,
    },
}

/// Returns the URL at which an engine's Local API is reached within the cluster, with a slash at its end.
pub fn url(engine: &SecurityEngine) -> String {
    let scheme = match engine.spec.tls.mode {
        TlsMode::Off => "http",
        TlsMode::SelfManaged => "https",
    };
    let service = names::derived(&engine.name_any(), names::LAPI);
    let namespace = engine.namespace().unwrap_or_default();
    format!("{scheme}://{service}.{namespace}.svc:{API_PORT}/")
}

/// Says whether an engine's Local API may be asked: a pod of it is ready, and the cluster's network knows it.
pub fn serves(world: &World, engine: &SecurityEngine, now: Timestamp) -> Result<(), Silence> {
    let key = Key::of(engine);
    let name = names::derived(&key.name, names::LAPI);
    let deployment: Option<Deployment> = world.owned_as("Deployment", &Key::new(&key.namespace, name));
    let ready = deployment
        .as_ref()
        .and_then(|live| live.status.as_ref()?.ready_replicas);
    let is_known = is_ready(engine) || !is_settling(deployment.as_ref(), now);
    if ready.unwrap_or_default() > 0 && is_known {
        Ok(())
    } else {
        Err(Silence::NotServing(key))
    }
}

/// Says whether a pod became ready so lately that the cluster's network may not know it yet: names that are looked up then
/// stay unknown for seconds, and connections are refused.
pub fn is_settling(deployment: Option<&Deployment>, now: Timestamp) -> bool {
    let status = deployment.and_then(|live| live.status.as_ref());
    let mut conditions = status
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten();
    conditions
        .find(|condition| condition.type_ == "Available" && condition.status == "True")
        .and_then(|condition| condition.last_transition_time.as_ref())
        .is_some_and(|since| now.duration_since(since.0) < SETTLING)
}

/// Says whether an engine's own condition `Ready` holds.
pub fn is_ready(engine: &SecurityEngine) -> bool {
    let status = engine.status.as_ref();
    status.is_some_and(|status| conditions::is_true::<Ready>(&status.conditions))
}

/// Returns which engine `reference`, written in `namespace`, means.
pub fn target(reference: &EngineRef, namespace: &str) -> Key {
    Key::new(
        reference.namespace.as_deref().unwrap_or(namespace),
        reference.name.clone(),
    )
}

/// Returns the engine that `reference`, written in `namespace`, means; refuses what it may not mean.
pub fn resolve(world: &World, reference: &EngineRef, namespace: &str) -> Result<Engine, Refused> {
    let key = target(reference, namespace);
    let Some(resource) = world.engines.get(&key) else {
        return Err(Refused::NotFound { key });
    };
    permits(world, &resource, namespace)?;
    let url = url(&resource);
    Ok(Engine { key, resource, url })
}

/// Says whether an engine lets a namespace refer to it.
pub fn permits(world: &World, engine: &SecurityEngine, namespace: &str) -> Result<(), Refused> {
    let key = Key::of(engine);
    let labels = world
        .namespaces
        .get(&Key::new("", namespace))
        .map(|namespace| namespace.labels().clone());
    allowed(
        &engine.spec.allowed_namespaces,
        &key.namespace,
        namespace,
        labels.as_ref(),
    )
    .map_err(|why| Refused::NotAllowed {
        key,
        namespace: namespace.to_owned(),
        why,
    })
}

/// The rule of `allowedNamespaces`; the engine's own namespace is always allowed.
fn allowed(
    rule: &AllowedNamespaces,
    own: &str,
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> Result<(), String> {
    if namespace == own {
        return Ok(());
    }
    match rule.from {
        AllowedFrom::All => Ok(()),
        AllowedFrom::Same => Err("its allowedNamespaces.from is Same".into()),
        AllowedFrom::Selector => {
            let Some(labels) = labels else {
                return Err(
                    "its allowedNamespaces has a selector, and the namespace's labels cannot be read".into(),
                );
            };
            if matches(&rule.selector.clone().unwrap_or_default(), labels) {
                Ok(())
            } else {
                Err("the namespace's labels do not match its allowedNamespaces.selector".into())
            }
        }
    }
}

/// Says whether labels match a selector; one that does not parse matches nothing.
pub fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    kube::core::Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

/// Admin clients, kept while their Secrets stay the same.
pub struct Engines {
    client: Client,
    kept: Mutex<HashMap<Key, Kept>>,
}

struct Kept {
    until: Instant,
    url: String,
    versions: (Option<String>, Option<String>),
    client: Arc<admin::Client>,
    ca: Option<Vec<u8>>,
}

/// A client for one engine's admin interface.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The client.
    pub client: Arc<admin::Client>,
    /// Certificate of the authority that bouncers and agents must trust; none without TLS.
    pub ca: Option<Vec<u8>>,
}

impl Engines {
    /// Makes an empty set.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            kept: Mutex::default(),
        }
    }

    /// Returns the client for an engine; reads its Secrets at most once a minute.
    pub async fn admin(&self, engine: &SecurityEngine) -> Result<Admin, Error> {
        let (key, url) = (Key::of(engine), url(engine));
        if let Some(kept) = self.fresh(&key, &url) {
            return Ok(kept);
        }
        let own = self.secret(&key, names::LAPI).await?;
        let token = field(&own, ADMIN_TOKEN)?;
        let tls = match engine.spec.tls.mode {
            TlsMode::Off => None,
            TlsMode::SelfManaged => Some(self.secret(&key, names::LAPI_TLS).await?),
        };
        let ca = match &tls {
            Some(secret) => Some(field(secret, CA)?.into_bytes()),
            None => None,
        };
        let versions = (
            own.resource_version(),
            tls.as_ref().and_then(kube::ResourceExt::resource_version),
        );
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + FRESH;
        if let Some(old) = kept
            .get_mut(&key)
            .filter(|old| old.url == url && old.versions == versions)
        {
            old.until = until;
            return Ok(old.admin());
        }
        let client =
            admin::Client::new(&url, &SecretString::from(token), ca.as_deref()).map_err(|cause| {
                Error::Client {
                    url: url.clone(),
                    cause,
                }
            })?;
        let new = Kept {
            until,
            url,
            versions,
            client: Arc::new(client),
            ca,
        };
        let admin = new.admin();
        kept.insert(key, new);
        Ok(admin)
    }

    /// Forgets the client of an engine, after its Local API refused the token or the engine is gone.
    pub fn forget(&self, key: &Key) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    fn fresh(&self, key: &Key, url: &str) -> Option<Admin> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(key)?;
        (kept.url == url && kept.until > Instant::now()).then(|| kept.admin())
    }

    async fn secret(&self, engine: &Key, part: &str) -> Result<Secret, Error> {
        let key = Key::new(&engine.namespace, names::derived(&engine.name, part));
        let found = secrets::read(&self.client, &key).await?;
        found.ok_or(Error::Missing { key })
    }
}

impl Kept {
    fn admin(&self) -> Admin {
        Admin {
            client: Arc::clone(&self.client),
            ca: self.ca.clone(),
        }
    }
}

fn field(secret: &Secret, field: &'static str) -> Result<String, Error> {
    secrets::text(secret, field).ok_or_else(|| Error::Incomplete {
        key: Key::of(secret),
        field,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> AllowedNamespaces {
        golang::yaml::from_str(text, golang::yaml::Dialect::Lenient).unwrap()
    }

    #[track_caller]
    fn check(allowing: &str, namespace: &str, labels: Option<&[(&str, &str)]>, expected: bool) {
        let labels = labels.map(|all| {
            all.iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        });
        let answer = allowed(&rule(allowing), "crowdsec", namespace, labels.as_ref());
        assert_eq!(answer.is_ok(), expected, "{allowing} {namespace}: {answer:?}");
    }

    #[test]
    fn an_engine_decides_which_namespaces_may_refer_to_it() {
        check("{}", "traefik", None, true);
        check("{from: Same}", "traefik", None, false);
        check("{from: Same}", "crowdsec", None, true);
        let selector = "{from: Selector, selector: {matchLabels: {waf: 'yes'}}}";
        check(selector, "traefik", Some(&[("waf", "yes")]), true);
        check(selector, "traefik", Some(&[("waf", "no")]), false);
        check(selector, "traefik", None, false);
        check(selector, "crowdsec", None, true);
    }
}
