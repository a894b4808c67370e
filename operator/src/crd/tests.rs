//! The definitions: cross-field rules with an object they accept and one they refuse, documents, generated files.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::core::cel::{Validator, apply_defaults};
use serde_json::Value;

use super::*;

mod rules;

/// The schema of a kind as JSON.
fn schema(kind: &str) -> Value {
    let crd = crds()
        .into_iter()
        .find(|crd| crd.spec.names.kind == kind)
        .unwrap();
    serde_json::to_value(
        crd.spec.versions[0]
            .schema
            .clone()
            .unwrap()
            .open_api_v3_schema
            .unwrap(),
    )
    .unwrap()
}

/// What the rules say about the spec of a kind, messages sorted; `old` is the spec before an update.
fn refusals(kind: &str, spec: &str, old: Option<&str>) -> Vec<String> {
    let schema = schema(kind);
    let object = |spec: &str| -> Value {
        let spec: Value = golang::yaml::from_str(spec, golang::yaml::Dialect::Lenient).unwrap();
        let object =
            serde_json::json!({"apiVersion": "crowdsec-operator.dev/v1alpha1", "kind": kind, "spec": spec});
        apply_defaults(&schema, &object)
    };
    let old = old.map(object);
    match Validator::new().validate(&schema, &object(spec), old.as_ref()) {
        Ok(()) => Vec::new(),
        Err(errors) => {
            let mut all: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            all.sort();
            all
        }
    }
}

#[test]
fn all_kinds_are_of_the_one_group_and_version() {
    for crd in crds() {
        assert_eq!(crd.spec.group, GROUP);
        assert_eq!(crd.spec.versions[0].name, VERSION);
        assert_eq!(
            crd.spec.names.categories.as_deref(),
            Some(&["crowdsec".to_owned()][..])
        );
    }
}

#[test]
fn every_field_is_documented() {
    fn walk(schema: &JSONSchemaProps, path: &str, bare: &mut Vec<String>) {
        for (name, below) in schema.properties.iter().flatten() {
            let path = format!("{path}.{name}");
            let root = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
            if below.description.is_none() && !root {
                bare.push(path.clone());
            }
            walk(below, &path, bare);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(below)) = &schema.items {
            walk(below, path, bare);
        }
        if let Some(JSONSchemaPropsOrBool::Schema(below)) = &schema.additional_properties {
            walk(below, path, bare);
        }
    }
    let mut bare = Vec::new();
    for crd in crds() {
        let schema = crd.spec.versions[0]
            .schema
            .clone()
            .unwrap()
            .open_api_v3_schema
            .unwrap();
        walk(&schema, &crd.spec.names.kind, &mut bare);
    }
    assert!(
        bare.is_empty(),
        "fields that `kubectl explain` is silent about: {bare:#?}"
    );
}

#[test]
fn an_empty_spec_of_an_engine_gets_all_its_defaults() {
    let object = serde_json::json!({"spec": {}});
    let full = apply_defaults(&schema("SecurityEngine"), &object);
    insta::assert_snapshot!(golang::yaml::to_string(&full).unwrap(), @r#"
    spec:
      allowedNamespaces:
        from: All
      monitoring:
        enabled: true
        labels: {}
        debug: false
      networkPolicy:
        enabled: true
        extraIngress: []
        extraEgress: []
      paused: false
      podTemplate:
        labels: {}
        annotations: {}
      replicas: 1
      retention:
        maxItems: 5000
        maxAge: 7d
      storage: {}
      tls:
        mode: 'Off'
    "#);
    let typed: security_engine::SecurityEngineSpec = serde_json::from_value(full["spec"].clone()).unwrap();
    let bare: security_engine::SecurityEngineSpec = serde_json::from_str("{}").unwrap();
    assert_eq!(typed, bare, "the API server's defaults and ours are the same");
}

#[test]
fn the_definition_files_are_fresh() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds");
    for crd in crds() {
        let path = folder.join(file_name(&crd));
        let text = to_yaml(&crd).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{} is stale: run `make gen`", path.display());
    }
}

fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}.yaml", crd.spec.names.plural)
}

#[test]
fn every_condition_type_and_reason_is_a_valid_word() {
    for condition in conditions::DOCUMENTED {
        assert!(!condition.about.trim().is_empty());
        for (reason, _, about) in condition.reasons {
            assert!(
                reason.chars().all(|c| c.is_ascii_alphanumeric()) && !about.trim().is_empty(),
                "{reason}"
            );
        }
    }
}
