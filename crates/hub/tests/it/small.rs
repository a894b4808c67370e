//! A hub of four items in a temporary folder: install, change, upgrade, remove.

use std::fs;
use std::path::{Path, PathBuf};

use hub::apply::{apply, update_index};
use hub::index::digest;
use hub::plan::{InstallOptions, Note, Planner, RemoveOptions};
use hub::source::{Fetch, FetchError, Origin, Sources};
use hub::{Entry, Hub, Index, ItemRef, ItemType, Paths};

pub(crate) struct Offline;

impl Fetch for Offline {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Unreachable {
            url: url.to_owned(),
            cause: "no network in tests".to_owned(),
        })
    }
}

struct World {
    root: tempfile::TempDir,
}

impl World {
    /// `old` texts are version 0.1, `new` ones the latest.
    fn new() -> Self {
        let world = Self {
            root: tempfile::tempdir().unwrap(),
        };
        world.publish(&[
            ("parsers/s01-parse/me/logs.yaml", "name: me/logs\n"),
            (
                "scenarios/me/bf.yaml",
                "name: me/bf\ndata:\n  - source_url: https://hub-data.example/web/list.txt\n    dest_file: sub/list.txt\n",
            ),
            ("scenarios/me/slow.yaml", "name: me/slow\n"),
            ("collections/me/all.yaml", "name: me/all\nparsers: [me/logs]\nscenarios: [me/bf, me/slow]\n"),
        ]);
        world.write("data-source/web/list.txt", "one\n");
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds a version of each file to the source folder's index.
    fn publish(&self, files: &[(&str, &str)]) {
        let index_path = self.path("source/.index.json");
        let mut index =
            fs::read(&index_path).map_or_else(|_| Index::default(), |b| Index::parse(&b).unwrap());
        for (path, text) in files {
            self.write(&format!("source/{path}"), text);
            let document = hub::document::Document::parse(text).unwrap();
            let parts: Vec<&str> = path.split('/').collect();
            let kind = ItemType::parse(parts[0]).unwrap();
            let entry: &mut Entry = index
                .items
                .entry(kind)
                .or_default()
                .entry(document.name.clone())
                .or_default();
            (*path).clone_into(&mut entry.path);
            if kind.has_stages() {
                parts[1].clone_into(&mut entry.stage);
            }
            entry.version = format!("0.{}", entry.versions.len() + 1);
            let version = hub::index::Version {
                digest: digest(text.as_bytes()),
                deprecated: false,
            };
            entry.versions.insert(entry.version.clone(), version);
            entry.dependencies = document.dependencies;
        }
        fs::write(index_path, index.to_json()).unwrap();
    }

    fn paths(&self) -> Paths {
        Paths {
            hub_dir: self.path("hub"),
            index_path: self.path("hub/.index.json"),
            install_dir: self.path("etc"),
            data_dir: self.path("data"),
        }
    }

    fn sources(&self) -> Sources<'static> {
        let mut sources = Sources::new(&self.path("source").display().to_string(), "master", &Offline);
        sources.data_folder = Some(self.path("data-source"));
        sources
    }

    fn hub(&self) -> Hub {
        update_index(&self.paths().index_path, &self.sources()).unwrap();
        Hub::open(self.paths()).unwrap()
    }

    fn run(&self, build: impl FnOnce(&mut Planner<'_>)) -> (String, Vec<Note>) {
        let hub = self.hub();
        let mut planner = Planner::new(&hub);
        build(&mut planner);
        let plan = planner.finish();
        let mut lines = String::new();
        let mut tell = |line: &str| {
            lines.push_str(line);
            lines.push('\n');
        };
        apply(&hub, &plan, &self.sources(), &mut tell).unwrap();
        (lines, plan.notes)
    }

    fn install_all(&self) {
        self.run(|p| {
            p.install(ItemType::Collections, "me/all", InstallOptions::default())
                .unwrap();
        });
    }

    /// The items of the small hub; the starter set, which stands beside every index, is left out.
    fn status(&self) -> Vec<String> {
        let hub = self.hub();
        ItemType::ALL
            .into_iter()
            .flat_map(|kind| hub.of_type(kind))
            .filter(|item| !item.id.name.starts_with("starter/"))
            .map(|item| {
                format!("{} {} {}", item.id, item.status(), item.version())
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }
}

#[test]
fn installing_a_collection_downloads_and_links_its_parts_and_data_first() {
    let world = World::new();
    let (lines, notes) = world.run(|p| {
        p.install(ItemType::Collections, "me/all", InstallOptions::default())
            .unwrap();
    });
    insta::assert_snapshot!(lines, @r"
    downloading parsers:me/logs
    downloading scenarios:me/bf
    downloading https://hub-data.example/web/list.txt
    downloading scenarios:me/slow
    downloading collections:me/all
    enabling parsers:me/logs
    enabling scenarios:me/bf
    enabling scenarios:me/slow
    enabling collections:me/all
    ");
    assert!(notes.is_empty());
    assert_eq!(
        fs::read_to_string(world.path("data/sub/list.txt")).unwrap(),
        "one\n"
    );
    let link = fs::read_link(world.path("etc/parsers/s01-parse/logs.yaml")).unwrap();
    assert_eq!(link, world.path("hub/parsers/s01-parse/me/logs.yaml"));
    insta::assert_debug_snapshot!(world.status(), @r#"
    [
        "parsers:me/logs enabled 0.1",
        "scenarios:me/bf enabled 0.1",
        "scenarios:me/slow enabled 0.1",
        "collections:me/all enabled 0.1",
    ]
    "#);
}

#[test]
fn a_changed_file_is_tainted_and_so_is_its_collection() {
    let world = World::new();
    world.install_all();
    world.write("hub/scenarios/me/bf.yaml", "name: me/bf\n# mine\n");
    assert_eq!(world.status()[1], "scenarios:me/bf enabled,tainted ?");
    assert_eq!(world.status()[3], "collections:me/all enabled,tainted 0.1");
    let (lines, notes) = world.run(|p| p.upgrade(ItemType::Scenarios, "me/bf", false).unwrap());
    assert_eq!(lines, "");
    assert_eq!(
        notes,
        [Note::Warning(
            "scenarios:me/bf is tainted, use '--force' to overwrite".into()
        )]
    );
    world.run(|p| p.upgrade(ItemType::Scenarios, "me/bf", true).unwrap());
    assert_eq!(world.status()[1], "scenarios:me/bf enabled 0.1");
}

#[test]
fn a_missing_part_taints_the_collection_and_installing_it_again_repairs_it() {
    let world = World::new();
    world.install_all();
    fs::remove_file(world.path("etc/scenarios/slow.yaml")).unwrap();
    assert_eq!(world.status()[3], "collections:me/all enabled,tainted 0.1");
    let (lines, _) = world.run(|p| {
        p.install(
            ItemType::Collections,
            "me/all",
            InstallOptions {
                force: true,
                download_only: false,
            },
        )
        .unwrap();
    });
    assert!(lines.contains("enabling scenarios:me/slow"), "{lines}");
    assert_eq!(world.status()[3], "collections:me/all enabled 0.1");
}

#[test]
fn an_upgrade_enables_new_parts_and_disables_those_that_are_gone() {
    let world = World::new();
    world.install_all();
    world.publish(&[
        ("scenarios/me/new.yaml", "name: me/new\n"),
        (
            "collections/me/all.yaml",
            "name: me/all\nparsers: [me/logs]\nscenarios: [me/bf, me/new]\n",
        ),
    ]);
    assert_eq!(
        world.status()[4],
        "collections:me/all enabled,update-available 0.1"
    );
    let (lines, _) = world.run(|p| p.upgrade(ItemType::Collections, "me/all", false).unwrap());
    insta::assert_snapshot!(lines, @r"
    downloading scenarios:me/new
    enabling scenarios:me/new
    disabling scenarios:me/slow
    downloading collections:me/all
    ");
    assert_eq!(world.status()[4], "collections:me/all enabled 0.2");
}

#[test]
fn a_part_of_an_installed_collection_stays_unless_forced() {
    let world = World::new();
    world.install_all();
    let (lines, notes) = world.run(|p| {
        p.remove(ItemType::Parsers, "me/logs", RemoveOptions::default(), false)
            .unwrap();
    });
    assert_eq!(lines, "");
    assert_eq!(notes.len(), 2);
    let options = RemoveOptions {
        force: true,
        purge: true,
    };
    let (lines, _) = world.run(|p| p.remove(ItemType::Collections, "me/all", options, false).unwrap());
    assert_eq!(
        lines.lines().filter(|line| line.starts_with("purging")).count(),
        4,
        "{lines}"
    );
    assert!(!world.path("hub/collections/me/all.yaml").exists());
}

#[test]
fn own_files_and_configmap_mounts_are_local_items_found_once() {
    let world = World::new();
    world.write("etc/scenarios/..2026_11/own.yaml", "name: me/own\n");
    std::os::unix::fs::symlink("..2026_11", world.path("etc/scenarios/..data")).unwrap();
    std::os::unix::fs::symlink("..data/own.yaml", world.path("etc/scenarios/own.yaml")).unwrap();
    std::os::unix::fs::symlink("/nowhere/x.yaml", world.path("etc/scenarios/broken.yaml")).unwrap();
    let hub = world.hub();
    let installed = hub.installed(ItemType::Scenarios);
    assert_eq!(installed.len(), 1);
    assert_eq!(installed[0].name, "me/own");
    assert_eq!(installed[0].text().unwrap(), "name: me/own\n");
    assert!(
        hub.get(&ItemRef::new(ItemType::Scenarios, "me/own"))
            .unwrap()
            .state
            .local
    );
    assert_eq!(hub.warnings.len(), 1, "{:?}", hub.warnings);
    assert!(
        hub.warnings[0].ends_with("lstat /nowhere/x.yaml: no such file or directory"),
        "{:?}",
        hub.warnings
    );
}

#[test]
fn without_network_and_index_the_starter_set_is_the_index() {
    let root = tempfile::tempdir().unwrap();
    let index_path: &Path = &root.path().join("hub/.index.json");
    let sources = Sources::new(hub::source::DEFAULT_URL_TEMPLATE, "master", &Offline);
    let (origin, changed, problem) = update_index(index_path, &sources).unwrap();
    assert_eq!((origin, changed), (Origin::Starter, true));
    assert!(
        problem
            .unwrap()
            .to_string()
            .starts_with("cannot reach https://cdn-hub.crowdsec.net/")
    );
    assert!(
        update_index(index_path, &sources).is_err(),
        "an index that is there is never replaced by the starter"
    );
}

#[test]
fn unknown_names_suggest_the_nearest() {
    let world = World::new();
    let hub = world.hub();
    let error = hub.find(ItemType::Scenarios, "me/slo").unwrap_err().to_string();
    assert_eq!(error, "can't find 'me/slo' in scenarios, did you mean 'me/slow'?");
}
