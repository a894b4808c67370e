//! The key from which agents and operator both derive a machine's password.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sha2::{Digest as _, Sha256};

use crate::labels::{Component, Owner};
use crate::log_processor::build::daemon_set::KEY;
use crate::names;

/// Annotation with a hash of the key that the machines were registered with; another one tells that they must be
/// registered again.
pub const REGISTERED: &str = "crowdsec-operator.dev/registered-key";

/// Returns the Secret; it outlives the resource, so that a LogProcessor made anew keeps its machines.
pub fn build(owner: &Owner, key: &str, registered: Option<String>) -> Secret {
    let mut metadata = owner.kept_meta(names::derived(&owner.name, names::AGENT), Component::Agent);
    if let Some(registered) = registered {
        metadata
            .annotations
            .get_or_insert_default()
            .insert(REGISTERED.to_owned(), registered);
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
