//! The samples: every field of theirs exists, and every required one is there.

use golang::yaml::Dialect;
use serde_json::Value;

use super::read;
use crate::tidy::workspace;

/// Problems of a value with a structural schema: unknown fields, missing fields, words that are not in the list.
fn problems(path: &str, value: &Value, schema: &Value, found: &mut Vec<String>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{path}: {value} is none of {words:?}"));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            found.push(format!("{path}: no {required}"));
        }
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                match (&schema["properties"][key], &schema["additionalProperties"]) {
                    (Value::Null, Value::Null) => found.push(format!("{path}: unknown")),
                    (Value::Null, values) => problems(&path, value, values, found),
                    (field, _) => problems(&path, value, field, found),
                }
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                problems(&format!("{path}[{n}]"), item, &schema["items"], found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_sample_fits_the_definition_of_its_kind() {
    let definitions = operator::crd::crds();
    let mut found = Vec::new();
    let folder = workspace().join("manifests/samples");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let text = read(format!("manifests/samples/{name}"));
        let objects: Vec<(Value, usize)> = golang::yaml::multi(&text, Dialect::Lenient).unwrap();
        assert!(!objects.is_empty(), "{name} holds nothing");
        for (object, line) in objects {
            let place = format!("{name}:{line}");
            let Some(definition) = definitions
                .iter()
                .find(|definition| object["kind"] == definition.spec.names.kind.as_str())
            else {
                found.push(format!("{place}: unknown kind {}", object["kind"]));
                continue;
            };
            let schema = definition.spec.versions[0].schema.as_ref().unwrap();
            let schema = serde_json::to_value(&schema.open_api_v3_schema).unwrap();
            problems(&place, &object["spec"], &schema["properties"]["spec"], &mut found);
            if object["metadata"]["namespace"].as_str().is_none() {
                found.push(format!("{place}: no namespace"));
            }
        }
        let listed = read("docs/install.md").contains(&format!("../manifests/samples/{name}"));
        assert!(listed, "docs/install.md does not name {name}");
    }
    assert!(found.is_empty(), "{found:#?}");
}
