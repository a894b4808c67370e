//! A Kubernetes namespace of one test: gone when it is dropped, told about when the test failed.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Cluster;
use crate::process::run_command;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A namespace with a name nobody else has.
#[derive(Debug)]
pub struct Namespace<'a> {
    cluster: &'a Cluster,
    name: String,
    stays: bool,
}

/// A condition of an object's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word for programs.
    pub reason: String,
    /// One sentence for people.
    pub message: String,
}

impl<'a> Namespace<'a> {
    /// Makes a namespace that starts with `prefix`, with labels such as `pod-security.kubernetes.io/enforce=restricted`.
    pub fn create(cluster: &'a Cluster, prefix: &str, labels: &[&str]) -> Result<Namespace<'a>> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{}-{count}", std::process::id());
        Namespace::named(cluster, &name, labels)
    }

    /// As [`Namespace::create`] with this very name; what an earlier case left of it goes first.
    pub fn named(cluster: &'a Cluster, name: &str, labels: &[&str]) -> Result<Namespace<'a>> {
        Namespace::remove(cluster, name)?;
        cluster.kubectl(&["create", "namespace", name])?;
        let namespace = Namespace::taken(cluster, name);
        if !labels.is_empty() {
            let mut words = vec!["label", "namespace", name];
            words.extend(labels);
            cluster.kubectl(&words)?;
        }
        Ok(namespace)
    }

    /// A namespace that something else made; it goes like those made here.
    pub fn taken(cluster: &'a Cluster, name: &str) -> Namespace<'a> {
        Namespace {
            cluster,
            name: name.to_owned(),
            stays: false,
        }
    }

    /// A namespace that is always there, such as `default`; what a case puts into it, it removes.
    pub fn lent(cluster: &'a Cluster, name: &str) -> Namespace<'a> {
        Namespace {
            cluster,
            name: name.to_owned(),
            stays: true,
        }
    }

    /// Removes a namespace if there is one, and waits until it is gone.
    pub fn remove(cluster: &Cluster, name: &str) -> Result<()> {
        let words = [
            "delete",
            "namespace",
            name,
            "--ignore-not-found",
            "--timeout=120s",
        ];
        cluster.kubectl(&words).map(drop)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster it is in.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// A `kubectl` command in this namespace.
    pub fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut words = vec!["-n", self.name.as_str()];
        words.extend(arguments);
        self.cluster.kubectl_command(&words)
    }

    /// Runs `kubectl` in this namespace and tells what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        run_command(self.kubectl_command(arguments))
    }

    /// Applies objects written in YAML, in this namespace unless they name another.
    pub fn apply(&self, yaml: &str) -> Result<String> {
        self.cluster.apply_in(&self.name, yaml)
    }

    /// Reads an object, such as `deployment/x`; none when there is none.
    pub fn object(&self, name: &str) -> Result<Option<Value>> {
        let text = self.kubectl(&["get", name, "-o", "json", "--ignore-not-found"])?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("reading {name}"))
    }

    /// Reads a list of objects, such as `pods -l app=x`.
    pub fn objects(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let mut words = vec!["get", "-o", "json"];
        words.extend(arguments);
        let list: Value = serde_json::from_str(&self.kubectl(&words)?)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Reads one condition of an object.
    pub fn condition(&self, object: &str, type_: &str) -> Result<Option<Condition>> {
        Ok(self.object(object)?.and_then(|o| condition_of(&o, type_)))
    }

    /// Waits for a condition to have a status, for the object's present generation; tells it.
    pub fn wait_condition(
        &self,
        object: &str,
        type_: &str,
        status: &str,
        limit: Duration,
    ) -> Result<Condition> {
        let mut last = None;
        let outcome = self
            .cluster
            .wait_for(&format!("{object} to be {type_}={status}"), limit, || {
                let value = self.object(object)?;
                let observed = value.as_ref().is_some_and(is_observed);
                last = value.and_then(|o| condition_of(&o, type_));
                Ok(last.clone().filter(|c| observed && c.status == status))
            });
        outcome.with_context(|| format!("the condition was {last:?}"))
    }

    /// Runs a program in a pod's container (`pod/x` or `pod/x -c y`) and tells what it printed.
    pub fn exec(&self, pod: &[&str], program: &[&str]) -> Result<String> {
        let mut words = vec!["exec"];
        words.extend(pod);
        words.push("--");
        words.extend(program);
        self.kubectl(&words)
    }

    /// Waits until a workload such as `deployment/x` runs what its spec says.
    pub fn rolled_out(&self, workload: &str, limit: Duration) -> Result<()> {
        self.cluster.rolled_out(&self.name, workload, limit)
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            report(&self.cluster.dump(&[&self.name]));
        }
        if self.stays {
            return;
        }
        let gone = self
            .cluster
            .kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
        if let Err(error) = gone {
            report(&format!("namespace {} stays: {error:#}", self.name));
        }
    }
}

/// Whether the status speaks of the spec as it stands now.
fn is_observed(object: &Value) -> bool {
    let observed = &object["status"]["observedGeneration"];
    observed.is_null() || *observed == object["metadata"]["generation"]
}

fn condition_of(object: &Value, type_: &str) -> Option<Condition> {
    let all = object["status"]["conditions"].as_array()?;
    let found = all.iter().find(|c| c["type"] == type_)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    Some(Condition {
        status: text("status"),
        reason: text("reason"),
        message: text("message"),
    })
}

#[expect(clippy::print_stderr, reason = "a drop has no other way to tell")]
fn report(text: &str) {
    eprintln!("{text}");
}
