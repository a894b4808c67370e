//! `make e2e`: a cluster, the images, the cases of `e2e/tests/cluster`, and everything down again.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use e2e::binary::{Binary, workspace_dir};
use e2e::cluster::{Cluster, images};

use crate::demo::{Keep, narrate};

/// Cases that take long to prepare: run only when they are named, a leg of their own in CI.
const APART: &str = "monitoring::";

/// Runs the cases whose names contain one of `filters` (none: all but those of the Prometheus Operator).
pub fn run(filters: &[&str], keep: Keep) -> Result<()> {
    narrate::chapter("A Kubernetes cluster");
    let cluster = timed("cluster", Cluster::up)?;
    let outcome = cases(&cluster, filters);
    if keep == Keep::Yes {
        narrate::step(
            "the cluster stays: `eval $(e2e/cluster/cluster.sh env)`, `e2e/cluster/cluster.sh kc get pods -A`, `… down`",
        );
        return outcome;
    }
    let down = timed("taking it down", || cluster.down());
    outcome.and(down)
}

fn cases(cluster: &Cluster, filters: &[&str]) -> Result<()> {
    timed("images", || {
        let binary = Binary::built()?;
        images::load_all(cluster, &binary)
    })?;
    narrate::chapter("The cases");
    timed("cases", || {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(workspace_dir()?)
            .args(["test", "--quiet", "--workspace", "--test", "cluster", "--"])
            // They wait more than they compute; tables that they print are for the reader.
            .args(["--test-threads=3", "--show-output"])
            .args(filters);
        if filters.is_empty() {
            narrate::step("the Prometheus Operator is left out: `make e2e CASES=monitoring`");
            command.args(["--skip", APART]);
        }
        ensure!(command.status()?.success(), "a case failed; see above");
        Ok(())
    })
}

/// Does something and tells how long it took.
fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let value = work()?;
    narrate::step(&format!("{what}: {} s", start.elapsed().as_secs()));
    Ok(value)
}
