//! The Secret of an engine: made once, never made anew; a missing key is added, one that is there stays.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ResourceExt as _;

use crate::engine::ADMIN_TOKEN;
use crate::labels::{Component, OWNER_UID, Owner};
use crate::names;

/// Key with the secret that tokens of machines are signed with.
pub const SIGNING: &str = "signing-secret";
/// Key with the password of `cscli` in the Local API's pod.
pub const CSCLI_PASSWORD: &str = "cscli-password";

/// Shortest signing secret that the Local API takes, in characters.
const SIGNING_MIN: usize = 64;

/// What a Secret has to hold, with the number of random bytes behind each text.
const KEYS: [(&str, usize); 3] = [(ADMIN_TOKEN, 32), (SIGNING, 64), (CSCLI_PASSWORD, 32)];

/// Returns the Secret to write; none when the one that is there holds everything. `random` gives so many bytes as text.
pub fn build(owner: &Owner, live: Option<&Secret>, random: impl Fn(usize) -> String) -> Option<Secret> {
    let known = |key: &str| {
        let value = live?.data.as_ref()?.get(key)?;
        let fits = !value.0.is_empty() && (key != SIGNING || value.0.len() >= SIGNING_MIN);
        fits.then(|| value.clone())
    };
    let is_complete = KEYS.iter().all(|(key, _)| known(key).is_some());
    let is_labelled = live.is_some_and(|live| live.labels().get(OWNER_UID) == Some(&owner.uid));
    if is_complete && is_labelled {
        return None;
    }
    let data: BTreeMap<String, ByteString> = KEYS
        .iter()
        .map(|(key, bytes)| {
            let value = known(key).unwrap_or_else(|| ByteString(random(*bytes).into_bytes()));
            ((*key).to_owned(), value)
        })
        .collect();
    Some(Secret {
        metadata: owner.kept_meta(names::derived(&owner.name, names::LAPI), Component::Lapi),
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::text;
    use crate::security_engine::fixtures::owner;

    fn made(live: Option<&Secret>) -> Option<Secret> {
        build(&owner(), live, |bytes| "x".repeat(bytes * 2))
    }

    #[test]
    fn a_secret_is_made_once() {
        let first = made(None).unwrap();
        assert_eq!(text(&first, SIGNING).unwrap().len(), 128);
        assert_eq!(made(Some(&first)), None);
    }

    #[test]
    fn what_somebody_put_there_before_is_kept_and_what_is_missing_is_added() {
        let before = Secret {
            data: Some(BTreeMap::from([(
                ADMIN_TOKEN.to_owned(),
                ByteString(b"theirs".to_vec()),
            )])),
            ..Secret::default()
        };
        let adopted = made(Some(&before)).unwrap();
        assert_eq!(text(&adopted, ADMIN_TOKEN).as_deref(), Some("theirs"));
        assert_eq!(text(&adopted, CSCLI_PASSWORD).unwrap().len(), 64);
    }

    #[test]
    fn a_signing_secret_that_the_local_api_would_refuse_is_replaced() {
        let mut weak = made(None).unwrap();
        weak.data
            .get_or_insert_default()
            .insert(SIGNING.to_owned(), ByteString(b"short".to_vec()));
        assert_eq!(text(&made(Some(&weak)).unwrap(), SIGNING).unwrap().len(), 128);
    }
}
