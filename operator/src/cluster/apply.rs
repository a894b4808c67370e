//! Server-side apply with one field manager; nothing is written when nothing differs, and what is no longer wanted goes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::{DynamicObject, ObjectMeta, ResourceExt as _};
use kube::{Api, Client, Resource};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::cluster::kinds::{Kind, Unwanted, WATCHED};
use crate::cluster::store::{Key, Store};
use crate::cluster::world::World;
use crate::labels::{OWNER_UID, Owner};

/// The field manager of everything the operator writes.
pub const FIELD_MANAGER: &str = "crowdsec-operator";

/// An object as it should be.
#[derive(Clone, Debug)]
pub struct Desired {
    kind: &'static Kind,
    object: serde_json::Value,
    key: Key,
}

impl Desired {
    /// Takes a built object; refuses kinds that are not in [`WATCHED`].
    pub fn of<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Result<Self, Error> {
        let (api_version, kind) = (K::api_version(&()), K::kind(&()));
        let mut json = serde_json::to_value(object).map_err(Error::Encode)?;
        if let Some(fields) = json.as_object_mut() {
            fields.insert("apiVersion".into(), api_version.as_ref().into());
            fields.insert("kind".into(), kind.as_ref().into());
        }
        Self::take(&api_version, &kind, Key::of(object), json)
    }

    /// Takes an object of a kind that no type is known for.
    pub fn of_dynamic(object: &DynamicObject) -> Result<Self, Error> {
        let types = object.types.clone().unwrap_or_default();
        let json = serde_json::to_value(object).map_err(Error::Encode)?;
        let meta: &ObjectMeta = &object.metadata;
        let key = Key::new(
            meta.namespace.clone().unwrap_or_default(),
            meta.name.clone().unwrap_or_default(),
        );
        Self::take(&types.api_version, &types.kind, key, json)
    }

    fn take(api_version: &str, kind: &str, key: Key, object: serde_json::Value) -> Result<Self, Error> {
        let kind = Kind::of(api_version, kind).ok_or_else(|| Error::Kind {
            kind: kind.to_owned(),
        })?;
        Ok(Self { kind, object, key })
    }

    /// Returns `Kind namespace/name` for messages.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.kind, self.key)
    }
}

/// Why an object is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A built object cannot be written as JSON.
    #[error("encoding an object")]
    Encode(#[source] serde_json::Error),
    /// A kind that is missing from the table of kinds.
    #[error("{kind} is not in the table of kinds")]
    Kind {
        /// The kind.
        kind: String,
    },
    /// The API server refused an object.
    #[error("applying {object}")]
    Refused {
        /// `Kind namespace/name`.
        object: String,
        /// What it said.
        #[source]
        cause: Box<kube::Error>,
    },
    /// The API server refused to delete an object.
    #[error("deleting {object}")]
    Delete {
        /// `Kind namespace/name`.
        object: String,
        /// What it said.
        #[source]
        cause: Box<kube::Error>,
    },
}

impl Error {
    /// Returns the error and its causes as one line, for a condition's message.
    pub fn message(&self) -> String {
        chain(self)
    }
}

/// Returns an error and its causes as one line. Of what the API server answers only its own sentence is told, and no
/// cause is told that the line ends with already.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = answer(error);
        let text = said.map_or_else(|| error.to_string(), str::to_owned);
        if !line.ends_with(&text) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&text);
        }
        next = error.source().filter(|_| said.is_none());
    }
    line
}

/// Returns what the API server says of itself in an error; the client's own text has it twice, with debug output.
fn answer<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    let boxed = error.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
    let kube::Error::Api(status) = boxed.or_else(|| error.downcast_ref())? else {
        return None;
    };
    let text = if status.message.is_empty() {
        &status.reason
    } else {
        &status.message
    };
    Some(text)
}

/// How many objects were written, left alone and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Objects that were written.
    pub written: usize,
    /// Objects that were as they should be.
    pub unchanged: usize,
    /// Objects that were no longer wanted.
    pub deleted: usize,
}

/// Applies objects; remembers what it applied, so that a second time costs nothing.
pub struct Applier {
    client: Client,
    memory: Mutex<HashMap<(&'static str, Key), Remembered>>,
}

/// What is known of an object since it was last applied.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remembered {
    uid: Option<String>,
    desired: [u8; 32],
    /// Hash of the fields that the API server says are ours; whoever changes one takes it away.
    fields: [u8; 32],
}

impl Applier {
    /// Makes an applier that remembers nothing yet.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            memory: Mutex::default(),
        }
    }

    /// Brings all `desired` objects of `owner` into the cluster, in order, then deletes what it had and no longer wants.
    pub async fn apply(&self, world: &World, owner: &Owner, desired: &[Desired]) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        for object in desired {
            if self.is_current(world, object) {
                outcome.unchanged += 1;
            } else {
                self.write(object).await?;
                outcome.written += 1;
            }
        }
        let wanted: BTreeSet<(&str, &Key)> = desired.iter().map(|d| (d.kind.kind, &d.key)).collect();
        for kind in WATCHED.iter().filter(|kind| kind.unwanted == Unwanted::Pruned) {
            for object in world.owned(kind).into_iter().flat_map(Store::all) {
                let key = Key::new(object.namespace().unwrap_or_default(), object.name_any());
                let ours = object.labels().get(OWNER_UID) == Some(&owner.uid);
                if ours
                    && !wanted.contains(&(kind.kind, &key))
                    && object.metadata.deletion_timestamp.is_none()
                {
                    self.delete(kind, &key, object.uid()).await?;
                    outcome.deleted += 1;
                }
            }
        }
        Ok(outcome)
    }

    /// Says whether an object is as it was applied last, and was applied as it is desired now.
    fn is_current(&self, world: &World, desired: &Desired) -> bool {
        let live = world
            .owned(desired.kind)
            .and_then(|store| store.get(&desired.key));
        let Some(live) = live else { return false };
        let now = Remembered {
            uid: live.uid(),
            desired: hash(&desired.object),
            fields: own_fields(&live.metadata),
        };
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.get(&(desired.kind.kind, desired.key.clone())) == Some(&now)
    }

    /// Applies one object whatever it is like, and returns what the API server made of it.
    pub async fn write(&self, desired: &Desired) -> Result<DynamicObject, Error> {
        let api = self.api(desired.kind, &desired.key);
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let live = api
            .patch(&desired.key.name, &parameters, &Patch::Apply(&desired.object))
            .await
            .map_err(|cause| Error::Refused {
                object: desired.title(),
                cause: Box::new(cause),
            })?;
        tracing::debug!(object.kind = desired.kind.kind, object.key = %desired.key, "an object was applied");
        let remembered = Remembered {
            uid: live.uid(),
            desired: hash(&desired.object),
            fields: own_fields(&live.metadata),
        };
        self.memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((desired.kind.kind, desired.key.clone()), remembered);
        Ok(live)
    }

    /// Deletes an object, unless it was made anew meanwhile; one that is gone already is fine.
    pub async fn delete(&self, kind: &'static Kind, key: &Key, uid: Option<String>) -> Result<(), Error> {
        let parameters = DeleteParams {
            preconditions: uid.map(|uid| Preconditions {
                uid: Some(uid),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        self.memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(kind.kind, key.clone()));
        match self.api(kind, key).delete(&key.name, &parameters).await {
            Ok(_) => Ok(()),
            // 404: gone; 409: another object has the name by now.
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            Err(cause) => Err(Error::Delete {
                object: format!("{} {key}", kind.kind),
                cause: Box::new(cause),
            }),
        }
    }

    fn api(&self, kind: &Kind, key: &Key) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &key.namespace, &kind.resource())
    }

    /// Forgets objects that are gone, so that the memory is never larger than the cluster.
    pub fn forget_gone(&self, world: &World) {
        self.memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(kind, key), _| {
                WATCHED
                    .iter()
                    .find(|known| known.kind == *kind)
                    .and_then(|known| world.owned(known))
                    .is_none_or(|store| store.get(key).is_some())
            });
    }
}

fn hash(json: &serde_json::Value) -> [u8; 32] {
    Sha256::digest(json.to_string().as_bytes()).into()
}

/// Hashes the list of fields that are ours in an object.
fn own_fields(meta: &ObjectMeta) -> [u8; 32] {
    let mut own = BTreeMap::new();
    for entry in meta.managed_fields.iter().flatten() {
        if entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply") {
            let fields = entry.fields_v1.as_ref().map(|fields| fields.0.to_string());
            own.insert(entry.subresource.clone(), fields);
        }
    }
    let text: Vec<String> = own
        .into_iter()
        .map(|(part, fields)| format!("{part:?} {fields:?}"))
        .collect();
    Sha256::digest(text.join("\n").as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(entries: &str) -> ObjectMeta {
        let text = format!("{{managedFields: [{entries}]}}");
        let json: serde_json::Value = golang::yaml::from_str(&text, golang::yaml::Dialect::Lenient).unwrap();
        serde_json::from_value(json).unwrap()
    }

    const OURS: &str = "{manager: crowdsec-operator, operation: Apply, time: '2026-01-01T00:00:00Z', fieldsV1: {'f:data': {'f:a': {}, 'f:b': {}}}}";

    #[test]
    fn the_fields_of_others_and_the_time_of_a_write_say_nothing_about_ours() {
        let with_others = format!(
            "{}, {{manager: kubectl, operation: Update, fieldsV1: {{'f:data': {{'f:c': {{}}}}}}}}",
            OURS.replace("2026", "2027")
        );
        assert_eq!(own_fields(&meta(OURS)), own_fields(&meta(&with_others)));
    }

    #[test]
    fn a_refusal_is_told_in_the_sentence_of_the_api_server_alone() {
        let refused = |message: &str| Error::Refused {
            object: "Deployment crowdsec/main-lapi".into(),
            cause: Box::new(kube::Error::Api(
                kube::core::Status::failure(message, "Forbidden")
                    .with_code(403)
                    .boxed(),
            )),
        };
        let check = |message: &str, expected: &str| {
            assert_eq!(chain(&refused(message)), expected);
            let wrapped = crate::error::Error::from(refused(message));
            assert_eq!(chain(&wrapped), expected);
        };
        check(
            "deployments.apps \"main-lapi\" is forbidden: exceeded quota",
            "applying Deployment crowdsec/main-lapi: deployments.apps \"main-lapi\" is forbidden: exceeded quota",
        );
        check("", "applying Deployment crowdsec/main-lapi: Forbidden");
    }

    #[test]
    fn whoever_changes_a_field_of_ours_takes_it_away() {
        let taken = OURS.replace("'f:a': {}, ", "");
        assert_ne!(own_fields(&meta(OURS)), own_fields(&meta(&taken)));
    }
}
