//! Reads every distinct expression out of the public hub's items, where that folder is at hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Returns the expressions of parsers, scenarios, postoverflows, contexts and AppSec configurations; `None` without
/// the hub.
pub(crate) fn all() -> Option<BTreeSet<String>> {
    let hub = folder()?;
    let mut files = Vec::new();
    for folder in [
        "parsers",
        "scenarios",
        "postoverflows",
        "contexts",
        "appsec-configs",
    ] {
        yaml_files(&hub.join(folder), &mut files);
    }
    let mut expressions = BTreeSet::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("readable");
        let documents = golang::yaml::multi::<serde_json::Value>(&text, golang::yaml::Dialect::V2Strict);
        for (yaml, _) in documents.expect("the hub's items are YAML") {
            collect(&yaml, false, &mut expressions);
        }
    }
    Some(expressions)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests find shared data by the environment"
)]
fn folder() -> Option<PathBuf> {
    let fallback = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/hub");
    let folder = std::env::var("HUB_DIR").map_or_else(|_| PathBuf::from(fallback), PathBuf::from);
    folder.join("parsers").is_dir().then_some(folder)
}

/// Collects the texts under keys that hold expressions.
fn collect(yaml: &serde_json::Value, inside: bool, into: &mut BTreeSet<String>) {
    const KEYS: [&str; 11] = [
        "filter",
        "expression",
        "groupby",
        "distinct",
        "condition",
        "cancel_on",
        "overflow_filter",
        "apply",
        "context",
        "key",
        "value",
    ];
    match yaml {
        serde_json::Value::String(text) if inside => {
            into.insert(text.trim().to_owned());
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, inside, into)),
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let stash_only = ["key", "value"].contains(&key.as_str()) && !map.contains_key("ttl");
                let holds = KEYS.contains(&key.as_str()) && !stash_only;
                collect(value, holds || (inside && !value.is_object()), into);
            }
        }
        _ => {}
    }
}

fn yaml_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml") {
            into.push(path);
        }
    }
}
