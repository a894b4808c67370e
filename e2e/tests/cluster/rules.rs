//! The rules in the definitions, as the API server applies them: one accepted and one refused object each.

use e2e::cluster::namespace::Namespace;
use serde_json::Value;

use crate::fixture::Operated;

/// Kind, a spec that is accepted, one that is refused, and what the refusal must say.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("SecurityEngine", "{}", "{replicas: 2}", "replicas is 0 or 1"),
    (
        "SecurityEngine",
        "{storage: {existingClaim: data}}",
        "{storage: {existingClaim: data, size: 2Gi}}",
        "existingClaim excludes size and storageClassName",
    ),
    (
        "SecurityEngine",
        "{allowedNamespaces: {from: Selector, selector: {matchLabels: {a: b}}}}",
        "{allowedNamespaces: {from: Selector}}",
        "selector goes with from: Selector",
    ),
    (
        "SecurityEngine",
        "{tls: {mode: SelfManaged}}",
        "{tls: {mode: Perhaps}}",
        "Unsupported value",
    ),
    (
        "SecurityEngine",
        "{networkPolicy: {extraIngress: [{from: [{podSelector: {}}]}]}}",
        "{networkPolicy: {extraIngress: [{ports: [{port: 8080}]}]}}",
        "an ingress rule must name its peers",
    ),
    ("LogProcessor", "{engineRef: {name: main}}", "{}", "engineRef"),
    (
        "LogProcessor",
        "{engineRef: {name: main}, sources: {nodeFiles: [{paths: [/var/log/x.log], type: syslog}]}}",
        "{engineRef: {name: main}, sources: {nodeFiles: [{paths: [/etc/shadow], type: syslog}]}}",
        "the agents see /var/log only",
    ),
    (
        "LogProcessor",
        "{engineRef: {name: main}, sources: {containerLogs: true, nodeFiles: []}}",
        "{engineRef: {name: main}, sources: {containerLogs: false, nodeFiles: []}}",
        "nothing would be read",
    ),
    (
        "Acquisition",
        "{preset: traefik, target: {podSelector: {}}}",
        "{preset: traefik, type: nginx, target: {podSelector: {}}}",
        "either a preset or a type",
    ),
    (
        "Acquisition",
        "{type: nginx, target: {podSelector: {}}}",
        "{target: {podSelector: {}}}",
        "either a preset or a type",
    ),
    (
        "Bouncer",
        "{engineRef: {name: main}, integration: {type: Traefik, forwardAuth: {replicas: 2}}}",
        "{engineRef: {name: main}, integration: {type: None, forwardAuth: {replicas: 2}}}",
        "forwardAuth",
    ),
];

#[test]
fn the_api_server_accepts_and_refuses_as_the_rules_say() {
    let operated = Operated::shared();
    let namespace = Namespace::create(&operated.cluster, "rules", &[]).unwrap();
    let mut faults = Vec::new();
    for (number, (kind, accepted, refused, words)) in TABLE.iter().enumerate() {
        let object = |spec: &str| {
            format!(
                "apiVersion: crowdsec-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: case-{number}}}\nspec: {spec}\n"
            )
        };
        let apply = |spec: &str| dry_run(&namespace, &object(spec));
        if let Err(error) = apply(accepted) {
            faults.push(format!("{kind} {accepted} is refused: {error:#}"));
        }
        match apply(refused) {
            Ok(_) => faults.push(format!("{kind} {refused} is accepted")),
            Err(error) if format!("{error:#}").contains(words) => {}
            Err(error) => faults.push(format!(
                "{kind} {refused} is not refused for `{words}`: {error:#}"
            )),
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn an_unknown_field_is_refused_with_its_name() {
    let operated = Operated::shared();
    let namespace = Namespace::create(&operated.cluster, "rules", &[]).unwrap();
    let error = dry_run(
        &namespace,
        "apiVersion: crowdsec-operator.dev/v1alpha1\nkind: SecurityEngine\nmetadata: {name: x}\nspec: {replcias: 1}\n",
    )
    .unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("replcias"), "{text}");
}

#[test]
fn every_kind_and_its_spec_is_explained() {
    let operated = Operated::shared();
    for kind in ["securityengine", "logprocessor", "acquisition", "bouncer"] {
        let path = format!("{kind}.spec");
        let text = operated
            .cluster
            .kubectl(&["explain", &path, "--recursive"])
            .unwrap();
        assert!(text.contains("FIELDS:"), "{text}");
        let definition = format!("crd/{kind}s.crowdsec-operator.dev");
        let definition = operated.cluster.get(&[&definition]).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut silent = Vec::new();
        undescribed(&schema["properties"]["spec"], &path, &mut silent);
        assert!(silent.is_empty(), "fields without a description: {silent:#?}");
    }
}

/// Collects the paths of fields that `kubectl explain` has no sentence for.
fn undescribed(schema: &Value, path: &str, into: &mut Vec<String>) {
    if schema["description"].as_str().is_none_or(str::is_empty) {
        into.push(path.to_owned());
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        undescribed(field, &format!("{path}.{name}"), into);
    }
    for (name, field) in schema["items"]["properties"].as_object().into_iter().flatten() {
        undescribed(field, &format!("{path}.{name}"), into);
    }
}

fn dry_run(namespace: &Namespace<'_>, yaml: &str) -> anyhow::Result<String> {
    let arguments = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
    ];
    e2e::process::run_with_input(namespace.kubectl_command(&arguments), yaml)
}
