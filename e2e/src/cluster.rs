//! A real Kubernetes: the cluster in `KUBECONFIG`, or a node of our own in namespaces of its own.
//!
//! Everything goes through `kubectl` and `helm`, as a user's hands would; nothing here knows an operator's inside.

mod dump;
pub mod images;
pub mod namespace;
pub mod outside;
mod own;
pub mod probe;
pub mod speaker;
pub mod traefik;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::binary::workspace_dir;
use crate::packages::{ensure_tools, is_on_path, is_root};
use crate::process::{run_command, run_with_input};
use crate::wait;

pub use own::Own;

/// How often a condition is asked for: each question is a `kubectl` of 0.1 CPU seconds.
const STEP: Duration = Duration::from_millis(250);

/// A cluster that answers, with an administrator's rights.
#[derive(Debug)]
pub enum Cluster {
    /// Brought up by us; it has an outside world and a node to look into.
    Own(Own),
    /// The user's; only what `kubectl` can do.
    Given {
        /// The file that `KUBECONFIG` names.
        kubeconfig: PathBuf,
    },
}

impl Cluster {
    /// Takes the cluster in `KUBECONFIG`, or brings up one of our own unless it is up already.
    pub fn up() -> Result<Cluster> {
        if let Some(given) = Cluster::given()? {
            return Ok(given);
        }
        Own::possible().map_err(|reason| anyhow::anyhow!(reason))?;
        ensure_tools(own::TOOLS)?;
        Own::up().map(Cluster::Own)
    }

    /// As [`Cluster::up`], but a cluster of our own is a new one.
    pub fn fresh() -> Result<Cluster> {
        let cluster = Cluster::up()?;
        if cluster.own().is_none() || cluster.kubectl(&["get", "crd", "-o", "name"])?.trim().is_empty() {
            return Ok(cluster);
        }
        cluster.down()?;
        Cluster::up()
    }

    /// Finds the cluster that somebody brought up: the one in `KUBECONFIG`, or our own.
    pub fn running() -> Result<Cluster> {
        if let Some(given) = Cluster::given()? {
            return Ok(given);
        }
        Own::running()?
            .map(Cluster::Own)
            .context("no cluster: run these tests with `make e2e`, or name a cluster in KUBECONFIG")
    }

    fn given() -> Result<Option<Cluster>> {
        let Some(kubeconfig) = std::env::var_os("KUBECONFIG").map(PathBuf::from) else {
            return Ok(None);
        };
        for program in ["kubectl", "helm"] {
            if !is_on_path(program) {
                bail!("KUBECONFIG is set, but {program} is not on the PATH: install it, or unset KUBECONFIG");
            }
        }
        Ok(Some(Cluster::Given { kubeconfig }))
    }

    /// Why no cluster of our own can be had here; none when one is named in `KUBECONFIG`.
    pub fn obstacle() -> Option<String> {
        if std::env::var_os("KUBECONFIG").is_some() {
            return None;
        }
        Own::possible().err()
    }

    /// Our own cluster, for what only it has: an outside world, a node's files.
    pub fn own(&self) -> Option<&Own> {
        match self {
            Cluster::Own(own) => Some(own),
            Cluster::Given { .. } => None,
        }
    }

    /// Ends a cluster of our own and everything in it; a given one stays as it is.
    pub fn down(&self) -> Result<()> {
        self.own().map_or(Ok(()), Own::down)
    }

    /// A `kubectl` command, as administrator.
    pub fn kubectl_command(&self, arguments: &[&str]) -> Command {
        self.client("kubectl", arguments)
    }

    /// Runs `kubectl` and tells what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        run_command(self.kubectl_command(arguments))
    }

    /// Runs `helm` and tells what it printed.
    pub fn helm(&self, arguments: &[&str]) -> Result<String> {
        run_command(self.client("helm", arguments))
    }

    /// Runs commands of a shell that ends at the first failure, with `kubectl` and `helm`, in the folder of the repository.
    pub fn script(&self, commands: &str) -> Result<String> {
        let mut shell = match self {
            Cluster::Own(own) => own.shell(),
            Cluster::Given { kubeconfig } => {
                let mut command = Command::new("bash");
                command.env("KUBECONFIG", kubeconfig);
                command
            }
        };
        shell.args(["-euo", "pipefail", "-c", commands]);
        shell.current_dir(workspace_dir()?);
        run_command(shell)
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Command {
        match self {
            Cluster::Own(own) => own.client(program, arguments),
            Cluster::Given { kubeconfig } => {
                let mut command = Command::new(program);
                command.args(arguments).env("KUBECONFIG", kubeconfig);
                command
            }
        }
    }

    /// Applies objects written in YAML.
    pub fn apply(&self, yaml: &str) -> Result<String> {
        run_with_input(self.kubectl_command(&["apply", "-f", "-"]), yaml)
    }

    /// As [`Cluster::apply`], in `namespace` for objects that name none.
    pub fn apply_in(&self, namespace: &str, yaml: &str) -> Result<String> {
        run_with_input(self.kubectl_command(&["-n", namespace, "apply", "-f", "-"]), yaml)
    }

    /// Waits until a workload such as `deployment/x` runs what its spec says.
    pub fn rolled_out(&self, namespace: &str, workload: &str, limit: Duration) -> Result<()> {
        let timeout = format!("--timeout={}s", limit.as_secs());
        self.kubectl(&["rollout", "status", "-n", namespace, workload, &timeout])
            .map(drop)
    }

    /// Reads one object or a list.
    pub fn get(&self, arguments: &[&str]) -> Result<Value> {
        let mut words = vec!["get", "-o", "json"];
        words.extend(arguments);
        let text = self.kubectl(&words)?;
        serde_json::from_str(&text).with_context(|| format!("reading kubectl {}", words.join(" ")))
    }

    /// Whether the server knows a kind, such as `servicemonitors.monitoring.coreos.com`.
    pub fn serves(&self, resource: &str) -> bool {
        self.kubectl(&["get", resource, "-A", "-o", "name"]).is_ok()
    }

    /// Gives an image archive to the nodes.
    pub fn load(&self, archive: &Path) -> Result<()> {
        match self {
            Cluster::Own(own) => own.load(archive),
            Cluster::Given { .. } => self.load_given(archive),
        }
    }

    /// kind and k3d have commands for it; for all others the user names one in `E2E_LOAD`.
    fn load_given(&self, archive: &Path) -> Result<()> {
        let context = self.kubectl(&["config", "current-context"])?;
        let context = context.trim();
        let mut command = if let Some(words) = std::env::var_os("E2E_LOAD") {
            // Unquoted, so that the command may come with arguments of its own.
            let mut command = Command::new("sh");
            command.args(["-c", "$0 \"$1\""]).arg(words);
            command.arg(archive);
            command
        } else if let Some(name) = context.strip_prefix("kind-") {
            let mut command = Command::new("kind");
            command
                .args(["load", "image-archive", "--name", name])
                .arg(archive);
            command
        } else if let Some(name) = context.strip_prefix("k3d-") {
            let mut command = Command::new("k3d");
            command.args(["image", "import", "--cluster", name]).arg(archive);
            command
        } else {
            bail!(
                "no way known to load {} into the nodes of `{context}`: name a command in E2E_LOAD that takes an archive",
                archive.display()
            );
        };
        command.env_remove("KUBECONFIG");
        run_command(command).map(drop)
    }

    /// Asks `condition` until it gives a value; fails after `limit`, naming `what` was waited for.
    ///
    /// Connections through an API server break now and then, so a question that failed is asked again; the last
    /// failure is told in the end.
    pub fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let mut failure = None;
        let outcome = wait::until(what, limit, STEP, || {
            Ok(condition().unwrap_or_else(|error| {
                failure = Some(error);
                None
            }))
        });
        match (outcome, failure) {
            (Err(waited), Some(failure)) => Err(failure.context(waited)),
            (outcome, _) => outcome,
        }
    }

    /// What a reader needs after a failure: pods, events and the logs of containers in some namespaces.
    pub fn dump(&self, namespaces: &[&str]) -> String {
        dump::text(self, namespaces)
    }
}

/// Whether this process may make a cluster of its own; the reason when not.
fn root_and_go() -> Result<(), String> {
    if !is_root() {
        return Err("a cluster of our own needs root".to_owned());
    }
    if !is_on_path("go") {
        return Err("a cluster of our own is built with Go 1.26 or later, which is not here".to_owned());
    }
    Ok(())
}
