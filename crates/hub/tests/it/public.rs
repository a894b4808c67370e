//! The public hub's index against outputs recorded from upstream 1.7.8.

use std::path::PathBuf;

use hub::plan::{InstallOptions, Planner};
use hub::source::Sources;
use hub::{Hub, ItemRef, ItemType, Paths};

use crate::small::Offline;

fn shared() -> Option<PathBuf> {
    let shared = std::env::vars_os()
        .find(|(name, _)| name == "SHARED_DIR")
        .map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
            |(_, v)| v.into(),
        );
    if shared.join("hub/.index.json").is_file() {
        return Some(shared);
    }
    println!("skipped: no SHARED_DIR");
    None
}

/// The stdout of the first recorded run of `command`.
fn recorded(shared: &std::path::Path, command: &str) -> String {
    let text = std::fs::read_to_string(shared.join("captures/cscli-1.7.8-outputs.txt")).unwrap();
    let (_, run) = text
        .split_once(&format!(": {command}\n"))
        .unwrap_or_else(|| panic!("{command} was not recorded"));
    let (_, body) = run.split_once("--- stdout").unwrap();
    let (_, body) = body.split_once('\n').unwrap();
    body.split_once("--- stderr").unwrap().0.to_owned()
}

fn fresh(shared: &std::path::Path, root: &std::path::Path) -> Hub {
    let paths = Paths {
        hub_dir: root.join("hub"),
        index_path: shared.join("hub/.index.json"),
        install_dir: root.join("etc"),
        data_dir: root.join("data"),
    };
    Hub::open(paths).unwrap()
}

#[test]
fn the_compact_plan_is_upstreams() {
    let Some(shared) = shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let hub = fresh(&shared, root.path());
    let mut planner = Planner::new(&hub);
    planner
        .install(
            ItemType::Collections,
            "crowdsecurity/nginx",
            InstallOptions::default(),
        )
        .unwrap();
    let ours = format!(
        "Action plan:\n{}\nDry run, no action taken.\n",
        planner.finish().compact()
    );
    assert_eq!(
        ours,
        recorded(&shared, "cscli collections install crowdsecurity/nginx --dry-run")
    );
}

#[test]
fn the_verbose_plan_is_upstreams_in_order() {
    let Some(shared) = shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let hub = fresh(&shared, root.path());
    let mut planner = Planner::new(&hub);
    for name in ["crowdsecurity/sshd", "crowdsecurity/http-cve"] {
        planner
            .install(ItemType::Collections, name, InstallOptions::default())
            .unwrap();
    }
    let ours = planner.finish().verbose();
    let command = "cscli collections install crowdsecurity/sshd crowdsecurity/http-cve --dry-run -o raw";
    let recorded = recorded(&shared, command);
    let (head, tail) = recorded.split_once("[... ").unwrap();
    let head = head.strip_prefix("Action plan:\n").unwrap();
    let tail = tail
        .split_once('\n')
        .unwrap()
        .1
        .strip_suffix("\nDry run, no action taken.\n")
        .unwrap();
    assert!(ours.starts_with(head), "{ours}");
    assert!(ours.ends_with(tail), "{ours}");
}

#[test]
fn parents_are_counted_as_upstream_counts_them() {
    let Some(shared) = shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let hub = fresh(&shared, root.path());
    let parents = |kind, name: &str| {
        hub.get(&ItemRef::new(kind, name))
            .unwrap()
            .state
            .belongs_to
            .clone()
    };
    let base_config = parents(ItemType::AppsecRules, "crowdsecurity/base-config");
    assert_eq!(
        base_config
            .iter()
            .filter(|name| *name == "ZoeyVid/npmplus")
            .count(),
        3
    );
    let sshd = parents(ItemType::Collections, "crowdsecurity/sshd");
    assert_eq!(sshd.len(), 8);
    assert_eq!(parents(ItemType::Parsers, "crowdsecurity/nginx-logs").len(), 6);
}

#[test]
fn every_embedded_content_has_its_digest_and_reads_as_an_item() {
    let Some(shared) = shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let hub = fresh(&shared, root.path());
    let sources = Sources::new("/nowhere", "master", &Offline);
    let mut items = 0;
    for kind in ItemType::ALL {
        for item in hub
            .of_type(kind)
            .into_iter()
            .filter(|item| !item.id.name.starts_with("starter/"))
        {
            let bytes = sources.item(item.entry.as_ref().unwrap()).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            hub::document::Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", item.id));
            items += 1;
        }
    }
    assert_eq!(items, 1359);
}
