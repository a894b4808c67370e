//! Logs of pods under a tree as the kubelet keeps it: pods come and go, containers restart, files are rotated.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ::pods::{Known, Pod, View};
use agent::acquire::file::follow::{Follower, Resume};
use agent::acquire::file::wake::Hints;
use agent::acquire::pods::Plan;
use agent::acquire::{FileId, Note};
use agent::checkpoint::Position;
use agent::sources::Register;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::install::{EACH, Install, Running, until};
use crate::lapi::Lapi;

const EDGE: &str = "- {name: edge, namespace: shop, selector: {matchLabels: {app: web}}, labels: {type: nginx, tier: front}}\n";

/// A node: its tree of logs, what is known of its pods, and a follower with a clock of its own.
struct Node {
    root: PathBuf,
    state: PathBuf,
    view: View,
    plan: Plan,
    follower: Follower,
    register: Register,
    now: Timestamp,
    positions: BTreeMap<FileId, Position>,
    /// `namespace/pod/container: line`
    seen: Vec<String>,
    _owned: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let owned = tempfile::tempdir().unwrap();
        let (root, state) = (owned.path().join("pods"), owned.path().join("state"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&state).unwrap();
        let register = Register::default();
        Self {
            plan: Plan::load(&root, &state),
            root,
            state,
            view: View::default(),
            follower: Follower::new(Vec::new(), Resume::default(), register.clone()),
            register,
            now: service::clock::now(),
            positions: BTreeMap::new(),
            seen: Vec::new(),
            _owned: owned,
        }
    }

    /// A node with the container `app` of a pod that the target selects.
    fn with_app() -> (Self, Container) {
        let mut node = Self::new();
        node.targets(EDGE);
        node.pod("shop", "a");
        let app = node.container("shop_a_1", "app");
        (node, app)
    }

    fn targets(&mut self, list: &str) {
        self.view.known.targets = ::pods::targets::parse(&format!("targets:\n{list}")).unwrap();
        self.arrange();
    }

    fn pod(&mut self, namespace: &str, name: &str) {
        self.view.known.pods.push(Pod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: "1".to_owned(),
            labels: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
        });
        self.arrange();
    }

    fn pod_is_gone(&mut self, name: &str) {
        self.view.known.pods.retain(|pod| pod.name != name);
        self.arrange();
    }

    fn arrange(&mut self) {
        let desired = self.plan.take(&self.view, self.now);
        self.register.arrange_targets(&self.view);
        let notes = self.follower.update(desired, self.now);
        self.take_notes(notes);
    }

    fn take_notes(&mut self, notes: Vec<Note>) {
        for note in notes {
            match note {
                Note::Position(id, position) => {
                    self.positions.insert(id, position);
                }
                Note::Closed(id) => {
                    self.positions.remove(&id);
                }
                Note::Patterns(_) | Note::CaughtUp => {}
            }
        }
    }

    /// Looks for files and reads until nothing is left, a second later.
    fn round(&mut self) {
        self.now += SignedDuration::from_secs(1);
        let notes = self.follower.discover(self.now);
        self.take_notes(notes);
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 10_000, "reading does not end");
            let mut batches = Vec::new();
            let is_more = self.follower.read(self.now, &mut |batch| {
                batches.push(batch);
                true
            });
            for batch in batches {
                let (closed, other) = batch
                    .notes
                    .into_iter()
                    .partition(|note| matches!(note, Note::Closed(_)));
                self.take_notes(other);
                for item in batch.items {
                    let position = self.positions.get_mut(&item.file).expect("an announced file");
                    position.offset = item.end;
                    position.partials = item.partials.map(|p| (*p).clone()).unwrap_or_default();
                    let of = |label: &str| item.line.labels[label].clone();
                    let place = format!("{}/{}/{}", of("namespace"), of("pod"), of("container"));
                    self.seen.push(format!("{place}: {}", item.line.text));
                }
                self.take_notes(closed);
            }
            if !is_more {
                return;
            }
        }
    }

    /// Stops without warning; the next start knows what was stored.
    fn restart(&mut self) {
        let resume = Resume {
            positions: std::mem::take(&mut self.positions).into_values().collect(),
            ..Resume::default()
        };
        self.follower = Follower::new(Vec::new(), resume, self.register.clone());
        self.plan = Plan::load(&self.root, &self.state);
        let known = self.plan.known();
        assert_eq!(known, self.view.known, "what is known outlives the process");
        self.view = View {
            known,
            ..View::default()
        };
        self.arrange();
    }

    fn container(&self, pod: &str, container: &str) -> Container {
        let folder = self.root.join(pod).join(container);
        fs::create_dir_all(&folder).unwrap();
        Container::new(folder, 0)
    }

    #[track_caller]
    fn assert_seen(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.seen), expected);
    }

    /// Says that all folders are watched, so that only hints make the follower look.
    fn watch_all(&mut self) {
        let mut folders = self.follower.folders();
        folders.insert(self.root.clone());
        self.follower.cover(&folders);
    }

    fn hint(&mut self, grown: &[&Path], moved: &[&Path]) {
        let hints = Hints {
            grown: grown.iter().map(|path| (*path).to_owned()).collect(),
            moved: moved.iter().map(|path| (*path).to_owned()).collect(),
            is_lost: false,
        };
        self.follower.hint(&hints, self.now);
    }
}

/// A container that writes through the runtime.
struct Container {
    folder: PathBuf,
    run: u32,
    rotations: u32,
    file: File,
}

impl Container {
    fn new(folder: PathBuf, run: u32) -> Self {
        let file = append(&folder.join(format!("{run}.log")));
        Self {
            folder,
            run,
            rotations: 0,
            file,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.run))
    }

    fn say(&mut self, text: &str) {
        writeln!(self.file, "{}", cri("F", text)).unwrap();
    }

    /// Renames the file as the kubelet does; the runtime still writes to it until `reopen`.
    fn rotate(&mut self) -> PathBuf {
        self.rotations += 1;
        let rotated = self
            .folder
            .join(format!("{}.log.20260101-{:06}", self.run, self.rotations));
        fs::rename(self.path(), &rotated).unwrap();
        rotated
    }

    fn reopen(&mut self) {
        self.file = append(&self.path());
    }

    fn restart(&mut self) {
        self.run += 1;
        self.reopen();
    }
}

fn cri(tag: &str, text: &str) -> String {
    format!("2026-01-01T00:00:00.1Z stdout {tag} {text}")
}

fn append(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}

fn line(place: &str, text: &str) -> String {
    format!("{place}: {}", cri("F", text))
}

#[test]
fn a_new_pod_is_read_from_its_first_byte_and_one_that_is_gone_to_its_last() {
    let mut node = Node::new();
    node.targets(EDGE);
    node.round();
    node.pod("shop", "a");
    node.pod("bank", "a");
    node.round();
    let mut other = node.container("bank_a_1", "app");
    other.say("of another namespace");
    let mut app = node.container("shop_a_1", "app");
    let mut sidecar = node.container("shop_a_1", "sidecar");
    app.say("first");
    sidecar.say("beside");
    node.round();
    node.assert_seen(&[&line("shop/a/app", "first"), &line("shop/a/sidecar", "beside")]);
    app.say("last");
    node.pod_is_gone("a");
    app.say("very last");
    node.round();
    node.assert_seen(&[&line("shop/a/app", "last"), &line("shop/a/app", "very last")]);
    for _ in 0..12 {
        node.round();
    }
    assert_eq!((node.follower.open_files(), node.positions.len()), (0, 0));
}

#[test]
fn lines_carry_what_parsers_and_people_need() {
    let mut node = Node::new();
    let plain = "- {name: raw, namespace: shop, selector: {}, containers: [db], labels: {type: mysql}, format: plain}\n";
    node.targets(&format!("{EDGE}{plain}"));
    node.pod("shop", "a");
    node.container("shop_a_1", "app").say("x");
    append(&node.container("shop_a_1", "db").path())
        .write_all(b"plain text\n")
        .unwrap();
    node.now += SignedDuration::from_secs(1);
    node.follower.discover(node.now);
    let mut told = Vec::new();
    node.follower.read(node.now, &mut |batch| {
        for item in batch.items {
            told.push(format!(
                "{} {:?} {}",
                item.line.source, item.line.labels, item.line.text
            ));
        }
        true
    });
    assert_eq!(
        told,
        [
            r#"shop/edge {"container": "app", "namespace": "shop", "pod": "a", "program": "nginx", "tier": "front", "type": "containerd"} 2026-01-01T00:00:00.1Z stdout F x"#,
            r#"shop/edge {"container": "db", "namespace": "shop", "pod": "a", "tier": "front", "type": "nginx"} plain text"#,
            r#"shop/raw {"container": "db", "namespace": "shop", "pod": "a", "type": "mysql"} plain text"#,
        ]
    );
}

#[test]
fn rotations_and_restarts_lose_nothing_and_repeat_nothing() {
    let (mut node, mut app) = Node::with_app();
    let mut said = 0;
    let mut say = |app: &mut Container, count: usize| {
        for _ in 0..count {
            app.say(&format!("n={said}"));
            said += 1;
        }
    };
    for n in 0..300 {
        say(&mut app, 5);
        if n % 3 == 0 {
            node.round();
        }
        match n % 5 {
            0 => app.restart(),
            1 | 3 => {
                let rotated = app.rotate();
                say(&mut app, 2);
                if n % 2 == 0 {
                    node.round();
                }
                say(&mut app, 1);
                app.reopen();
                node.round();
                if n % 4 == 0 {
                    // The one before is compressed at the next rotation.
                    fs::rename(&rotated, rotated.with_extension("gz.tmp")).unwrap();
                }
            }
            _ => {}
        }
        if n % 7 == 0 {
            node.restart();
            say(&mut app, 1);
        }
        node.round();
        node.now += SignedDuration::from_secs(3);
    }
    let mut numbers: Vec<usize> = node
        .seen
        .iter()
        .map(|line| line.rsplit("n=").next().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    let twice: Vec<_> = numbers.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(numbers.len(), said);
}

#[test]
fn what_was_rotated_more_than_once_while_we_were_down_is_read() {
    let (mut node, mut app) = Node::with_app();
    app.say("one");
    node.round();
    node.restart();
    for text in ["two", "three", "four"] {
        app.say(text);
        app.rotate();
        app.reopen();
    }
    app.restart();
    app.say("five");
    node.round();
    let expected = ["one", "two", "three", "four", "five"].map(|text| line("shop/a/app", text));
    assert_eq!(node.seen, expected);
}

#[test]
fn a_changed_target_reads_nothing_again() {
    let (mut node, mut app) = Node::with_app();
    app.say("one");
    node.round();
    node.targets(&EDGE.replace("tier: front", "tier: back"));
    app.say("two");
    node.round();
    node.targets("- {name: other, namespace: bank, selector: {}, labels: {type: x}}\n");
    app.say("three");
    node.round();
    let expected = ["one", "two"].map(|text| line("shop/a/app", text));
    assert_eq!(node.seen, expected, "a target that is gone is not read");
    node.targets(EDGE);
    node.round();
    assert_eq!(node.seen.len(), 3);
    assert_eq!(node.seen[2], line("shop/a/app", "three"));
}

#[test]
fn old_logs_of_a_new_target_are_not_read_and_young_ones_are() {
    let mut node = Node::new();
    node.pod("shop", "a");
    let mut app = node.container("shop_a_1", "app");
    app.say("long ago");
    node.now += SignedDuration::from_hours(1);
    node.targets(EDGE);
    node.round();
    app.say("now");
    node.round();
    node.assert_seen(&[&line("shop/a/app", "now")]);

    let mut node = Node::new();
    node.pod("shop", "a");
    node.container("shop_a_1", "app").say("just before");
    node.now += SignedDuration::from_secs(30);
    node.targets(EDGE);
    node.round();
    node.assert_seen(&[&line("shop/a/app", "just before")]);
}

#[test]
fn what_is_watched_is_looked_at_when_it_is_hinted_at() {
    let (mut node, mut app) = Node::with_app();
    app.say("one");
    node.round();
    node.watch_all();
    node.now += SignedDuration::from_secs(20);
    node.round();
    node.seen.clear();
    app.say("two");
    assert!(!node.follower.is_polling());
    node.round();
    node.assert_seen(&[]);
    node.hint(&[&app.path()], &[]);
    node.round();
    node.assert_seen(&[&line("shop/a/app", "two")]);
    let mut late = node.container("shop_a_1", "late");
    late.say("three");
    node.round();
    node.assert_seen(&[]);
    node.hint(&[], &[&late.folder]);
    node.round();
    node.assert_seen(&[&line("shop/a/late", "three")]);
    app.say("four");
    node.now += SignedDuration::from_secs(5);
    node.round();
    node.assert_seen(&[&line("shop/a/app", "four")]);
}

#[test]
fn fragments_of_long_lines_are_joined_in_both_streams() {
    let (mut node, mut app) = Node::with_app();
    let (a, b) = ("a".repeat(16 << 10), "b".repeat(5000));
    writeln!(app.file, "{}", cri("P", &a)).unwrap();
    node.round();
    node.restart();
    writeln!(app.file, "{}", cri("F", "between").replace("stdout", "stderr")).unwrap();
    writeln!(app.file, "{}", cri("F", &b)).unwrap();
    node.round();
    let expected = [
        line("shop/a/app", "between").replace("stdout", "stderr"),
        line("shop/a/app", &format!("{a}{b}")),
    ];
    assert_eq!(node.seen, expected);
}

#[test]
fn an_earlier_runs_knowledge_that_cannot_be_read_is_no_failure() {
    let node = Node::new();
    fs::write(node.state.join("pods.json"), "{").unwrap();
    assert_eq!(Plan::load(&node.root, &node.state).known(), Known::default());
}

/// An installation whose source is pods.
fn install(lapi: &Lapi) -> Install {
    let install = Install::new(&lapi.url, EACH);
    let root = install.root.join("pods");
    fs::create_dir_all(&root).unwrap();
    let source = format!(
        "source: pods\nconfig_map: t\nnamespace: crowdsec\nnode: n\nroot: {}\n",
        root.display()
    );
    install.write("etc/acquis.yaml", &source);
    install
}

fn view(labels: &str) -> View {
    let target = format!(
        "targets:\n- {{name: edge, namespace: shop, selector: {{}}, labels: {{{labels}}}, format: plain}}\n"
    );
    View {
        known: Known {
            targets: ::pods::targets::parse(&target).unwrap(),
            pods: vec![Pod {
                namespace: "shop".to_owned(),
                name: "a".to_owned(),
                uid: "1".to_owned(),
                labels: BTreeMap::new(),
            }],
        },
        ..View::default()
    }
}

async fn start(install: &Install, first: View) -> (Running, watch::Sender<View>) {
    let (sender, receiver) = watch::channel(first);
    let loaded = install.load(agent::Sources::Configured).unwrap();
    (Running::start_loaded(loaded.with_view(receiver)).await, sender)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_agent_takes_up_a_pod_and_reports_its_lines() {
    let lapi = Lapi::start().await;
    let install = install(&lapi);
    let (running, sender) = start(&install, View::default()).await;
    let folder = install.root.join("pods/shop_a_1/app");
    fs::create_dir_all(&folder).unwrap();
    let mut log = append(&folder.join("0.log"));
    writeln!(log, "n=0 ip=192.0.2.7").unwrap();
    sender.send_replace(view("type: test"));
    until("the line before the view", || lapi.count() == 1).await;
    writeln!(log, "n=1 ip=192.0.2.7\nnot understood").unwrap();
    until("the line after it", || lapi.count() == 2).await;
    sender.send_replace(View {
        problem: Some("ConfigMap crowdsec/t: targets.yaml:2: no".to_owned()),
        ..view("type: test")
    });
    let source = |name: &str| -> Option<Value> {
        let reports = lapi.reports();
        let sources = reports.last()?["sources"].as_array()?.clone();
        sources.into_iter().find(|source| source["name"] == name)
    };
    let part = |source: &Value| json!([source["type"], source["files"], source["read"], source["parsed"]]);
    until("the report", || {
        let is_told =
            source("targets.yaml").is_some_and(|told| told["error"].as_str().unwrap().contains(":2: no"));
        is_told && source("shop/edge").is_some_and(|source| part(&source) == json!(["test", 1, 3, 2]))
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_gone_on_with_after_a_restart_before_anyone_tells_of_it() {
    let lapi = Lapi::start().await;
    let install = install(&lapi);
    let folder = install.root.join("pods/shop_a_1/app");
    fs::create_dir_all(&folder).unwrap();
    let mut log = append(&folder.join("0.log"));
    let (running, _sender) = start(&install, view("type: test")).await;
    writeln!(log, "n=0 ip=192.0.2.7").unwrap();
    until("the first line", || lapi.count() == 1).await;
    running.stop().await;
    writeln!(log, "n=1 ip=192.0.2.7").unwrap();
    let state = install.root.join("data/agent");
    let known = Plan::load(&install.root.join("pods"), &state).known();
    let first = View {
        known,
        ..View::default()
    };
    let (running, _sender) = start(&install, first).await;
    until("the second line", || lapi.count() == 2).await;
    running.stop().await;
    assert_eq!(lapi.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_api_without_reports_is_left_alone() {
    let lapi = Lapi::start().await;
    lapi.be_upstream();
    let install = install(&lapi);
    let (running, sender) = start(&install, View::default()).await;
    until("the question", || lapi.requests("POST /v1/watchers/report") == 1).await;
    sender.send_replace(view("type: test"));
    let folder = install.root.join("pods/shop_a_1/app");
    fs::create_dir_all(&folder).unwrap();
    append(&folder.join("0.log"))
        .write_all(b"n=0 ip=192.0.2.7\n")
        .unwrap();
    until("the line", || lapi.count() == 1).await;
    running.stop().await;
    assert_eq!(lapi.requests("POST /v1/watchers/report"), 1);
}
