//! What is told of a cluster after a failure.

use super::Cluster;
use crate::process::tail;

/// Lines of each container's log that are shown.
const LOG_LINES: usize = 40;

pub(super) fn text(cluster: &Cluster, namespaces: &[&str]) -> String {
    let mut parts = Vec::new();
    let mut show = |arguments: &[&str], lines: usize| {
        let text = cluster
            .kubectl(arguments)
            .unwrap_or_else(|error| format!("{error:#}"));
        parts.push(format!(
            "$ kubectl {}\n{}",
            arguments.join(" "),
            tail(&text, lines)
        ));
    };
    show(&["get", "pods", "-A", "-o", "wide"], 60);
    show(&["get", "crowdsec", "-A"], 60);
    for namespace in namespaces {
        show(
            &["get", "events", "-n", namespace, "--sort-by=.lastTimestamp"],
            40,
        );
        let pods = cluster
            .kubectl(&["get", "pods", "-n", namespace, "-o", "name"])
            .unwrap_or_default();
        for pod in pods.lines() {
            show(
                &[
                    "logs",
                    "-n",
                    namespace,
                    pod,
                    "--all-containers",
                    "--prefix",
                    "--tail=40",
                ],
                LOG_LINES,
            );
        }
    }
    parts.join("\n\n")
}
