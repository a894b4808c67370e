//! The hub's own tests, run by the library behind `cscli hubtest`: what passed once may not fail again.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cli::hubtest::case::{self, Case, Places};
use cli::hubtest::verdict::judge;
use tempfile::TempDir;
use testkit::mmdb;

/// Names of the tests that pass, one a line; `UPDATE=1` adds those that pass now.
const PASSING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hubtest-passing.txt");

/// Items of the collections nginx, traefik, sshd, linux, base-http-scenarios, http-cve and of the container parser are
/// all among the hub's tests; none of those may be missing from the list.
const FAMILIES: [&str; 6] = ["nginx", "traefik", "ssh", "http", "CVE-", "cri-"];

/// Address, prefix length and record of a network.
type Network = (Ipv4Addr, u8, mmdb::Data);

const NET_1: Ipv4Addr = Ipv4Addr::new(1, 2, 3, 0);
const NET_9: Ipv4Addr = Ipv4Addr::new(9, 8, 8, 0);

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

/// Returns the hub with the databases that stand for those of upstream's tests, which are not published with it.
fn with_test_databases(hub: &Path) -> TempDir {
    let france = [(NET_1, 24, mmdb::city("FR", true, (46.0, 2.0)))];
    let crowdsec = [(NET_1, 24, mmdb::asn(4242, "Crowdsec"))];
    overlay(hub, ".cache/data", &france, &crowdsec)
}

/// Returns the copy of the hub's data files with databases that say of the tests' addresses what the published ones
/// say; those may not be distributed.
fn with_databases(data: &Path) -> TempDir {
    let places = [
        (NET_1, 24, mmdb::city("AU", false, (-33.5, 143.2))),
        (NET_9, 24, mmdb::city("US", false, (37.8, -97.8))),
    ];
    overlay(data, "mmdb_update", &places, &[])
}

/// Returns a folder of links to what is in `below`, with databases of `cities` and `systems` in `folder`.
fn overlay(below: &Path, folder: &str, cities: &[Network], systems: &[Network]) -> TempDir {
    let dir = TempDir::new().expect("a folder");
    let own = dir.path().join(folder);
    std::fs::create_dir_all(&own).expect("a folder");
    for (file, networks) in [("GeoLite2-City.mmdb", cities), ("GeoLite2-ASN.mmdb", systems)] {
        std::fs::write(own.join(file), mmdb::database(networks)).expect("a database");
    }
    link_missing(below, dir.path());
    dir
}

/// Links every entry of `from` that `to` does not have into `to`, and goes into folders that both have.
fn link_missing(from: &Path, to: &Path) {
    let from = from.canonicalize().expect("a folder");
    for entry in from.read_dir().expect("a folder").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if !target.exists() {
            std::os::unix::fs::symlink(source, target).expect("a link");
        } else if target.is_dir() {
            link_missing(&source, &target);
        }
    }
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
    let (hub, data) = (with_test_databases(&hub), data.as_deref().map(with_databases));
    let places = Places {
        hub: hub.path().to_owned(),
        data: data.as_ref().map(|data| data.path().to_owned()),
    };
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
fn the_list_holds_every_test_of_the_hub() {
    let Some(hub) = folder("HUB_DIR", "hub") else {
        return;
    };
    let names = case::names(&hub).expect("the hub's tests");
    let listed = std::fs::read_to_string(PASSING).expect("the list");
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !listed.lines().any(|line| line == *name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are not in the list");
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
