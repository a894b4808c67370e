//! The Secrets with the key: the Bouncer's own and the copies.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ResourceExt as _;

use crate::bouncer::key::KeyState;
use crate::bouncer::validate::Validated;
use crate::crd::bouncer::{ReclaimPolicy, SecretCopy};
use crate::labels::{Component, OWNER_UID, Owner};
use crate::names;
use crate::secrets;

/// Key of the Secret with the bouncer's key.
pub const API_KEY: &str = "api-key";
/// Key of the Secret with the address of the Local API.
pub const URL: &str = "url";
/// Key of the Secret with the certificate of the Local API's authority.
pub const CA: &str = "ca.crt";
/// Annotation that lists the copies, so that one that is no longer wanted is found again.
pub const COPIES: &str = "crowdsec-operator.dev/secret-copies";

/// Returns the Secret. With `Retain` it outlives the Bouncer as its registration does.
pub fn build(validated: &Validated, key: &str, state: &KeyState) -> Secret {
    let name = validated.name(names::BOUNCER);
    let owner = &validated.owner;
    let mut metadata = match validated.reclaim {
        ReclaimPolicy::Delete => owner.meta(name, Component::ForwardAuth),
        ReclaimPolicy::Retain => owner.kept_meta(name, Component::ForwardAuth),
    };
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.extend(state.annotations());
    if !validated.copies.is_empty() {
        annotations.insert(COPIES.to_owned(), listed(&validated.copies));
    }
    let mut data = BTreeMap::from([bytes(API_KEY, key), bytes(URL, &validated.url)]);
    if let Some(ca) = &validated.ca {
        data.insert(CA.to_owned(), ByteString(ca.clone()));
    }
    secret(metadata, data)
}

/// Returns a copy.
pub fn copy(owner: &Owner, wanted: &SecretCopy, key: &str) -> Secret {
    let mut metadata = owner.kept_meta(wanted.name.clone(), Component::ForwardAuth);
    metadata.namespace = Some(wanted.namespace.clone());
    secret(metadata, BTreeMap::from([bytes(&wanted.key, key)]))
}

/// Says whether a Secret was made for this Bouncer, or by it for one of the same name before.
pub fn is_ours(owner: &Owner, live: &Secret) -> bool {
    live.labels().contains_key(OWNER_UID)
        && live
            .annotations()
            .get(crate::labels::OWNER)
            .is_some_and(|of| *of == format!("{}/{}/{}", owner.kind, owner.namespace, owner.name))
}

/// Says whether a Secret in the cluster holds what it should, so that nothing has to be written.
pub fn is_current(desired: &Secret, live: &Secret) -> bool {
    let holds = |all: &BTreeMap<String, String>, wanted: &Option<BTreeMap<String, String>>| {
        wanted
            .iter()
            .flatten()
            .all(|(name, value)| all.get(name) == Some(value))
    };
    let ours = |name: &&String| name.starts_with("crowdsec-operator.dev/");
    let surplus = live
        .annotations()
        .keys()
        .filter(ours)
        .any(|name| !desired.annotations().contains_key(name));
    desired.data == live.data
        && !surplus
        && holds(live.labels(), &desired.metadata.labels)
        && holds(live.annotations(), &desired.metadata.annotations)
        && desired.metadata.owner_references.is_some() == live.metadata.owner_references.is_some()
}

/// Returns the key in a Secret, when it is text.
pub fn key_in(secret: &Secret, field: &str) -> Option<String> {
    let text = secrets::text(secret, field)?;
    // A file that was made with an editor ends in a new line; a key never does.
    let text = text.trim_end_matches(['\n', '\r']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns the copies that a Secret says were made, as namespace and name.
pub fn copies_of(secret: &Secret) -> Vec<(String, String)> {
    let listed = secret.annotations().get(COPIES).map(String::as_str);
    let pairs = listed.unwrap_or_default().split(',');
    pairs
        .filter_map(|pair| pair.split_once('/'))
        .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
        .collect()
}

fn listed(copies: &[SecretCopy]) -> String {
    let mut all: Vec<String> = copies
        .iter()
        .map(|copy| format!("{}/{}", copy.namespace, copy.name))
        .collect();
    all.sort();
    all.dedup();
    all.join(",")
}

fn bytes(name: &str, text: &str) -> (String, ByteString) {
    (name.to_owned(), ByteString(text.as_bytes().to_vec()))
}

fn secret(metadata: kube::core::ObjectMeta, data: BTreeMap<String, ByteString>) -> Secret {
    Secret {
        metadata,
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bouncer::fixtures::{state, validated};

    #[test]
    fn a_secret_that_holds_what_it_should_is_not_written_again() {
        let desired = build(&validated("engineRef: {name: main}"), "secret", &state());
        assert!(is_current(&desired, &desired));
        let mut other = desired.clone();
        other
            .data
            .get_or_insert_default()
            .insert(API_KEY.into(), ByteString(b"x".to_vec()));
        assert!(!is_current(&desired, &other));
        let mut stale = desired.clone();
        let annotations = stale.metadata.annotations.get_or_insert_default();
        annotations.insert(COPIES.into(), "a/b".into());
        assert!(!is_current(&desired, &stale));
        let mut foreign = desired.clone();
        let annotations = foreign.metadata.annotations.get_or_insert_default();
        annotations.insert("example.com/note".into(), "x".into());
        assert!(is_current(&desired, &foreign));
    }

    #[test]
    fn copies_are_listed_and_found_again() {
        let spec =
            "engineRef: {name: main}\nsecretCopies: [{namespace: b, name: k}, {namespace: a, name: k}]";
        let secret = build(&validated(spec), "secret", &state());
        let pairs: Vec<_> = [("a", "k"), ("b", "k")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
        assert_eq!(copies_of(&secret), pairs);
    }

    #[test]
    fn a_secret_of_somebody_else_is_recognised() {
        let validated = validated("engineRef: {name: main}");
        let secret = build(&validated, "secret", &state());
        assert!(is_ours(&validated.owner, &secret));
        assert!(!is_ours(&validated.owner, &Secret::default()));
        let other = Owner {
            name: "other".into(),
            ..validated.owner
        };
        assert!(!is_ours(&other, &secret));
    }

    #[test]
    fn a_key_of_ones_own_may_end_in_a_new_line() {
        let mut secret = Secret::default();
        let data = secret.data.get_or_insert_default();
        data.extend([bytes("k", "abc\n"), bytes("none", "\n")]);
        assert_eq!(key_in(&secret, "k").as_deref(), Some("abc"));
        assert_eq!(key_in(&secret, "none"), None);
        assert_eq!(key_in(&secret, "missing"), None);
    }
}
