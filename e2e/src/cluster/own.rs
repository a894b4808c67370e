//! The cluster that `e2e/cluster/cluster.sh` brings up: one node, and a second network that plays the internet.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::binary::workspace_dir;
use crate::curl::STATUS;
use crate::process::run_command;

/// Programs that the cluster needs, with Debian's packages of them.
pub(super) const TOOLS: &[(&str, &str)] = &[
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ipset", "ipset"),
    ("conntrack", "conntrack"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("ip", "iproute2"),
    ("pgrep", "procps"),
    ("python3", "python3"),
    ("../lib/cni/bridge", "containernetworking-plugins"),
];

/// Where the node is reached from the pretend internet.
pub(super) const PUBLIC: &str = "198.51.100.1";

/// A running cluster of our own.
#[derive(Debug)]
pub struct Own {
    script: PathBuf,
    /// Name of the network namespace of the node; the outside's is `<name>-outside`.
    name: String,
    /// Settings for `kubectl` and `helm`, and the folder they lie in.
    environment: BTreeMap<String, String>,
    programs: PathBuf,
}

impl Own {
    /// Whether a cluster can be brought up here; the reason when not.
    pub(super) fn possible() -> Result<(), String> {
        super::root_and_go()?;
        crate::netns::available()
    }

    /// Brings it up unless it is up; prints what the build of Kubernetes says meanwhile.
    pub(super) fn up() -> Result<Own> {
        if let Some(running) = Own::running()? {
            return Ok(running);
        }
        // `down` first: it removes what an interrupted run may have left.
        for task in ["build", "down", "up"] {
            let mut command = Command::new(script()?);
            command.arg(task).stdin(Stdio::null()).stdout(Stdio::piped());
            let mut child = command.spawn().context("starting cluster.sh")?;
            if let Some(out) = child.stdout.take() {
                for line in BufReader::new(out).lines() {
                    say(&line?);
                }
            }
            let status = child.wait()?;
            ensure!(
                status.success(),
                "cluster.sh {task} ended with {status}; `e2e/cluster/cluster.sh down` removes what is left of it"
            );
        }
        Own::running()?.context("cluster.sh up ended well, but no cluster is there")
    }

    /// Finds the one that is up, by the settings `E2E_WORK` and `E2E_NAME` of the script.
    pub(super) fn running() -> Result<Option<Own>> {
        let script = script()?;
        let mut command = Command::new(&script);
        command.arg("settings");
        let text = run_command(command)?;
        let mut environment: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let mut take = |key: &str| {
            environment
                .remove(key)
                .with_context(|| format!("cluster.sh settings does not tell {key}"))
        };
        let (is_up, name, programs) = (take("UP")?, take("NAME")?, take("BIN")?);
        Ok((is_up == "yes").then_some(Own {
            script,
            name,
            environment,
            programs: programs.into(),
        }))
    }

    /// Ends every process, mount, namespace and control group of it.
    pub(super) fn down(&self) -> Result<()> {
        self.script_command("down", &[] as &[&str]).map(drop)
    }

    pub(super) fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Own::in_network(&self.name);
        command
            .arg(self.programs.join(program))
            .args(arguments)
            .envs(&self.environment);
        command
    }

    /// A shell that finds this cluster and its programs.
    pub(super) fn shell(&self) -> Command {
        let mut path = self.programs.clone().into_os_string();
        if let Some(own) = std::env::var_os("PATH") {
            path.push(":");
            path.push(own);
        }
        let mut command = Own::in_network(&self.name);
        command.arg("bash").envs(&self.environment).env("PATH", path);
        command
    }

    pub(super) fn load(&self, archive: &Path) -> Result<()> {
        self.script_command("load", &[archive]).map(drop)
    }

    /// Runs a command on the node: its files, processes and network.
    pub fn node(&self, arguments: &[&str]) -> Result<String> {
        self.script_command("node", arguments)
    }

    /// A command in the node's network, which reaches pods and Services.
    pub fn inside(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Own::in_network(&self.name);
        command.arg(program).args(arguments);
        command
    }

    /// Asks for a page from the node's network with one header more; tells the HTTP status.
    pub fn status(&self, url: &str, header: &str) -> Result<String> {
        let mut words = STATUS.to_vec();
        words.extend(["-m", "5", "-H", header, url]);
        run_command(self.inside("curl", &words))
    }

    /// A command on the pretend internet.
    pub fn outside(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Own::in_network(&format!("{}-outside", self.name));
        command.arg(program).args(arguments);
        command
    }

    /// Process id, as the node sees it, of a container that a pod's status names `containerd://…`.
    pub fn process(&self, container: &str) -> Result<u32> {
        let id = container.trim_start_matches("containerd://");
        let tasks = self.node(&["ctr", "-n", "k8s.io", "tasks", "list"])?;
        let row = tasks
            .lines()
            .find(|line| line.starts_with(id))
            .with_context(|| format!("container {id} does not run"))?;
        let process = row
            .split_whitespace()
            .nth(1)
            .context("a short row of ctr tasks")?;
        Ok(process.parse()?)
    }

    /// Kills the main process of a container.
    pub fn kill_container(&self, container: &str) -> Result<()> {
        let process = self.process(container)?.to_string();
        self.node(&["kill", "-KILL", &process]).map(drop)
    }

    /// Gives names to an address of the pretend internet.
    pub fn name(&self, address: &str, names: &[&str]) -> Result<()> {
        let mut words = vec![address];
        words.extend(names);
        self.script_command("name", &words).map(drop)
    }

    /// Adds the Prometheus Operator with a Prometheus in namespace `monitoring`.
    pub fn monitoring(&self) -> Result<()> {
        self.script_command("monitoring", &[] as &[&str]).map(drop)
    }

    /// The test program of the probe images, for use outside of pods.
    pub fn probe(&self) -> PathBuf {
        self.programs.join("probe")
    }

    fn in_network(name: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{name}"));
        command
    }

    fn script_command(&self, task: &str, arguments: &[impl AsRef<OsStr>]) -> Result<String> {
        let mut command = Command::new(&self.script);
        command.arg(task).args(arguments);
        run_command(command)
    }
}

fn script() -> Result<PathBuf> {
    Ok(workspace_dir()?.join("e2e/cluster/cluster.sh"))
}

#[expect(clippy::print_stdout, reason = "four minutes without a word look like a hang")]
fn say(line: &str) {
    println!("  - {line}");
}
