//! Debian's snapshot of the public hub: each of its items loads here, or is named with what it lacks.

use std::collections::BTreeMap;
use std::path::Path;

use e2e::engine::{Installation, free_ports};
use e2e::peers::upstream;
use e2e::process::run_command;

use crate::peers::binary;

/// Items of the snapshot that do not load, and the words their refusal must contain.
const LACKING: &[(&str, &str)] = &[];

#[test]
fn every_item_of_debians_hub_snapshot_loads_or_is_named_with_what_it_lacks() {
    let root = upstream().unwrap();
    let hub = root.path("usr/share/crowdsec/hub");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("empty.log");
    std::fs::write(&log, "").unwrap();
    let acquisition = format!("filenames: [{}]\nlabels: {{type: nginx}}\n", log.display());
    let engine = Installation::create(
        binary(),
        &folder.path().join("engine"),
        free_ports(),
        &acquisition,
    )
    .unwrap();
    engine.register_machine("snapshot").unwrap();
    for file in std::fs::read_dir(root.path("usr/share/crowdsec/data")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), engine.path("data").join(file.file_name())).unwrap();
    }
    let installed = install(&hub, &engine);
    assert!(
        installed.len() >= 40,
        "the snapshot holds only {} items",
        installed.len()
    );
    let refused = refusals(&engine);
    println!(
        "{} items of Debian's snapshot, {} refused",
        installed.len(),
        refused.len()
    );
    let expected: BTreeMap<&str, &str> = LACKING.iter().copied().collect();
    for (file, message) in &refused {
        let words = expected.get(file.as_str());
        assert!(
            words.is_some_and(|w| message.contains(w)),
            "{file} does not load: {message}"
        );
    }
    assert_eq!(
        refused.len(),
        expected.len(),
        "an item loads now: take it from the list"
    );
}

/// Copies every parser, scenario and post-overflow of the snapshot into the installation, as a user's own files.
fn install(hub: &Path, engine: &Installation<'_>) -> Vec<String> {
    let mut installed = Vec::new();
    for folder in [
        "parsers/s00-raw",
        "parsers/s01-parse",
        "parsers/s02-enrich",
        "scenarios",
        "postoverflows/s00-enrich",
        "postoverflows/s01-whitelist",
    ] {
        let target = engine.path("etc").join(folder);
        std::fs::create_dir_all(&target).unwrap();
        for author in std::fs::read_dir(hub.join(folder)).into_iter().flatten() {
            for file in std::fs::read_dir(author.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "yaml") {
                    let name = path.file_name().unwrap();
                    std::fs::copy(&path, target.join(name)).unwrap();
                    installed.push(name.to_string_lossy().into_owned());
                }
            }
        }
    }
    installed
}

/// The files that `crowdsec -t` refuses, with its words.
fn refusals(engine: &Installation<'_>) -> BTreeMap<String, String> {
    let Err(error) = run_command(engine.crowdsec_command(&["-t"])) else {
        return BTreeMap::new();
    };
    let text = format!("{error:#}");
    let mut refused = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("level=fatal")) {
        let file = line.split("/etc/").nth(1).and_then(|rest| rest.split(':').next());
        let name = file.and_then(|path| path.rsplit('/').next()).unwrap_or(line);
        refused.insert(name.to_owned(), line.to_owned());
    }
    assert!(!refused.is_empty(), "-t failed without naming a file: {text}");
    refused
}
