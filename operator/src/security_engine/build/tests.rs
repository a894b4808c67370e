//! Every object as it reaches the API server.

use super::*;
use crate::security_engine::fixtures::validated;

fn text<T: serde::Serialize>(object: &T) -> String {
    golang::yaml::to_string(object).unwrap()
}

fn titles(spec: &str) -> Vec<String> {
    build(&validated(spec))
        .unwrap()
        .iter()
        .map(Desired::title)
        .collect()
}

#[test]
fn objects_in_the_order_they_are_applied() {
    assert_eq!(
        titles("{}"),
        [
            "ServiceAccount crowdsec/main-lapi",
            "NetworkPolicy crowdsec/main-lapi",
            "PersistentVolumeClaim crowdsec/main-lapi-data",
            "ConfigMap crowdsec/main-lapi",
            "Service crowdsec/main-lapi",
            "Service crowdsec/main-lapi-metrics",
            "Deployment crowdsec/main-lapi",
            "ServiceMonitor crowdsec/main-lapi",
        ]
    );
    let fewer = titles(
        "storage: {existingClaim: mine}\nnetworkPolicy: {enabled: false}\nmonitoring: {enabled: false}",
    );
    assert_eq!(fewer.len(), 5);
}

#[test]
fn files_of_the_local_api() {
    for (name, content) in config_map::files(&validated("{}")).unwrap() {
        insta::assert_snapshot!(name.replace('.', "_"), content);
    }
}

/// Machines are put in by name and password, so clusters with IPv6 or shared addresses (100.64.0.0/10) need no settings.
#[test]
fn who_may_log_in_is_no_matter_of_addresses() {
    let files = config_map::files(&validated("{}")).unwrap();
    let server = files["config.yaml"].split("server:").nth(1).unwrap();
    assert!(server.contains("listen_uri: '[::]:8080'"), "{server}");
    for setting in ["auto_registration", "allowed_ranges", "trusted_ips"] {
        assert!(!server.contains(setting), "{server}");
    }
}

#[test]
fn files_with_tls() {
    let files = config_map::files(&validated("tls: {mode: SelfManaged}")).unwrap();
    assert!(files["config.yaml"].contains("cert_file: /run/secrets/lapi-tls/tls.crt"));
    assert!(files["local_api_credentials.yaml"].contains("https://localhost:8080/"));
}

#[test]
fn claim() {
    let validated = validated("{}");
    let size = k8s_openapi::apimachinery::pkg::api::resource::Quantity("1Gi".into());
    insta::assert_snapshot!(text(&claim::build(&validated, &size, Some("fast"))));
}

#[test]
fn services_and_account() {
    let validated = validated("{}");
    insta::assert_snapshot!(text(&service::api(&validated)));
    insta::assert_snapshot!(text(&service::metrics(&validated)));
    insta::assert_snapshot!(text(&service_account(&validated)));
}

#[test]
fn deployment_with_everything() {
    let spec =
        "tls: {mode: SelfManaged}\npodTemplate: {labels: {team: edge}, spec: {priorityClassName: high}}";
    let validated = validated(spec);
    let files = config_map::files(&validated).unwrap();
    insta::assert_snapshot!(text(&deployment::build(&validated, &files)));
}

#[test]
fn network_policy() {
    let validated = validated("{}");
    let peers = validated.peers.clone().unwrap();
    let policy = policy::build_policy(meta(&validated, names::LAPI), Component::Lapi, "main", &peers);
    insta::assert_snapshot!(text(&policy));
}

#[test]
fn service_monitor() {
    insta::assert_snapshot!(text(&super::service_monitor(&validated(
        "monitoring: {interval: 15s, labels: {release: prom}}"
    ))));
}
