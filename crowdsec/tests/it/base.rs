//! A small installation in a folder of its own, and runs of the binary on it.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::port;

/// How long a program that should end may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Pause between two looks at a file or process.
const POLL: Duration = Duration::from_millis(10);

/// The files of an installation that works; `DIR`, `API` and `METRICS` stand for its folder and ports.
const FILES: [(&str, &str); 8] = [
    (
        "config.yaml",
        "\
common:
  log_media: stdout
  log_level: info
config_paths:
  config_dir: DIR
  data_dir: DIR/data
  simulation_path: DIR/simulation.yaml
  hub_dir: DIR/hub
  index_path: DIR/hub/.index.json
  notification_dir: DIR/notifications
crowdsec_service:
  acquisition_path: DIR/acquis.yaml
  acquisition_dir: DIR/acquis.d
  parser_routines: 1
db_config:
  type: sqlite
  db_path: DIR/data/crowdsec.db
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
    credentials_path: DIR/local_api_credentials.yaml
  server:
    log_level: info
    listen_uri: 127.0.0.1:API
    profiles_path: DIR/profiles.yaml
    console_path: DIR/console.yaml
    trusted_ips:
      - 127.0.0.1
      - ::1
prometheus:
  enabled: true
  level: full
  listen_addr: 127.0.0.1
  listen_port: METRICS
",
    ),
    (
        "acquis.yaml",
        "source: file\nfilenames:\n  - DIR/log/auth.log\nlabels:\n  type: syslog\n",
    ),
    (
        "profiles.yaml",
        "name: p1\nfilters:\n - Alert.Remediation == true\ndecisions:\n - type: ban\n   duration: 4h\non_success: break\n",
    ),
    ("simulation.yaml", "simulation: off\n"),
    ("console.yaml", "share_custom: true\n"),
    (
        "local_api_credentials.yaml",
        "url: http://127.0.0.1:API\nlogin: m\npassword: secret\n",
    ),
    ("log/auth.log", ""),
    ("patterns/own", "OWN_ADDRESS [0-9.]+\n"),
];

/// One installation.
pub(crate) struct Base {
    folder: TempDir,
    pub(crate) api: u16,
    pub(crate) metrics: u16,
}

impl Base {
    pub(crate) fn new() -> Self {
        let base = Self {
            folder: tempfile::tempdir().unwrap(),
            api: port::free(),
            metrics: port::free(),
        };
        for (name, text) in FILES {
            base.write(name, text);
        }
        for name in ["data", "hub", "acquis.d"] {
            fs::create_dir_all(base.path(name)).unwrap();
        }
        base
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file with the placeholders filled in.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.fill(text)).unwrap();
    }

    /// Replaces one text of a file by another.
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        let from = self.fill(from);
        assert!(text.contains(&from), "{name} has no {from:?}");
        fs::write(self.path(name), text.replacen(&from, &self.fill(to), 1)).unwrap();
    }

    fn fill(&self, text: &str) -> String {
        text.replace("DIR", self.folder.path().to_str().unwrap())
            .replace("API", &self.api.to_string())
            .replace("METRICS", &self.metrics.to_string())
    }

    /// Runs `crowdsec -c config.yaml` with more arguments until it ends.
    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        let config = self.path("config.yaml");
        let mut words = vec!["-c", config.to_str().unwrap()];
        words.extend(more);
        let mut ended = run("crowdsec", &words);
        ended.stderr = ended.stderr.replace(self.folder.path().to_str().unwrap(), "DIR");
        ended
    }
}

/// A running engine; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Base {
    /// Starts `crowdsec -c config.yaml` with more arguments; what it logs goes to a file.
    pub(crate) fn start(&self, more: &[&str]) -> Running {
        self.start_in(&[], more)
    }

    /// Does the same with an environment of `variables`.
    pub(crate) fn start_in(&self, variables: &[(&str, &str)], more: &[&str]) -> Running {
        let log = self.path("out.log");
        let child = Command::new(env!("CARGO_BIN_EXE_crowdsec"))
            .arg("-c")
            .arg(self.path("config.yaml"))
            .args(more)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Running { child, log }
    }
}

impl Running {
    /// Waits until the log has `text` at least `times` times.
    pub(crate) fn wait_for(&mut self, text: &str, times: usize) {
        self.until(|log| log.matches(text).count() >= times, text);
    }

    fn until(&mut self, is_done: impl Fn(&str) -> bool, text: &str) {
        let started = Instant::now();
        loop {
            let log = self.log();
            if is_done(&log) {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?} before {text:?}:\n{log}");
            assert!(started.elapsed() < LIMIT, "no {text:?} after {LIMIT:?}:\n{log}");
            std::thread::park_timeout(POLL);
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal by its name (`HUP`).
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end and returns the exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                started.elapsed() < LIMIT,
                "still running after {LIMIT:?}:\n{}",
                self.log()
            );
            std::thread::park_timeout(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        self.child
            .kill()
            .and_then(|()| self.child.wait().map(drop))
            .unwrap_or_default();
    }
}

/// Fetches a page over plain HTTP and returns status line and body.
pub(crate) fn get(port: u16, path: &str) -> std::io::Result<(String, String)> {
    get_as("", port, path)
}

/// Does the same with an API key; an empty one is no key.
pub(crate) fn get_as(key: &str, port: u16, path: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\nConnection: close\r\n\r\n"
    )?;
    let text = std::io::read_to_string(stream)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok((
        head.lines().next().unwrap_or_default().to_owned(),
        body.to_owned(),
    ))
}

/// Like [`get`], for a listener that may not be there yet.
pub(crate) fn get_soon(port: u16, path: &str) -> (String, String) {
    let started = Instant::now();
    loop {
        match get(port, path) {
            Ok(answer) => return answer,
            Err(error) => assert!(started.elapsed() < LIMIT, "{path}: {error}"),
        }
        std::thread::park_timeout(POLL);
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The messages of the fatal lines, unquoted.
    pub(crate) fn fatal(&self) -> Vec<String> {
        let message = |line: &str| {
            let text = line.split_once(" level=fatal msg=")?.1;
            let inner = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or(text);
            Some(
                inner
                    .replace("\\\"", "\"")
                    .replace("\\n", "\n")
                    .replace("\\\\", "\\"),
            )
        };
        self.stderr.lines().filter_map(message).collect()
    }
}

/// Runs the binary under a name until it ends; it is killed when it takes too long.
pub(crate) fn run(name: &str, words: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_crowdsec"), &link).unwrap();
    finish(Command::new(&link).args(words), &link)
}

fn finish(command: &mut Command, program: &Path) -> Ended {
    let mut child = command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let started = Instant::now();
    // The pipes hold 64 KiB; what a refused start prints is far less.
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("still running after {LIMIT:?}: {:?}", child.wait_with_output());
        }
        std::thread::park_timeout(POLL);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    Ended {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}
