//! A folder with a configuration, and the program run in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A configuration folder, data folder and hub folder under one root.
pub(crate) struct Installation {
    root: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Installation {
    /// Makes one whose root is as long as `/tmp/crowdsec`, so that tables of recorded runs have the same widths.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("cs")
            .rand_bytes(6)
            .tempdir_in("/tmp")
            .unwrap();
        for folder in ["etc", "data", "hub"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let installation = Self {
            root,
            env: Vec::new(),
        };
        installation.write(
            "etc/config.yaml",
            &CONFIG.replace("ROOT", &installation.root_text()),
        );
        installation
    }

    pub(crate) fn with_env(mut self, name: &str, value: &Path) -> Self {
        self.env.push((name.to_owned(), value.display().to_string()));
        self
    }

    pub(crate) fn root_text(&self) -> String {
        self.root.path().display().to_string()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).unwrap();
    }

    /// Runs `cscli` with a stdout nobody reads.
    pub(crate) fn run_without_reader(&self, words: &[&str]) -> std::process::ExitStatus {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let config = self.path("etc/config.yaml");
        Command::new(program())
            .arg("-c")
            .arg(config)
            .args(words)
            .stdout(writer)
            .status()
            .unwrap()
    }

    /// Runs `cscli` with words and standard input.
    pub(crate) fn run(&self, words: &[&str], stdin: &str) -> Run {
        let mut child = Command::new(program())
            .arg("-c")
            .arg(self.path("etc/config.yaml"))
            .args(words)
            .env_remove("HUB_DIR")
            .env_remove("HUB_DATA_DIR")
            .envs(self.env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input closes the pipe, which is its right.
        drop(
            child
                .stdin
                .take()
                .map(|mut pipe| pipe.write_all(stdin.as_bytes())),
        );
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cscli-alone"))
}

const CONFIG: &str = "common:
  log_media: stdout
  log_level: info
config_paths:
  config_dir: ROOT/etc
  data_dir: ROOT/data
  simulation_path: ROOT/etc/simulation.yaml
  hub_dir: ROOT/hub
  index_path: ROOT/hub/.index.json
  notification_dir: ROOT/etc/notifications
  plugin_dir: ROOT/plugins
crowdsec_service:
  acquisition_path: ROOT/etc/acquis.yaml
  acquisition_dir: ROOT/etc/acquis.d
  parser_routines: 1
cscli:
  output: human
  color: auto
  hub_branch: v1.7.8
db_config:
  log_level: info
  type: sqlite
  db_path: ROOT/data/crowdsec.db
  use_wal: true
  flush:
    max_items: 5000
    max_age: 7d
plugin_config:
  user: nobody
  group: nogroup
api:
  client:
    insecure_skip_verify: false
    credentials_path: ROOT/etc/local_api_credentials.yaml
  server:
    log_level: info
    listen_uri: 127.0.0.1:8080
    profiles_path: ROOT/etc/profiles.yaml
    console_path: ROOT/etc/console.yaml
    trusted_ips:
      - 127.0.0.1
      - ::1
prometheus:
  enabled: true
  level: full
  listen_addr: 127.0.0.1
  listen_port: 6060
";
