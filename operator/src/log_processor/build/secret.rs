//! The key from which agents and operator both derive a machine's password.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ResourceExt as _;
use sha2::{Digest as _, Sha256};

use crate::cluster::store::Key;
use crate::labels::{Component, Owner};
use crate::log_processor::build::daemon_set::KEY;
use crate::names;

/// Annotation with a hash of the key that the machines were registered with; another one tells that they must be
/// registered again.
pub const REGISTERED: &str = "crowdsec-operator.dev/registered-key";

/// Annotation with the engines whose Local APIs may know the machines, each as `namespace/name`, separated by commas; one
/// that was left stays named until they are removed there.
pub const ENGINES: &str = "crowdsec-operator.dev/registered-engines";

/// What the machines were registered with last, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Value of [`REGISTERED`].
    pub mark: Option<String>,
    /// Value of [`ENGINES`].
    pub engines: BTreeSet<Key>,
}

impl Registration {
    /// Reads it from the Secret.
    pub fn read(secret: &Secret) -> Self {
        let annotation = |name: &str| secret.annotations().get(name);
        let engines = annotation(ENGINES).map_or("", String::as_str).split(',');
        Self {
            mark: annotation(REGISTERED).cloned(),
            engines: engines
                .filter_map(|text| text.split_once('/'))
                .map(|(namespace, name)| Key::new(namespace, name))
                .collect(),
        }
    }

    /// Returns the engines that were left for `engine` and may know the machines still.
    pub fn left(&self, engine: &Key) -> BTreeSet<Key> {
        self.engines
            .iter()
            .filter(|known| *known != engine)
            .cloned()
            .collect()
    }
}

/// Returns the Secret; it outlives the resource, so that a LogProcessor made anew keeps its machines.
pub fn build(owner: &Owner, key: &str, registered: &Registration) -> Secret {
    let mut metadata = owner.kept_meta(names::derived(&owner.name, names::AGENT), Component::Agent);
    let annotations = metadata.annotations.get_or_insert_default();
    if let Some(mark) = &registered.mark {
        annotations.insert(REGISTERED.to_owned(), mark.clone());
    }
    if !registered.engines.is_empty() {
        let engines: Vec<String> = registered.engines.iter().map(Key::to_string).collect();
        annotations.insert(ENGINES.to_owned(), engines.join(","));
    }
    Secret {
        metadata,
        data: Some(BTreeMap::from([(
            KEY.to_owned(),
            ByteString(key.as_bytes().to_vec()),
        )])),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// Returns what [`REGISTERED`] holds for a key and a Local API; the key itself cannot be told from it.
pub fn mark(key: &str, url: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("{url}\n{key}").as_bytes()));
    digest.chars().take(16).collect()
}
