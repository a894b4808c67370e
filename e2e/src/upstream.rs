//! Debian's `crowdsec` and `cscli` 1.4.6 in a folder of their own: the programs ours must be able to replace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::engine::fetch;
use crate::packages::Root;
use crate::peers::upstream;
use crate::process::{Process, run_command};
use crate::wait;

/// What the upstream installation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Agent and `cscli` of a remote Local API.
    Agent,
    /// A Local API with its database.
    LocalApi {
        /// Port on loopback.
        port: u16,
    },
}

/// A configured upstream engine below one folder.
#[derive(Debug)]
pub struct Upstream {
    root: Root,
    folder: PathBuf,
}

/// The hub items of the snapshot that turn failed SSH log-ins into an alert, as `<type and stage>/<file>`.
const ITEMS: &[(&str, &str)] = &[
    ("parsers/s00-raw", "syslog-logs.yaml"),
    ("parsers/s01-parse", "sshd-logs.yaml"),
    ("parsers/s02-enrich", "dateparse-enrich.yaml"),
    ("scenarios", "ssh-bf.yaml"),
];

impl Upstream {
    /// Writes the configuration for `role` below `folder`.
    pub fn create(folder: &Path, role: Role) -> Result<Upstream> {
        let this = Upstream {
            root: upstream()?,
            folder: folder.to_owned(),
        };
        for below in ["etc/acquis.d", "data", "etc/hub"] {
            std::fs::create_dir_all(folder.join(below))?;
        }
        let hub = this.root.path("usr/share/crowdsec/hub");
        std::fs::copy(hub.join(".index.json"), folder.join("etc/hub/.index.json"))?;
        std::os::unix::fs::symlink(
            this.root.path("etc/crowdsec/patterns"),
            folder.join("etc/patterns"),
        )?;
        for (kind, file) in ITEMS {
            this.install(&hub, kind, file)?;
        }
        let write = |name: &str, text: &str| std::fs::write(folder.join("etc").join(name), text);
        write("config.yaml", &this.config(role))?;
        write("acquis.yaml", "")?;
        write("simulation.yaml", "simulation: false\n")?;
        write("console.yaml", "share_manual_decisions: false\n")?;
        write(
            "local_api_credentials.yaml",
            "url: http://127.0.0.1:1/\nlogin: none\npassword: none\n",
        )?;
        std::fs::copy(
            this.root.path("etc/crowdsec/profiles.yaml"),
            folder.join("etc/profiles.yaml"),
        )?;
        Ok(this)
    }

    /// Upstream's `cscli` on this installation.
    pub fn cscli(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.root.command("usr/bin/cscli");
        command
            .arg("-c")
            .arg(self.path("etc/config.yaml"))
            .args(arguments);
        run_command(command)
    }

    /// Registers this installation's agent at a Local API; somebody there has to validate it.
    pub fn register(&self, url: &str, machine: &str) -> Result<()> {
        let credentials = self.path("etc/local_api_credentials.yaml");
        let file = credentials.to_string_lossy();
        self.cscli(&["lapi", "register", "-u", url, "--machine", machine, "-f", &file])
            .map(drop)
    }

    /// Upstream's `crowdsec` on this installation, not started yet.
    pub fn crowdsec_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.root.command("usr/bin/crowdsec");
        command
            .arg("-c")
            .arg(self.path("etc/config.yaml"))
            .args(arguments);
        command
    }

    /// Starts the Local API and waits until it answers.
    pub fn start_local_api(&self, port: u16) -> Result<Process> {
        let mut process = Process::start(
            "crowdsec 1.4.6",
            self.crowdsec_command(&["-no-cs"]),
            &self.path("crowdsec.out"),
        )?;
        let url = format!("http://127.0.0.1:{port}/health");
        wait::until(
            "crowdsec 1.4.6 to answer",
            wait::PATIENCE,
            Duration::from_millis(50),
            || {
                process.check_alive()?;
                Ok(fetch(&url, &[], None).ok())
            },
        )?;
        Ok(process)
    }

    /// A path below the folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    fn install(&self, hub: &Path, kind: &str, file: &str) -> Result<()> {
        let target = hub.join(kind).join("crowdsecurity").join(file);
        let folder = self.folder.join("etc").join(kind);
        std::fs::create_dir_all(&folder)?;
        // 1.4.6 takes an item for installed only when the link leads into its hub folder.
        let copy = self.folder.join("etc/hub").join(kind).join("crowdsecurity");
        std::fs::create_dir_all(&copy)?;
        std::fs::copy(&target, copy.join(file)).with_context(|| format!("copying {}", target.display()))?;
        std::os::unix::fs::symlink(copy.join(file), folder.join(file))?;
        Ok(())
    }

    fn config(&self, role: Role) -> String {
        let folder = self.folder.display();
        let common = format!(
            "common: {{daemonize: false, log_media: stdout, log_level: info}}
config_paths:
  config_dir: {folder}/etc
  data_dir: {folder}/data
  simulation_path: {folder}/etc/simulation.yaml
  hub_dir: {folder}/etc/hub
  index_path: {folder}/etc/hub/.index.json
  notification_dir: {folder}/etc/notifications
cscli: {{output: human, hub_branch: master}}
prometheus: {{enabled: false}}
crowdsec_service: {{acquisition_path: {folder}/etc/acquis.yaml, parser_routines: 1}}
"
        );
        let client = format!("  client: {{credentials_path: {folder}/etc/local_api_credentials.yaml}}\n");
        match role {
            Role::Agent => format!("{common}api:\n{client}"),
            Role::LocalApi { port } => format!(
                "{common}db_config: {{type: sqlite, db_path: {folder}/data/crowdsec.db}}
api:
{client}  server:
    listen_uri: 127.0.0.1:{port}
    profiles_path: {folder}/etc/profiles.yaml
    console_path: {folder}/etc/console.yaml
"
            ),
        }
    }
}
