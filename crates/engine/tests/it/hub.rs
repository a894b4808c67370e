//! The hub's parsers on the hub's own log lines, asserted by the hub's own assertion files.
//!
//! A small reader of the commonest shapes of assertion; `cscli hubtest` evaluates all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use engine::{Event, ItemFile, Kind, Mode, Name, RawLine, Rules, Settings, parser::Recorder};
use golang::yaml::{self, Dialect, Node};
use regex::Regex;
use serde::Deserialize;

use crate::corpus;

/// Collections whose parsers must load, and whose cases must pass.
const COLLECTIONS: [&str; 7] = [
    "nginx",
    "traefik",
    "sshd",
    "linux",
    "base-http-scenarios",
    "http-cve",
    "whitelist-good-actors",
];

/// Parsers that belong to no collection above.
const EXTRA: [&str; 1] = ["crowdsecurity/cri-logs"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Case {
    parsers: Vec<String>,
    postoverflows: Vec<String>,
    log_file: String,
    log_type: String,
    labels: BTreeMap<String, String>,
    ignore_parsers: bool,
    override_statics: Vec<BTreeMap<String, String>>,
}

/// Results as the assertions see them: by stage, then by parser, in line order.
#[derive(Default)]
struct Results {
    nodes: BTreeMap<String, BTreeMap<String, Vec<(bool, Event)>>>,
}

impl Recorder for Results {
    fn node(&mut self, stage: &str, name: &str, success: bool, event: &Event) {
        let stage = self.nodes.entry(stage.to_owned()).or_default();
        stage
            .entry(name.to_owned())
            .or_default()
            .push((success, event.clone()));
    }
}

/// Adds the items of collection `name`, and of those it includes.
fn members(hub: &Path, name: &str, items: &mut BTreeSet<String>) {
    let text = fs::read_to_string(hub.join(format!("collections/crowdsecurity/{name}.yaml"))).unwrap();
    let documents = yaml::documents(&text).unwrap();
    let root = &documents[0].node;
    let list = |key: &str| match root.get(key).map(Node::kind) {
        Some(yaml::Kind::Sequence(names)) => names
            .iter()
            .filter_map(|name| name.text())
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    items.extend(list("parsers").into_iter().map(|name| format!("parsers:{name}")));
    items.extend(
        list("postoverflows")
            .into_iter()
            .map(|name| format!("postoverflows:{name}")),
    );
    for inner in list("collections") {
        members(hub, inner.trim_start_matches("crowdsecurity/"), items);
    }
}

fn wanted(hub: &Path) -> BTreeSet<String> {
    let mut wanted: BTreeSet<String> = EXTRA.iter().map(|name| format!("parsers:{name}")).collect();
    for name in COLLECTIONS {
        members(hub, name, &mut wanted);
    }
    wanted
}

fn told<T: std::fmt::Display>(problems: &[T]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_parsers_of_the_first_collections_load_without_a_problem() {
    let Some(hub) = corpus::hub() else { return };
    let all = corpus::items(&hub);
    let items: Vec<ItemFile> = wanted(&hub).iter().map(|name| all[name].clone()).collect();
    let rules = Rules::load(&items, corpus::world(), Settings::default());
    let rules = rules.unwrap_or_else(|problems| panic!("{}", told(&problems)));
    println!("{} items, warnings: {}", items.len(), told(rules.warnings()));
}

#[test]
fn every_parser_and_postoverflow_of_the_hub_loads() {
    let Some(hub) = corpus::hub() else { return };
    let items: Vec<ItemFile> = corpus::items(&hub).into_values().collect();
    let loaded = Rules::load(&items, corpus::world(), Settings::default());
    let rules = loaded.unwrap_or_else(|problems| panic!("{}", told(&problems)));
    println!("{} items, {} warnings", items.len(), rules.warnings().len());
}

#[test]
fn the_parser_cases_of_the_hub_pass() {
    let Some(hub) = corpus::hub() else { return };
    let all = corpus::items(&hub);
    let wanted = wanted(&hub);
    let (mut passed, mut failed, mut must) = (0, Vec::new(), 0);
    let mut skipped_lines = 0;
    for folder in fs::read_dir(hub.join(".tests")).unwrap().filter_map(Result::ok) {
        let folder = folder.path();
        let Some(case) = case(&folder) else { continue };
        let ours = case.parsers.iter().chain(&case.postoverflows).all(|name| {
            name.is_empty()
                || wanted
                    .iter()
                    .any(|w| w.ends_with(&format!(":{name}")) || name.contains(&w.replace("parsers:", "")))
        });
        if needs_database(&case, &all) {
            println!("skipped: {} needs a GeoIP database", folder.display());
            continue;
        }
        must += usize::from(ours);
        match run(&hub, &folder, &case, &all) {
            Ok(skipped) => {
                passed += 1;
                skipped_lines += skipped;
            }
            Err(error) => {
                let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                failed.push((ours, name, error));
            }
        }
    }
    failed.sort();
    for (ours, name, error) in &failed {
        println!("{}{name}: {error}", if *ours { "OURS " } else { "" });
    }
    println!(
        "{passed} parser cases pass, {} fail, {skipped_lines} assertions not read, {must} ours",
        failed.len()
    );
    assert!(failed.is_empty() && must >= 10 && passed >= 130, "{failed:?}");
}

/// Returns whether a case asserts what a GeoIP database says.
fn needs_database(case: &Case, all: &BTreeMap<String, ItemFile>) -> bool {
    case.parsers.iter().any(|name| {
        name.contains("geoip-enrich") || all.get(name).is_some_and(|item| item.text.contains(".mmdb"))
    })
}

/// Reads a case that asserts what parsers do; `None` for others.
fn case(folder: &Path) -> Option<Case> {
    let config = fs::read_to_string(folder.join("config.yaml")).ok()?;
    let case: Case = yaml::from_str(&config, Dialect::Lenient).ok()?;
    let asserts = fs::read_to_string(folder.join("parser.assert")).ok()?;
    (!case.ignore_parsers && !asserts.trim().is_empty() && !case.log_file.is_empty()).then_some(case)
}

/// Runs a case; the answer is how many assertions were of a shape not read here.
fn run(hub: &Path, folder: &Path, case: &Case, all: &BTreeMap<String, ItemFile>) -> Result<usize, String> {
    let mut items = Vec::new();
    for (kind, place, names) in [
        (Kind::Parser, "parsers", &case.parsers),
        (Kind::Postoverflow, "postoverflows", &case.postoverflows),
    ] {
        for name in names.iter().filter(|name| !name.is_empty()) {
            let known = all.get(&format!("{place}:{name}")).cloned();
            let own = [hub.join(name), folder.join(name)]
                .into_iter()
                .find(|path| path.is_file());
            let item = known.or_else(|| own.map(|path| corpus::item(kind, place, &path)));
            items.push(item.ok_or_else(|| format!("no item {name}"))?);
        }
    }
    if !case.override_statics.is_empty() {
        items.push(overrides(&case.override_statics));
    }
    let rules =
        Rules::load(&items, corpus::world(), Settings::default()).map_err(|problems| told(&problems))?;
    let log = fs::read(folder.join(&case.log_file)).map_err(|error| error.to_string())?;
    let mut labels = case.labels.clone();
    labels.insert("type".to_owned(), case.log_type.clone());
    let labels = Arc::new(labels);
    let now = jiff::Timestamp::from_second(1_795_000_000).map_err(|error| error.to_string())?;
    let mut results = Results::default();
    let mut worker = rules.worker();
    for line in String::from_utf8_lossy(&log)
        .lines()
        .filter(|line| !line.is_empty())
    {
        let raw = RawLine {
            text: line.into(),
            source: Arc::from(case.log_file.as_str()),
            labels: Arc::clone(&labels),
            module: Name::new("file"),
            at: now,
        };
        rules.parse_recorded(&mut worker, raw, Mode::TimeMachine, now, Some(&mut results));
    }
    let asserts = fs::read_to_string(folder.join("parser.assert")).map_err(|error| error.to_string())?;
    let mut skipped = 0;
    for assertion in asserts.lines().filter(|line| !line.is_empty()) {
        match results.holds(assertion) {
            Some(true) => {}
            Some(false) => return Err(format!("false: {assertion}")),
            None => skipped += 1,
        }
    }
    Ok(skipped)
}

/// Returns the parser that a case puts before all others.
fn overrides(statics: &[BTreeMap<String, String>]) -> ItemFile {
    let text = serde_json::json!({"name": "overrides", "filter": "1==1", "statics": statics}).to_string();
    ItemFile {
        kind: Kind::Parser,
        stage: "s00-raw".to_owned(),
        path: "parsers/s00-raw/00_overrides.yaml".to_owned(),
        name: "overrides".to_owned(),
        version: String::new(),
        hash: String::new(),
        text,
    }
}

impl Results {
    /// Evaluates one assertion; `None` for a shape not read here.
    fn holds(&self, assertion: &str) -> Option<bool> {
        thread_local! {
            static ENTRY: Regex = Regex::new(
                r#"^(basename\()?results\["([^"]+)"\]\["([^"]+)"\]\[(\d+)\]\.(Success|Evt\.Whitelisted|Evt\.WhitelistReason|Evt\.(Parsed|Meta|Enriched)\[("[^"]+")\])\)? == (.+)$"#
            ).unwrap();
            static COUNT: Regex = Regex::new(r#"^len\(results(?:\["([^"]+)"\]\["([^"]+)"\])?\) == (\d+)$"#).unwrap();
        }
        if let Some(found) = COUNT.with(|regex| regex.captures(assertion)) {
            let expected: usize = found[3].parse().ok()?;
            let actual = match (found.get(1), found.get(2)) {
                (Some(stage), Some(node)) => self
                    .nodes
                    .get(stage.as_str())
                    .and_then(|nodes| nodes.get(node.as_str()))
                    .map_or(0, Vec::len),
                // The dump has the stage `success` besides.
                _ => self.nodes.len() + 1,
            };
            return Some(actual == expected);
        }
        ENTRY.with(|regex| regex.captures(assertion)).and_then(|found| {
            let entry = self.nodes.get(&found[2]).and_then(|nodes| nodes.get(&found[3]));
            let Some((success, event)) = entry.and_then(|all| all.get(found[4].parse::<usize>().ok()?))
            else {
                return Some(false);
            };
            let expected = found[8].trim();
            let field = found.get(6).map_or("", |m| m.as_str());
            Some(match (&found[5], field) {
                ("Success", _) => success.to_string() == expected,
                ("Evt.Whitelisted", _) => event.whitelisted.to_string() == expected,
                ("Evt.WhitelistReason", _) => unquoted(expected)? == *event.whitelist_reason,
                (_, field) => {
                    let fields = match field {
                        "Parsed" => &event.parsed,
                        "Meta" => &event.meta,
                        _ => &event.enriched,
                    };
                    fields.text(&unquoted(&found[7])?) == unquoted(expected)?
                }
            })
        })
    }
}

/// Reads a Go string literal, whose escapes are JSON's in these files but for a few.
fn unquoted(literal: &str) -> Option<String> {
    serde_json::from_str(literal).ok()
}
