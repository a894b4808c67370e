//! What the chart renders, with several values; needs Helm and says so when it is not there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use golang::yaml::Dialect;
use serde_json::{Value, json};

use super::{crds, read};
use crate::tidy::workspace;

const CHART: &str = "charts/crowdsec-operator";

/// Renders the chart; none (and a line that says so) without Helm.
pub(super) fn render(release: &str, namespace: &str, values: &[&str]) -> Option<Vec<Value>> {
    let text = helm(release, namespace, values)?.unwrap_or_else(|error| panic!("{error}"));
    Some(objects(&text))
}

/// Whether Helm runs the object at an event instead of installing it.
pub(super) fn is_hook(object: &Value) -> bool {
    object["metadata"]["annotations"]["helm.sh/hook"].is_string()
}

fn objects(text: &str) -> Vec<Value> {
    let objects: Vec<(Value, usize)> = golang::yaml::multi(text, Dialect::Lenient).unwrap();
    objects.into_iter().map(|(object, _)| object).collect()
}

/// Renders the chart, or tells what Helm says against it.
fn helm(release: &str, namespace: &str, values: &[&str]) -> Option<Result<String, String>> {
    let mut command = Command::new(program()?);
    command
        .args(["template", release, CHART, "--namespace", namespace])
        .current_dir(workspace());
    for value in values {
        command.args(["--set-json", value]);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Some(if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    })
}

/// Helm: named by HELM, on the PATH, or as the cluster tests built it.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("HELM") {
        return Some(named.into());
    }
    if e2e::packages::is_on_path("helm") {
        return Some("helm".into());
    }
    let cache = e2e::packages::cache_dir().unwrap();
    let built = [cache.join("cluster"), cache.with_file_name("e2e-cluster")]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin/helm"))
        .find(|helm| helm.is_file());
    if built.is_none() {
        println!("skipped: no helm");
    }
    built
}

/// Kind, namespace and name of each object.
fn names(objects: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    objects
        .iter()
        .map(|object| {
            let metadata = &object["metadata"];
            let hook = if is_hook(object) { " (hook)" } else { "" };
            format!(
                "{} {} {}{hook}",
                text(&object["kind"]),
                text(&metadata["namespace"]),
                text(&metadata["name"])
            )
        })
        .collect()
}

fn find<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found = objects
        .iter()
        .find(|object| object["kind"] == kind && !is_hook(object));
    found.unwrap_or_else(|| panic!("no {kind} in {:#?}", names(objects)))
}

/// The pod templates of a rendering.
pub(super) fn pods(objects: &[Value]) -> Vec<&Value> {
    objects
        .iter()
        .map(|object| &object["spec"]["template"]["spec"])
        .filter(|pod| pod["containers"].is_array())
        .collect()
}

#[test]
fn the_chart_has_the_version_of_the_workspace() {
    let chart: Value =
        golang::yaml::from_str(&read("charts/crowdsec-operator/Chart.yaml"), Dialect::Lenient).unwrap();
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], crate::image::TAG);
    let values: Value =
        golang::yaml::from_str(&read("charts/crowdsec-operator/values.yaml"), Dialect::Lenient).unwrap();
    assert_eq!(values["image"]["repository"], crate::image::REPOSITORY);
}

#[test]
fn helm_has_nothing_against_the_chart() {
    let Some(helm) = program() else { return };
    let output = Command::new(helm)
        .args(["lint", "--strict", CHART])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn an_installation_consists_of_these_objects() {
    let Some(objects) = render("crowdsec-operator", "crowdsec", &[]) else {
        return;
    };
    insta::assert_snapshot!(names(&objects).join("\n"));
}

#[test]
fn with_named_namespaces_nothing_is_cluster_wide_but_the_definitions() {
    let values = ["watchNamespaces=[\"shop\",\"edge\"]", "crds={\"install\":false}"];
    let Some(objects) = render("crowdsec-operator", "crowdsec", &values) else {
        return;
    };
    insta::assert_snapshot!(names(&objects).join("\n"));
    assert!(
        objects
            .iter()
            .all(|object| object["metadata"]["namespace"].is_string())
    );
    for pod in pods(&objects) {
        let arguments = pod["containers"][0]["args"].as_array().unwrap();
        assert!(
            arguments.contains(&json!("--namespaces=shop,edge")),
            "{arguments:?}"
        );
    }
}

#[test]
fn two_releases_do_not_collide() {
    let long = "a-release-with-a-name-of-fifty-three-characters-ends-x".trim_end_matches("s-x");
    let releases = [
        ("blue", "crowdsec"),
        ("green", "crowdsec"),
        ("blue", "other"),
        (long, "crowdsec"),
    ];
    let mut seen = BTreeSet::new();
    for (release, namespace) in releases {
        let Some(objects) = render(release, namespace, &["crds={\"install\":false}"]) else {
            return;
        };
        for name in names(&objects) {
            let last = name.split(' ').nth(2).unwrap();
            assert!(last.contains(':') || last.len() <= 63, "{name}");
            assert!(seen.insert(name.clone()), "{name} twice");
        }
    }
}

#[test]
fn every_pod_passes_the_restricted_level_and_states_what_it_needs() {
    let everything = ["defaults={\"enabled\":true}", "replicas=2"];
    let Some(objects) = render("crowdsec-operator", "crowdsec", &everything) else {
        return;
    };
    let pods = pods(&objects);
    assert_eq!(pods.len(), 2, "the operator and the job that cleans up");
    for pod in pods {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        for container in pod["containers"].as_array().unwrap() {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false);
            assert_eq!(context["readOnlyRootFilesystem"], true);
            assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
            assert!(container["resources"]["requests"]["memory"].is_string());
            assert!(container["resources"]["limits"]["memory"].is_string());
        }
    }
}

#[test]
fn no_rule_is_a_wildcard_and_nobody_lists_secrets() {
    let Some(objects) = render("crowdsec-operator", "crowdsec", &[]) else {
        return;
    };
    let rules = objects
        .iter()
        .flat_map(|object| object["rules"].as_array().into_iter().flatten());
    let mut seen = 0;
    for rule in rules {
        seen += 1;
        assert!(!rule.to_string().contains("\"*\""), "{rule}");
        let has = |key: &str, word: &str| {
            let words = rule[key]
                .as_array()
                .unwrap_or_else(|| panic!("{rule} has no {key}"));
            words.contains(&json!(word))
        };
        let lists = has("verbs", "list") || has("verbs", "watch") || has("verbs", "deletecollection");
        assert!(!(has("resources", "secrets") && lists), "{rule}");
    }
    assert!(seen > 5, "the chart has no rules");
}

#[test]
fn values_reach_the_objects() {
    let values = [
        "image={\"repository\":\"registry.example/operator\",\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}",
        "imagePullSecrets=[{\"name\":\"pull\"}]",
        "operands={\"image\":\"registry.example/operands:1\"}",
        "commonLabels={\"team\":\"security\",\"app.kubernetes.io/name\":\"mine\"}",
        "podLabels={\"mesh\":\"off\"}",
        "podAnnotations={\"note\":\"a: b # c\"}",
        "extraEnv=[{\"name\":\"HTTPS_PROXY\",\"value\":\"http://proxy:3128\"}]",
        "tolerations=[{\"operator\":\"Exists\"}]",
        "nodeSelector={\"disk\":\"fast\"}",
        "topologySpreadConstraints=[{\"maxSkew\":1,\"topologyKey\":\"zone\",\"whenUnsatisfiable\":\"DoNotSchedule\"}]",
        "priorityClassName=\"high\"",
        "monitoring={\"serviceMonitor\":{\"enabled\":true,\"interval\":\"15s\",\"labels\":{\"release\":\"stack\"}}}",
        "defaults={\"enabled\":true}",
        "networkPolicy={\"apiServer\":{\"cidrs\":[\"10.0.0.1/32\"]}}",
    ];
    let Some(objects) = render("crowdsec-operator", "crowdsec", &values) else {
        return;
    };
    let pod = &find(&objects, "Deployment")["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap();
    assert!(
        image.starts_with("registry.example/operator@sha256:0000"),
        "{image}"
    );
    assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(pod["spec"]["nodeSelector"], json!({"disk": "fast"}));
    assert_eq!(pod["spec"]["priorityClassName"], "high");
    assert_eq!(pod["spec"]["tolerations"], json!([{"operator": "Exists"}]));
    assert_eq!(pod["metadata"]["labels"]["team"], "security");
    assert_eq!(pod["metadata"]["labels"]["mesh"], "off");
    assert_eq!(pod["metadata"]["annotations"]["note"], "a: b # c");
    assert_eq!(
        pod["metadata"]["labels"]["app.kubernetes.io/name"],
        "crowdsec-operator"
    );
    let environment = container["env"].as_array().unwrap();
    assert!(environment.contains(&json!({"name": "OPERAND_IMAGE", "value": "registry.example/operands:1"})));
    assert!(environment.contains(&json!({"name": "HTTPS_PROXY", "value": "http://proxy:3128"})));
    assert_eq!(
        find(&objects, "ServiceMonitor")["metadata"]["labels"]["release"],
        "stack"
    );
    assert_eq!(
        find(&objects, "ServiceMonitor")["spec"]["endpoints"][0]["interval"],
        "15s"
    );
    let policy = &find(&objects, "NetworkPolicy")["spec"];
    assert_eq!(
        policy["egress"][0]["to"],
        json!([{"ipBlock": {"cidr": "10.0.0.1/32"}}])
    );
    let defaults = find(&objects, "ConfigMap")["data"]["resources.yaml"]
        .as_str()
        .unwrap();
    let kinds: Vec<Value> = self::objects(defaults)
        .into_iter()
        .map(|object| object["kind"].clone())
        .collect();
    assert_eq!(kinds, ["SecurityEngine", "LogProcessor"]);
}

#[test]
fn a_value_that_means_nothing_is_refused_with_its_name() {
    let check = |value: &str, expected: &str| {
        let Some(outcome) = helm("crowdsec-operator", "crowdsec", &[value]) else {
            return;
        };
        let error = outcome.expect_err(value);
        assert!(error.contains(expected), "{value}: {error}");
    };
    check("replica=2", "replica");
    check("watchNamespaces=[\"Not_A_Name\"]", "/watchNamespaces/0");
    check("image={\"digest\":\"latest\"}", "/image/digest");
    check(
        "networkPolicy={\"extraEgress\":[{\"ports\":[]}]}",
        "/networkPolicy/extraEgress/0",
    );
    check(
        "defaults={\"resources\":[{\"kind\":\"Pod\"}]}",
        "/defaults/resources/0",
    );
}

#[test]
fn the_definitions_come_with_the_release_unless_told_otherwise() {
    let count = |values: &[&str]| {
        let objects = render("crowdsec-operator", "crowdsec", values)?;
        let definitions = objects
            .iter()
            .filter(|object| object["kind"] == "CustomResourceDefinition");
        Some(definitions.count())
    };
    let Some(with) = count(&[]) else { return };
    assert_eq!(with, crds::files().len());
    assert_eq!(count(&["crds={\"install\":false}"]), Some(0));
}
