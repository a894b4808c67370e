//! `docs/api.md`: every field of every kind, as the API server explains it.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Generated, cell};

/// Parts that are Kubernetes' own, with the place where `kubectl explain` tells about them.
const FOREIGN: &[(&str, &str)] = &[
    ("affinity", "pod.spec.affinity"),
    ("conditions", "networkpolicy.status.conditions"),
    ("extraEgress", "networkpolicy.spec.egress"),
    ("extraIngress", "networkpolicy.spec.ingress"),
    ("resources", "pod.spec.containers.resources"),
    ("tolerations", "pod.spec.tolerations"),
    ("updateStrategy", "daemonset.spec.updateStrategy"),
];

const HEAD: &str = "\
# Fields

Generated from the code: `make gen` writes it.
The same text is in the cluster: `kubectl explain securityengine.spec --recursive`.
A part that Kubernetes defines is not spelled out here; its line names what to give to `kubectl explain`.

";

pub(super) fn file() -> Generated {
    let mut text = HEAD.to_owned();
    for definition in operator::crd::crds() {
        let names = &definition.spec.names;
        let version = &definition.spec.versions[0];
        let schema = version
            .schema
            .as_ref()
            .unwrap()
            .open_api_v3_schema
            .as_ref()
            .unwrap();
        let schema = serde_json::to_value(schema).unwrap();
        writeln!(text, "## {}\n", names.kind).unwrap();
        writeln!(text, "{}\n", description(&schema)).unwrap();
        writeln!(
            text,
            "`{}/{}`, short name `{}`, category `crowdsec`.\n",
            definition.spec.group,
            version.name,
            names.short_names.clone().unwrap_or_default().join("`, `"),
        )
        .unwrap();
        for part in ["spec", "status"] {
            table(&mut text, part, &schema["properties"][part]);
        }
    }
    Generated::new("docs/api.md", text.trim_end().to_owned() + "\n")
}

fn table(text: &mut String, part: &str, schema: &Value) {
    writeln!(text, "### {part}\n\n{}\n", description(schema)).unwrap();
    text.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    let mut rules = Vec::new();
    rows(text, "", schema, &mut rules);
    text.push('\n');
    if !rules.is_empty() {
        text.push_str("The API server refuses an object with:\n\n");
        for rule in rules {
            writeln!(text, "* {rule}").unwrap();
        }
        text.push('\n');
    }
}

/// Writes a row for each field below `schema` and collects the rules that join fields.
fn rows(text: &mut String, path: &str, schema: &Value, rules: &mut Vec<String>) {
    for rule in schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let place = if path.is_empty() {
            String::new()
        } else {
            format!("`{path}`: ")
        };
        let message = rule["message"]
            .as_str()
            .or_else(|| rule["rule"].as_str())
            .unwrap();
        rules.push(format!("{place}{message}"));
    }
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let default = match &field["default"] {
            Value::Null if required.contains(&name.as_str()) => "required".to_owned(),
            // The defaults of an object's parts are in their own rows.
            Value::Null | Value::Object(_) => String::new(),
            value => format!("`{value}`"),
        };
        let foreign = FOREIGN.iter().find(|(known, _)| known == name);
        let place = foreign.map(|(_, place)| format!(" (`kubectl explain {place}`)"));
        writeln!(
            text,
            "| `{path}` | {} | {} | {}{} |",
            cell(&kind(field)),
            cell(&default),
            cell(&description(field)),
            place.unwrap_or_default(),
        )
        .unwrap();
        if foreign.is_none() && !is_selector(field) {
            match field["type"].as_str() {
                Some("array") => rows(text, &format!("{path}[]"), &field["items"], rules),
                _ => rows(text, &path, field, rules),
            }
        }
    }
}

/// A `LabelSelector`, which every reader of this page knows.
fn is_selector(schema: &Value) -> bool {
    schema["properties"]["matchLabels"].is_object()
}

fn kind(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect();
        return words.join(" or ");
    }
    if is_selector(schema) {
        return "label selector".to_owned();
    }
    if schema["x-kubernetes-int-or-string"] == true {
        return "number or text".to_owned();
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        Some("string") => "text".to_owned(),
        Some("integer") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        other => other.unwrap_or("anything").to_owned(),
    }
}

fn description(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ")
}

#[test]
fn every_field_of_ours_is_explained() {
    fn check(path: &str, schema: &Value, missing: &mut Vec<String>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if description(field).is_empty() {
                missing.push(path.clone());
            }
            let ours = !is_selector(field) && !FOREIGN.iter().any(|(known, _)| known == name);
            if ours {
                check(&path, field, missing);
                check(&path, &field["items"], missing);
            }
        }
    }
    let mut missing = Vec::new();
    for definition in operator::crd::crds() {
        let schema = definition.spec.versions[0].schema.as_ref().unwrap();
        let schema = serde_json::to_value(&schema.open_api_v3_schema).unwrap();
        for part in ["spec", "status"] {
            let path = format!("{}.{part}", definition.spec.names.singular.as_deref().unwrap());
            check(&path, &schema["properties"][part], &mut missing);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
