//! The crate graph: an edge goes down only, and heavy dependencies stay where they belong.

use std::collections::BTreeMap;

use serde_json::Value;

use super::metadata;

/// Every crate of the workspace, lowest layer first. `golang` lies below `wire` and `expr`: durations, `Sprintf` and
/// regular expressions are one truth.
const LAYERS: &[&[&str]] = &[
    &["golang", "testkit"],
    &["wire", "expr", "service"],
    &["config", "hub", "engine", "client", "pods"],
    &["agent", "lapi", "forward-auth", "operator"],
    &["cli"],
    &["crowdsec"],
    &["e2e"],
    &["xtask"],
];

/// Dependencies that cost much to build, and the only crates that may have them.
const CONFINED: &[(&str, &[&str])] = &[
    ("sqlx", &["lapi"]),
    ("reqwest", &["client"]),
    ("kube", &["operator", "pods", "e2e"]),
];

#[test]
fn an_edge_between_crates_goes_down_only() {
    let rank: BTreeMap<&str, usize> = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(i, names)| names.iter().map(move |n| (*n, i)))
        .collect();
    let mut faults = Vec::new();
    for (name, dependencies) in own_packages() {
        let Some(own) = rank.get(name.as_str()) else {
            faults.push(format!("{name} stands in no layer: add it to LAYERS"));
            continue;
        };
        for dependency in dependencies {
            if rank.get(dependency.as_str()).is_some_and(|below| below >= own) {
                faults.push(format!("{name} → {dependency} does not go down"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn heavy_dependencies_stay_in_their_crates() {
    let mut faults = Vec::new();
    for (name, dependencies) in own_packages() {
        for (heavy, homes) in CONFINED {
            if dependencies.iter().any(|d| d == heavy) && !homes.contains(&name.as_str()) {
                faults.push(format!("{name} uses {heavy}, which only {homes:?} may"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Name and ordinary dependencies (not those of tests) of each crate.
fn own_packages() -> Vec<(String, Vec<String>)> {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|p| (text(&p["name"]), normal_dependencies(p)))
        .collect()
}

fn normal_dependencies(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().unwrap();
    all.iter()
        .filter(|d| d["kind"].is_null())
        .map(|d| text(&d["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
