//! An installation of our engine in a folder of its own: configuration, hub state, database, processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::port;

use crate::binary::Binary;
use crate::netns::Namespace;
use crate::process::{Process, run_command};
use crate::wait;

/// A configured engine below one folder; nothing runs yet.
#[derive(Debug)]
pub struct Installation<'a> {
    binary: &'a Binary,
    folder: PathBuf,
    ports: Ports,
}

/// Where the engine listens, on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The Local API.
    pub api: u16,
    /// `/metrics` and `/debug`.
    pub metrics: u16,
}

/// Ports that were free a moment ago.
pub fn free_ports() -> Ports {
    Ports {
        api: port::free(),
        metrics: port::free(),
    }
}

impl<'a> Installation<'a> {
    /// Writes a configuration below `folder` as upstream lays it out, with `acquisition` as `acquis.yaml`.
    pub fn create(
        binary: &'a Binary,
        folder: &Path,
        ports: Ports,
        acquisition: &str,
    ) -> Result<Installation<'a>> {
        let installation = Installation {
            binary,
            folder: folder.to_owned(),
            ports,
        };
        for below in [
            "etc/hub",
            "etc/patterns",
            "etc/notifications",
            "etc/acquis.d",
            "data",
            "log",
        ] {
            std::fs::create_dir_all(folder.join(below))?;
        }
        installation.write("etc/config.yaml", &installation.config())?;
        installation.write("etc/acquis.yaml", acquisition)?;
        installation.write("etc/profiles.yaml", PROFILES)?;
        installation.write("etc/simulation.yaml", "simulation: false\n")?;
        installation.write(
            "etc/local_api_credentials.yaml",
            &format!("url: http://127.0.0.1:{}/\n", ports.api),
        )?;
        Ok(installation)
    }

    /// Registers the agent of this installation and writes its credentials.
    pub fn register_machine(&self, name: &str) -> Result<()> {
        let credentials = self.path("etc/local_api_credentials.yaml");
        let url = format!("http://127.0.0.1:{}/", self.ports.api);
        let file = credentials.to_string_lossy();
        self.cscli(&[
            "machines", "add", name, "--auto", "--force", "-u", &url, "-f", &file,
        ])
        .map(drop)
    }

    /// Registers a bouncer and tells its key.
    pub fn add_bouncer(&self, name: &str) -> Result<String> {
        let key = self.cscli(&["bouncers", "add", name, "-o", "raw"])?;
        ensure!(!key.trim().is_empty(), "cscli bouncers add printed no key");
        Ok(key.trim().to_owned())
    }

    /// Runs `cscli` on this installation and tells what it printed.
    pub fn cscli(&self, arguments: &[&str]) -> Result<String> {
        run_command(self.cscli_command(arguments))
    }

    /// A `cscli` command on this installation, not started yet.
    pub fn cscli_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary.cscli());
        command
            .arg("-c")
            .arg(self.path("etc/config.yaml"))
            .args(arguments);
        command
    }

    /// A `crowdsec` command on this installation, not started yet.
    pub fn crowdsec_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary.crowdsec());
        command
            .arg("-c")
            .arg(self.path("etc/config.yaml"))
            .args(arguments);
        command
    }

    /// Starts the engine, in `namespace` if there is one, and waits until it answers; an agent alone, until it reads.
    pub fn start(&self, arguments: &[&str], namespace: Option<&Namespace>) -> Result<Process> {
        let output = self.path("log/crowdsec.out");
        let reading = || {
            let printed = std::fs::read_to_string(&output).unwrap_or_default();
            printed.matches("Starting processing data").count()
        };
        let before = reading();
        let plain = self.crowdsec_command(arguments);
        let command = namespace.map_or_else(|| self.crowdsec_command(arguments), |ns| ns.wrap(&plain));
        let mut process = Process::start("crowdsec", command, &output)?;
        let is_agent_alone = arguments.contains(&"-no-api");
        let url = format!("http://127.0.0.1:{}/health", self.ports.api);
        wait::until(
            "the engine to answer",
            wait::PATIENCE,
            Duration::from_millis(20),
            || {
                process.check_alive()?;
                if is_agent_alone {
                    // A Local API of the same installation may hold the metrics port, so an answer there says nothing.
                    return Ok((reading() > before).then_some(()));
                }
                Ok(fetch(&url, &[], namespace).ok().map(drop))
            },
        )?;
        Ok(process)
    }

    /// A path below the installation's folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// Writes a file below the installation's folder.
    pub fn write(&self, below: &str, text: &str) -> Result<()> {
        let path = self.path(below);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Where it listens.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    fn config(&self) -> String {
        let folder = self.folder.display();
        let Ports { api, metrics } = self.ports;
        format!(
            "common:
  log_media: stdout
  log_level: info
config_paths:
  config_dir: {folder}/etc
  data_dir: {folder}/data
  simulation_path: {folder}/etc/simulation.yaml
  hub_dir: {folder}/etc/hub
  index_path: {folder}/etc/hub/.index.json
  notification_dir: {folder}/etc/notifications
  pattern_dir: {folder}/etc/patterns
crowdsec_service:
  acquisition_path: {folder}/etc/acquis.yaml
  acquisition_dir: {folder}/etc/acquis.d
  parser_routines: 1
cscli:
  output: human
db_config:
  type: sqlite
  db_path: {folder}/data/crowdsec.db
  use_wal: true
api:
  client:
    credentials_path: {folder}/etc/local_api_credentials.yaml
  server:
    listen_uri: 127.0.0.1:{api}
    profiles_path: {folder}/etc/profiles.yaml
prometheus:
  enabled: true
  level: full
  listen_addr: 127.0.0.1
  listen_port: {metrics}
"
        )
    }
}

/// Fetches a page with curl (in `namespace` if there is one); a status of 400 and more is an error.
pub fn fetch(url: &str, headers: &[&str], namespace: Option<&Namespace>) -> Result<String> {
    let mut command = Command::new("curl");
    command.args(["-sS", "-f", "-m", "5", "--noproxy", "*"]);
    for header in headers {
        command.args(["-H", header]);
    }
    command.arg(url);
    run_command(namespace.map_or_else(|| command_clone(&command), |ns| ns.wrap(&command)))
}

/// `Command` has no `Clone`; this copies program and arguments, which is all that is set here.
fn command_clone(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}

/// Bans addresses for four hours when the scenario asks for a remediation.
const PROFILES: &str = "name: default_ip_remediation
filters:
  - Alert.Remediation == true && Alert.GetScope() == \"Ip\"
decisions:
  - type: ban
    duration: 4h
on_success: break
---
name: default_range_remediation
filters:
  - Alert.Remediation == true && Alert.GetScope() == \"Range\"
decisions:
  - type: ban
    duration: 4h
on_success: break
";
