//! Every object as it reaches the API server.

use super::*;
use crate::bouncer::fixtures::{bouncer, defaults, engine, state, validated};
use crate::bouncer::validate::validate;

fn text<T: serde::Serialize>(object: &T) -> String {
    golang::yaml::to_string(object).unwrap()
}

const FORWARD_AUTH: &str = "engineRef: {name: main, namespace: crowdsec}\nintegration: {type: Traefik}";
const BOTH: Served = Served {
    middleware: true,
    pod_monitor: true,
};

fn titles(spec: &str, served: Served) -> Vec<String> {
    let all = build(&validated(spec), served).unwrap();
    all.iter().map(Desired::title).collect()
}

#[test]
fn a_key_alone_needs_no_pods() {
    assert_eq!(titles("engineRef: {name: main}", BOTH), [""; 0]);
}

#[test]
fn optional_kinds_are_left_out_where_they_are_not_served() {
    assert_eq!(
        titles(FORWARD_AUTH, BOTH),
        [
            "ServiceAccount edge/web-forward-auth",
            "NetworkPolicy edge/web-forward-auth",
            "Service edge/web-forward-auth",
            "Deployment edge/web-forward-auth",
            "PodMonitor edge/web-forward-auth",
            "Middleware edge/web",
        ]
    );
    assert_eq!(titles(FORWARD_AUTH, Served::default()).len(), 4);
}

#[test]
fn secret() {
    insta::assert_snapshot!(text(&secret::build(
        &validated(FORWARD_AUTH),
        "the-key",
        &state()
    )));
}

#[test]
fn copy() {
    let spec = "engineRef: {name: main}\nsecretCopies: [{namespace: apps, name: key, key: CROWDSEC_KEY}]";
    let validated = validated(spec);
    insta::assert_snapshot!(text(&secret::copy(
        &validated.owner,
        &validated.copies[0],
        "the-key"
    )));
}

#[test]
fn deployment() {
    let tls = engine("tls: {mode: SelfManaged}");
    let validated = validate(&bouncer(FORWARD_AUTH), &tls, Some(b"PEM".to_vec()), &defaults()).unwrap();
    let service = validated.forward_auth.clone().unwrap();
    insta::assert_snapshot!(text(&deployment::build(&validated, &service)));
}

#[test]
fn service_and_account() {
    let validated = validated(FORWARD_AUTH);
    insta::assert_snapshot!(text(&service::build(&validated)));
    insta::assert_snapshot!(text(&service_account(&validated)));
}

#[test]
fn network_policy() {
    let validated = validated(FORWARD_AUTH);
    let peers = validated.forward_auth.clone().unwrap().peers.unwrap();
    let policy = policy::build_policy(meta(&validated), Component::ForwardAuth, "web", &peers);
    insta::assert_snapshot!(text(&policy));
}

#[test]
fn middleware_and_monitor() {
    let validated = validated(FORWARD_AUTH);
    let service = validated.forward_auth.clone().unwrap();
    insta::assert_snapshot!(text(&middleware::build(&validated)));
    insta::assert_snapshot!(text(&pod_monitor(&validated, &service)));
}
