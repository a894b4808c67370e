//! What holds in every variant of the chart; needs Helm and says so when it is not there.

use std::collections::BTreeSet;

use golang::yaml::Dialect;
use serde_json::{Value, json};

use super::chart::{pods, render};
use super::read;
use crate::tidy::workspace;

/// Values that switch something on or off.
const VARIANTS: &[&[&str]] = &[
    &[],
    &["defaults={\"enabled\":true}", "replicas=2"],
    &["watchNamespaces=[\"shop\",\"edge\"]", "crds={\"install\":false}"],
    &["uninstall={\"deleteResources\":false}"],
    &["networkPolicy={\"enabled\":false}"],
    &["monitoring={\"serviceMonitor\":{\"enabled\":true}}"],
];

/// Renders every variant; none without Helm.
fn renderings() -> Vec<(&'static [&'static str], Vec<Value>)> {
    VARIANTS
        .iter()
        .filter_map(|values| Some((*values, render("crowdsec-operator", "crowdsec", values)?)))
        .collect()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[test]
fn two_renderings_are_equal() {
    for (values, first) in renderings() {
        let second = render("crowdsec-operator", "crowdsec", values).unwrap();
        assert_eq!(first, second, "{values:?}");
    }
}

#[test]
fn every_account_has_the_rights_of_its_pod_in_every_variant() {
    for (values, objects) in renderings() {
        let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        for pod in pods(&objects) {
            let account = text(pod, "/serviceAccountName");
            assert!(
                of_kind("ServiceAccount").any(|object| text(object, "/metadata/name") == account),
                "{values:?}: no account {account}"
            );
            let bindings: Vec<&Value> = of_kind("RoleBinding")
                .chain(of_kind("ClusterRoleBinding"))
                .filter(|binding| text(binding, "/subjects/0/name") == account)
                .collect();
            assert!(!bindings.is_empty(), "{values:?}: {account} has no rights");
            for binding in bindings {
                let (kind, name) = (text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"));
                let role = objects.iter().find(|object| {
                    object["kind"] == kind
                        && text(object, "/metadata/name") == name
                        && text(object, "/metadata/namespace") == text(binding, "/metadata/namespace")
                });
                let rules = role.and_then(|role| role["rules"].as_array());
                assert!(
                    rules.is_some_and(|rules| !rules.is_empty()),
                    "{values:?}: {account} is bound to {kind} {name}, which is missing or empty"
                );
            }
        }
    }
}

#[test]
fn every_object_carries_its_labels_in_every_variant() {
    let own = "commonLabels={\"team\":\"security\"}";
    for values in VARIANTS {
        let mut values = values.to_vec();
        values.push(own);
        let Some(objects) = render("crowdsec-operator", "crowdsec", &values) else {
            return;
        };
        let ours = objects
            .iter()
            .filter(|object| object["kind"] != "CustomResourceDefinition");
        for object in ours {
            let labels = &object["metadata"]["labels"];
            let name = format!("{values:?}: {} {}", object["kind"], object["metadata"]["name"]);
            assert_eq!(labels["app.kubernetes.io/name"], "crowdsec-operator", "{name}");
            assert_eq!(labels["team"], "security", "{name}");
        }
    }
}

#[test]
fn the_job_runs_where_and_as_the_operator_does() {
    let values = [
        "imagePullSecrets=[{\"name\":\"pull\"}]",
        "extraEnv=[{\"name\":\"HTTPS_PROXY\",\"value\":\"http://proxy:3128\"}]",
        "tolerations=[{\"operator\":\"Exists\"}]",
        "nodeSelector={\"disk\":\"fast\"}",
        "affinity={\"podAffinity\":{}}",
        "priorityClassName=\"high\"",
    ];
    let Some(objects) = render("crowdsec-operator", "crowdsec", &values) else {
        return;
    };
    let [operator, job] = pods(&objects)[..] else {
        panic!("one operator and one job");
    };
    for field in [
        "imagePullSecrets",
        "tolerations",
        "nodeSelector",
        "affinity",
        "priorityClassName",
        "securityContext",
    ] {
        assert!(!operator[field].is_null(), "{field}");
        assert_eq!(operator[field], job[field], "{field}");
    }
    let container = &job["containers"][0];
    assert_eq!(
        container["env"],
        json!([{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}])
    );
    assert_eq!(container["image"], operator["containers"][0]["image"]);
    let object = objects.iter().find(|object| object["kind"] == "Job").unwrap();
    for field in ["ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"] {
        assert!(object["spec"][field].is_number(), "{field}");
    }
}

#[test]
fn every_value_of_the_chart_is_used() {
    let values: Value =
        golang::yaml::from_str(&read("charts/crowdsec-operator/values.yaml"), Dialect::Lenient).unwrap();
    let mut templates = String::new();
    for entry in std::fs::read_dir(workspace().join("charts/crowdsec-operator/templates")).unwrap() {
        templates += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    // A value is used by its whole path, or by its own part below a `with` of what it is in.
    let used: BTreeSet<&str> = templates
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '$'))
        .filter(|word| word.contains('.'))
        .collect();
    let mut missing = Vec::new();
    for (name, value) in values.as_object().unwrap() {
        let inner = value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(inner, _)| inner.as_str());
        let path = format!(".Values.{name}");
        if !used
            .iter()
            .any(|word| format!("{word}.").contains(&format!("{path}.")))
        {
            missing.push(name.clone());
        }
        // Content that is passed on as a whole has no parts of its own.
        for inner in inner.filter(|_| name != "resources") {
            if !used.iter().any(|word| word.split('.').any(|part| part == inner)) {
                missing.push(format!("{name}.{inner}"));
            }
        }
    }
    assert!(missing.is_empty(), "no template reads {missing:?}");
}
