//! The hub's own tests, run by the library behind `cscli hubtest`: what passed once may not fail again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cli::hubtest::case::{self, Case, Places};
use cli::hubtest::verdict::judge;

/// Names of the tests that pass, one a line; `UPDATE=1` adds those that pass now.
const PASSING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hubtest-passing.txt");

/// Tests that cannot pass here, and what they lack.
const LACKING: [(&str, &str); 3] = [
    ("geoip-enrich", "GeoIP databases"),
    ("magento-ccs-by-country", "GeoIP databases"),
    ("teleport-impossible-travel", "GeoIP databases"),
];

/// Items of the collections nginx, traefik, sshd, linux, base-http-scenarios, http-cve and of the container parser are
/// all among the hub's tests; none of those may be missing from the list.
const FAMILIES: [&str; 6] = ["nginx", "traefik", "ssh", "http", "CVE-", "cri-"];

fn folder(name: &str, fallback: &str) -> Option<PathBuf> {
    let shared = || {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        std::env::var_os("SHARED_DIR").map_or(beside, PathBuf::from)
    };
    let path = std::env::var_os(name).map_or_else(|| shared().join(fallback), PathBuf::from);
    if !path.is_dir() {
        println!("skipped: no {name}");
        return None;
    }
    Some(path)
}

/// Runs every test of the hub and returns the names of those that pass, and the reasons of the others.
fn run_all(places: &Places, names: &[String]) -> (BTreeSet<String>, Vec<String>) {
    // Years that lines leave out are those of the recorded assertions' slices: any year will do.
    let now = "2026-11-25T01:00:00Z".parse().expect("a time");
    let next = AtomicUsize::new(0);
    let worker = || {
        let (mut passed, mut reasons) = (Vec::new(), Vec::new());
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let verdict = Case::read(places, name)
                .map_err(|error| error.to_string())
                .and_then(|case| judge(&case, places, now).map_err(|error| error.to_string()));
            match verdict {
                Ok(verdict) if verdict.passed() => passed.push(name.clone()),
                Ok(_) => reasons.push(format!("{name}: assertions are false")),
                Err(error) => reasons.push(format!("{name}: {error}")),
            }
        }
        (passed, reasons)
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        let (mut passed, mut reasons) = (BTreeSet::new(), Vec::new());
        for (names, why) in workers.map(|worker| worker.join().expect("a worker ends")) {
            passed.extend(names);
            reasons.extend(why);
        }
        (passed, reasons)
    })
}

#[test]
fn hub_tests_that_passed_once_still_pass() {
    let (Some(hub), data) = (folder("HUB_DIR", "hub"), folder("HUB_DATA_DIR", "hub-data")) else {
        return;
    };
    let places = Places { hub, data };
    let names = case::names(&places.hub).expect("the hub's tests");
    let (passed, reasons) = run_all(&places, &names);
    println!("{} of {} hub tests pass", passed.len(), names.len());
    let listed: BTreeSet<String> = std::fs::read_to_string(PASSING)
        .expect("the list")
        .lines()
        .map(str::to_owned)
        .collect();
    let lost: Vec<&String> = listed
        .iter()
        .filter(|name| names.contains(name) && !passed.contains(*name))
        .collect();
    assert!(lost.is_empty(), "{lost:?} passed before; now: {reasons:#?}");
    let gained: Vec<&String> = passed.difference(&listed).collect();
    if std::env::var_os("UPDATE").is_some() {
        let all: BTreeSet<String> = listed.union(&passed).cloned().collect();
        let text: String = all.into_iter().flat_map(|name| [name, "\n".to_owned()]).collect();
        std::fs::write(PASSING, text).expect("the list is written");
    } else {
        assert!(
            gained.is_empty(),
            "{gained:?} pass too: run with UPDATE=1 to keep them"
        );
    }
}

#[test]
fn the_list_holds_everything_but_what_lacks_data_here() {
    let Some(hub) = folder("HUB_DIR", "hub") else {
        return;
    };
    let names = case::names(&hub).expect("the hub's tests");
    let listed = std::fs::read_to_string(PASSING).expect("the list");
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !listed.lines().any(|line| line == *name))
        .collect();
    let lacking: Vec<&str> = LACKING.iter().map(|(name, _)| *name).collect();
    assert_eq!(missing, lacking, "left out of the list");
    for family in FAMILIES {
        assert!(
            listed.lines().any(|name| name.contains(family)),
            "no test of {family}"
        );
    }
}

#[test]
fn the_starter_sets_own_tests_all_pass() {
    let hub = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hub/starter");
    let places = Places { hub, data: None };
    let names = case::names(&places.hub).expect("the starter set's tests");
    let (passed, reasons) = run_all(&places, &names);
    assert!(reasons.is_empty(), "{reasons:#?}");
    assert_eq!(passed.len(), names.len());
    assert!(
        passed.len() >= 18,
        "tests of the starter set went missing: {names:?}"
    );
}
