//! A small installation: configuration, patterns, a parser, scenarios and a log, in a temporary folder.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::metrics::Metrics;
use agent::{Loaded, Program, Sources};
use config::resolved::MetricsLevel;
use service::ready::Ready;
use tokio_util::sync::CancellationToken;

/// One alert a line.
pub(crate) const EACH: &str = "type: trigger
name: test/each
description: every line
filter: evt.Meta.log_type == 'test'
groupby: evt.Meta.n
labels:
  remediation: true
";

/// One alert every five lines of an address.
pub(crate) const FIVE: &str = "type: leaky
name: test/five
description: five lines
filter: evt.Meta.log_type == 'test'
groupby: evt.Meta.source_ip
leakspeed: 1h
capacity: 4
labels:
  remediation: true
";

const PARSER: &str = "filter: evt.Line.Labels.type == 'test'
onsuccess: next_stage
name: test/lines
description: lines of the tests
grok:
  pattern: '^n=%{DIGITS:n} ip=%{ADDRESS:ip}'
  apply_on: Line.Raw
statics:
  - meta: source_ip
    expression: evt.Parsed.ip
  - meta: log_type
    value: test
  - meta: n
    expression: evt.Parsed.n
  - target: evt.MarshaledTime
    value: '2026-01-01T00:00:00Z'
";

const PATTERNS: &str = "DIGITS [0-9]+
ADDRESS [0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+
";

/// The folder.
pub(crate) struct Install {
    pub(crate) root: PathBuf,
    _owned: Option<tempfile::TempDir>,
}

impl Install {
    /// Makes an installation with `scenario` that reports to `url`.
    pub(crate) fn new(url: &str, scenario: &str) -> Self {
        let owned = tempfile::tempdir().unwrap();
        let install = Self {
            root: owned.path().to_owned(),
            _owned: Some(owned),
        };
        let root = install.root.display();
        install.write(
            "config.yaml",
            &format!(
                "common:\n  log_media: stdout\n  log_level: info\nconfig_paths:\n  config_dir: {root}/etc\n  data_dir: {root}/data\n  \
                 hub_dir: {root}/hub\n  index_path: {root}/hub/.index.json\n  pattern_dir: {root}/patterns\n  \
                 simulation_path: {root}/etc/simulation.yaml\ncrowdsec_service:\n  acquisition_path: {root}/etc/acquis.yaml\n  \
                 parser_routines: 2\napi:\n  client:\n    credentials_path: {root}/etc/credentials.yaml\nprometheus:\n  \
                 enabled: true\n  level: full\n"
            ),
        );
        install.write("etc/simulation.yaml", "simulation: false\n");
        install.write(
            "etc/acquis.yaml",
            &format!("filenames:\n  - {root}/x.log\nlabels:\n  type: test\n"),
        );
        install.write(
            "etc/credentials.yaml",
            &format!("url: {url}\nlogin: machine\npassword: secret\n"),
        );
        install.write("etc/parsers/s01-parse/test.yaml", PARSER);
        install.write("etc/scenarios/test.yaml", scenario);
        install.write("patterns/test", PATTERNS);
        install.write("hub/.index.json", "{}");
        fs::create_dir_all(install.root.join("data")).unwrap();
        install
    }

    /// Uses an installation that another process made.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            _owned: None,
        }
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Appends numbered lines of an address to the log.
    pub(crate) fn log(&self, numbers: std::ops::Range<usize>, address: &str) {
        let mut text = Vec::new();
        for n in numbers {
            writeln!(text, "n={n} ip={address}").unwrap();
        }
        self.append(&text);
    }

    pub(crate) fn append(&self, text: &[u8]) {
        let path = self.root.join("x.log");
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap()
            .write_all(text)
            .unwrap();
    }

    pub(crate) fn load(&self, sources: Sources) -> Result<Loaded, agent::Problems> {
        agent::setup::load(&self.config(), &config::Env::new(), &program(), sources)
    }

    fn config(&self) -> Arc<config::Config> {
        Arc::new(config::load(&self.root.join("config.yaml"), &config::Env::new()).unwrap())
    }
}

pub(crate) fn program() -> Program {
    Program {
        version: "1.7.8".to_owned(),
        system: "test".to_owned(),
        started: None,
    }
}

pub(crate) fn metrics() -> Metrics {
    Metrics::new(&prometheus::Registry::new(), Some(MetricsLevel::Full)).unwrap()
}

/// An agent that runs until it is stopped.
pub(crate) struct Running {
    token: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Starts the agent of `install` and waits until it reads.
    pub(crate) async fn start(install: &Install) -> Self {
        Self::start_loaded(install.load(Sources::Configured).unwrap()).await
    }

    /// Starts an agent and waits until it reads.
    pub(crate) async fn start_loaded(loaded: Loaded) -> Self {
        let (token, ready) = (CancellationToken::new(), Ready::new());
        let (stop, is_ready) = (token.clone(), ready.clone());
        let task =
            tokio::spawn(async move { agent::run::run(loaded, &program(), metrics(), ready, stop).await });
        tokio::time::timeout(std::time::Duration::from_secs(60), is_ready.wait())
            .await
            .unwrap();
        Self { token, task }
    }

    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until `condition` holds, at most a minute.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) -> impl std::future::Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        while !condition() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{what} did not happen ({caller})"
            );
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}
