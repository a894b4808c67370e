//! The certificate of an engine's Local API: an authority of ten years, a leaf of ninety days that is renewed in time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ResourceExt as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::engine::CA;
use crate::labels::{Component, Owner};
use crate::names;
use crate::secrets::text;

/// Key of the authority's private key.
const CA_KEY: &str = "ca.key";
/// Key of the certificate.
pub const CERTIFICATE: &str = "tls.crt";
/// Key of its private key.
pub const KEY: &str = "tls.key";
/// Annotation with the end of the certificate, RFC 3339.
const NOT_AFTER: &str = "crowdsec-operator.dev/certificate-not-after";
/// Annotation with the names it is for.
const NAMES: &str = "crowdsec-operator.dev/certificate-names";

const AUTHORITY: SignedDuration = SignedDuration::from_hours(24 * 3650);
const LEAF: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Before its end a certificate is renewed this long.
const RENEW: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Returns the names by which the Local API is reached.
pub fn dns_names(owner: &Owner) -> Vec<String> {
    let service = names::derived(&owner.name, names::LAPI);
    let namespace = &owner.namespace;
    vec![
        service.clone(),
        format!("{service}.{namespace}"),
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
        "localhost".to_owned(),
    ]
}

/// Returns the Secret to write; none when the certificate that is there serves on. The authority is kept as long as it
/// can be, because whoever trusts it would have to be told of another.
pub fn build(owner: &Owner, live: Option<&Secret>, now: Timestamp) -> Result<Option<Secret>, rcgen::Error> {
    let names = dns_names(owner);
    if live.is_some_and(|live| serves(live, &names, now)) {
        return Ok(None);
    }
    let kept = live.and_then(|live| Some((text(live, CA)?, KeyPair::from_pem(&text(live, CA_KEY)?).ok()?)));
    let (ca, key) = if let Some(kept) = kept {
        kept
    } else {
        let key = KeyPair::generate()?;
        (authority(owner, now)?.self_signed(&key)?.pem(), key)
    };
    let issuer = Issuer::new(authority(owner, now)?, key);
    let leaf_key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.clone())?;
    params.distinguished_name.push(
        DnType::CommonName,
        crate::names::derived(&owner.name, crate::names::LAPI),
    );
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let end = valid(&mut params, now, LEAF);
    let leaf = params.signed_by(&leaf_key, &issuer)?;
    let mut metadata = owner.kept_meta(
        crate::names::derived(&owner.name, crate::names::LAPI_TLS),
        Component::Lapi,
    );
    metadata.annotations.get_or_insert_default().extend([
        (NOT_AFTER.to_owned(), end.to_string()),
        (NAMES.to_owned(), names.join(",")),
    ]);
    let bytes = |name: &str, pem: String| (name.to_owned(), ByteString(pem.into_bytes()));
    Ok(Some(Secret {
        metadata,
        data: Some(BTreeMap::from([
            bytes(CA, ca),
            bytes(CA_KEY, issuer.key().serialize_pem()),
            bytes(CERTIFICATE, leaf.pem()),
            bytes(KEY, leaf_key.serialize_pem()),
        ])),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }))
}

fn serves(live: &Secret, names: &[String], now: Timestamp) -> bool {
    let annotation = |name: &str| live.annotations().get(name);
    let end: Option<Timestamp> = annotation(NOT_AFTER).and_then(|text| text.parse().ok());
    let is_complete = [CA, CA_KEY, CERTIFICATE, KEY]
        .iter()
        .all(|key| text(live, key).is_some_and(|pem| !pem.is_empty()));
    is_complete
        && annotation(NAMES).is_some_and(|named| *named == names.join(","))
        && end.is_some_and(|end| end.duration_since(now) > RENEW)
}

/// Returns the authority; the same each time but for its dates, so that leaves of one key name one issuer.
fn authority(owner: &Owner, now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(
        DnType::CommonName,
        format!("CrowdSec {}/{}", owner.namespace, owner.name),
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, AUTHORITY);
    Ok(params)
}

/// Sets the dates, whole days with one before today for clocks that go wrong; returns the end.
fn valid(params: &mut CertificateParams, now: Timestamp, age: SignedDuration) -> Timestamp {
    let day = |at: Timestamp| {
        let date = at.to_zoned(TimeZone::UTC).date();
        let number = |part: i8| u8::try_from(part).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), number(date.month()), number(date.day()))
    };
    let start = now - SignedDuration::from_hours(24);
    let end = now.checked_add(age).unwrap_or(Timestamp::MAX);
    params.not_before = day(start);
    params.not_after = day(end);
    end - SignedDuration::from_hours(24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security_engine::fixtures::owner;

    fn at(day: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * day)
    }

    #[test]
    fn a_certificate_is_made_once_and_renewed_before_its_end_by_the_same_authority() {
        let first = build(&owner(), None, at(0)).unwrap().unwrap();
        assert_eq!(build(&owner(), Some(&first), at(58)).unwrap(), None);
        let second = build(&owner(), Some(&first), at(60)).unwrap().unwrap();
        assert_eq!(text(&first, CA), text(&second, CA));
        assert_ne!(text(&first, CERTIFICATE), text(&second, CERTIFICATE));
    }

    #[test]
    fn an_engine_of_another_name_needs_another_certificate() {
        let first = build(&owner(), None, at(0)).unwrap().unwrap();
        let other = Owner {
            name: "other".into(),
            ..owner()
        };
        assert!(build(&other, Some(&first), at(1)).unwrap().is_some());
        assert!(dns_names(&owner()).contains(&"main-lapi.crowdsec.svc".to_owned()));
    }
}
