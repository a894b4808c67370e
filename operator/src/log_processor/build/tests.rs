//! Every object of a LogProcessor as it reaches the API server.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::*;
use crate::cluster::store::Key;
use crate::log_processor::build::secret::Registration;
use crate::log_processor::fixtures::{local_api, observed, processor};
use crate::log_processor::observe::{LocalApi, Observed};
use crate::log_processor::validate::validate;

fn validated(spec: &str) -> Validated {
    validate(&processor(spec), &observed(), &local_api()).unwrap()
}

fn least() -> Validated {
    validated("{engineRef: {name: main, namespace: crowdsec}}")
}

fn yaml<T: Serialize>(objects: &[T]) -> String {
    let texts: Vec<String> = objects
        .iter()
        .map(|object| golang::yaml::to_string(object).unwrap())
        .collect();
    texts.join("---\n")
}

fn daemon_set_of(validated: &Validated) -> String {
    let files = config_map::files(validated).unwrap();
    yaml(&[daemon_set::build(validated, &files, "mark")])
}

#[test]
fn the_objects_are_applied_in_an_order_in_which_each_finds_what_it_needs() {
    let titles: Vec<String> = build(&least(), "mark")
        .unwrap()
        .iter()
        .map(Desired::title)
        .collect();
    insta::assert_snapshot!(titles.join("\n"));
}

#[test]
fn agents_are_root_without_any_capability_and_write_to_their_state_alone() {
    insta::assert_snapshot!(daemon_set_of(&least()));
}

#[test]
fn an_agent_is_configured_by_files_that_it_can_read() {
    let config = config_map::config(&least(), &config_map::files(&least()).unwrap());
    insta::assert_snapshot!(yaml(&[config]));
}

#[test]
fn targets_stand_in_a_file_of_their_own() {
    insta::assert_snapshot!(yaml(&[config_map::targets(&least()).unwrap()]));
}

#[test]
fn agents_may_read_their_targets_and_pods_where_an_acquisition_is_accepted() {
    insta::assert_snapshot!(yaml(&rbac::roles(&least())));
    insta::assert_snapshot!(yaml(&rbac::bindings(&least())));
}

#[test]
fn the_account_gives_no_token_away() {
    insta::assert_snapshot!(yaml(&[service_account(&least())]));
}

#[test]
fn the_key_outlives_the_resource() {
    let validated = least();
    let [main, other, third] = ["main", "other", "third"].map(|name| Key::new("crowdsec", name));
    let registered = Registration {
        mark: Some(secret::mark("key", "http://a/")),
        engines: BTreeSet::from([main.clone(), other.clone()]),
    };
    let secret = secret::build(&validated.owner, "key", &registered);
    assert_eq!(Registration::read(&secret), registered);
    insta::assert_snapshot!(yaml(&[secret]));
    let left = |engine: &Key| Vec::from_iter(registered.left(engine));
    assert_eq!(left(&main), std::slice::from_ref(&other));
    assert_eq!(left(&third), [main, other]);
    assert!(Registration::default().left(&third).is_empty());
    assert_ne!(secret::mark("key", "http://a/"), secret::mark("yek", "http://a/"));
    assert_ne!(secret::mark("key", "http://a/"), secret::mark("key", "http://b/"));
}

#[test]
fn prometheus_finds_the_agents() {
    let spec = "{engineRef: {name: main}, monitoring: {interval: 30s, labels: {release: prometheus}}}";
    insta::assert_snapshot!(yaml(&[pod_monitor(&validated(spec))]));
}

#[test]
fn agents_of_a_hub_and_a_local_api_with_tls_learn_both() {
    let spec = "{engineRef: {name: main}, hub: {index: 'https://hub.example/main', collections: [crowdsecurity/nginx]}, sources: {nodeFiles: [{paths: [/var/log/app/*.log], type: app, labels: {team: a}}]}}";
    let local_api = LocalApi {
        url: "https://main-lapi.crowdsec.svc:8080/".into(),
        ca: Some("-----BEGIN CERTIFICATE-----\n".into()),
        ..local_api()
    };
    let validated = validate(&processor(spec), &observed(), &local_api).unwrap();
    let files = config_map::files(&validated).unwrap();
    insta::assert_snapshot!(files["acquis.yaml"]);
    insta::assert_snapshot!(files["local_api_credentials.yaml"]);
    assert!(files["config.yaml"].contains("https://hub.example/%s/%s"));
    assert!(files.contains_key("lapi-ca.crt"));
}

#[test]
fn a_processor_of_files_alone_has_no_token_and_no_rights() {
    let validated = validated("{engineRef: {name: main}, sources: {containerLogs: false}}");
    assert!(rbac::roles(&validated).is_empty() && rbac::bindings(&validated).is_empty());
    assert!(daemon_set_of(&validated).contains("automountServiceAccountToken: false"));
    let titles: Vec<String> = build(&validated, "mark")
        .unwrap()
        .iter()
        .map(Desired::title)
        .collect();
    assert!(
        !titles.iter().any(|title| title.contains("targets")),
        "{titles:?}"
    );
}

#[test]
fn a_new_target_restarts_no_agent_and_a_new_setting_does() {
    let of = |candidates, spec: &str| {
        let observed = Observed {
            candidates,
            ..observed()
        };
        daemon_set_of(&validate(&processor(spec), &observed, &local_api()).unwrap())
    };
    let plain = "{engineRef: {name: main}}";
    let before = of(observed().candidates, plain);
    assert_eq!(before, of(Vec::new(), plain));
    let files = "{engineRef: {name: main}, sources: {nodeFiles: [{paths: [/var/log/x], type: x}]}}";
    assert_ne!(before, of(observed().candidates, files));
}

#[test]
fn the_files_are_what_the_agent_reads() {
    let folder = std::env::temp_dir().join(format!("operator-agent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let place = folder.display().to_string();
    for (name, text) in config_map::files(&least()).unwrap() {
        std::fs::write(folder.join(name), text.replace(daemon_set::CONFIG_DIR, &place)).unwrap();
    }
    let env = config::Env::from([("NODE_NAME".to_owned(), "node-1".to_owned())]);
    let config = config::load::load(&folder.join("config.yaml"), &env).unwrap();
    let sources = config::load::acquisition(config.agent.as_ref().unwrap(), &env).unwrap();
    config::load::simulation_of(&config.paths).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(sources.len(), 2);
    assert!(config.server.is_none(), "an agent serves nothing");
}

#[test]
fn two_processors_whose_names_run_together_have_different_roles_in_one_namespace() {
    let name = |namespace: &str, name: &str| {
        let mut processor = processor("{engineRef: {name: main}}");
        processor.metadata.namespace = Some(namespace.into());
        processor.metadata.name = Some(name.into());
        let validated = validate(&processor, &observed(), &local_api()).unwrap();
        rbac::roles(&validated)[1].metadata.name.clone().unwrap()
    };
    assert_ne!(name("a-b", "c"), name("a", "b-c"));
}

#[test]
fn labels_of_the_monitor_cannot_take_away_what_it_is_found_by() {
    let spec = "{engineRef: {name: main}, monitoring: {labels: {app.kubernetes.io/name: x}}}";
    let labels: BTreeMap<String, String> = pod_monitor(&validated(spec)).metadata.labels.unwrap();
    assert_eq!(labels["app.kubernetes.io/name"], "crowdsec");
}
