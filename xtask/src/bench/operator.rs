//! The operator in a cluster of its own: memory and CPU when idle, times from a change to its effect, requests to the
//! API server.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::binary::{Binary, workspace_dir};
use e2e::cluster::{Cluster, images};
use e2e::process::run_command;

use crate::demo::narrate;

const NAMESPACE: &str = "crowdsec";
const RELEASE: &str = "crowdsec-operator";
/// How long nothing is changed for the idle figures.
const IDLE: Duration = Duration::from_secs(60);
const EDITS: usize = 5;

const RESOURCES: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {name: main, namespace: crowdsec}
spec: {}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: LogProcessor
metadata: {name: nodes, namespace: crowdsec}
spec: {engineRef: {name: main}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: edge, namespace: crowdsec}
spec: {engineRef: {name: main}, integration: {type: ForwardAuth, forwardAuth: {replicas: 1}}}
";
const NAMES: [&str; 3] = ["securityengine/main", "logprocessor/nodes", "bouncer/edge"];

/// Measures it on the cluster in `KUBECONFIG` or one of our own.
pub(super) fn run() -> Result<()> {
    if let Some(reason) = Cluster::obstacle() {
        narrate::step(&format!("skipped: {reason}"));
        return Ok(());
    }
    let binary = Binary::built()?;
    let cluster = Cluster::fresh()?;
    let outcome = images::load_ours(&cluster, &binary).and_then(|()| measure(&Bench { cluster: &cluster }));
    let down = cluster.down();
    outcome.and(down)
}

struct Bench<'a> {
    cluster: &'a Cluster,
}

fn measure(bench: &Bench<'_>) -> Result<()> {
    bench.install()?;
    let before = bench.figures()?;
    narrate::step(&format!(
        "without resources: {:.1} MiB resident",
        before.resident()
    ));
    bench.ready()?;
    bench.edits()?;
    bench.idle()?;
    bench.nothing_to_do()
}

impl Bench<'_> {
    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let words = [&["-n", NAMESPACE][..], arguments].concat();
        self.cluster.kubectl(&words)
    }

    fn install(&self) -> Result<()> {
        self.cluster.kubectl(&["create", "namespace", NAMESPACE])?;
        let label = "pod-security.kubernetes.io/enforce=privileged";
        self.cluster.kubectl(&["label", "namespace", NAMESPACE, label])?;
        let chart = workspace_dir()?.join("charts/crowdsec-operator");
        let (repository, tag) = images::OURS;
        let image = format!("image.repository={repository},image.tag={tag}");
        let chart = chart.to_string_lossy();
        self.cluster
            .helm(&[
                "install", RELEASE, &chart, "-n", NAMESPACE, "--set", &image, "--wait",
            ])
            .map(drop)
    }

    /// From `kubectl apply` of three resources to the last of them Ready, pods and all.
    fn ready(&self) -> Result<()> {
        let start = Instant::now();
        self.cluster.apply(RESOURCES)?;
        for name in NAMES {
            self.kubectl(&["wait", name, "--for=condition=Ready", "--timeout=120s"])?;
            let seconds = start.elapsed().as_secs_f64();
            narrate::step(&format!("apply → {name} Ready: {seconds:.1} s"));
        }
        Ok(())
    }

    /// From a stored edit to the object that it changes.
    fn edits(&self) -> Result<()> {
        let mut times = Vec::new();
        for edit in 0..EDITS {
            let replicas = (1 + (edit + 1) % 2).to_string();
            let mut watch = self
                .cluster
                .kubectl_command(&[
                    "-n",
                    NAMESPACE,
                    "get",
                    "deployment/edge-forward-auth",
                    "--watch",
                    "--request-timeout=60s",
                    "-o",
                    "jsonpath={.spec.replicas}{\"\\n\"}",
                ])
                .stdout(Stdio::piped())
                .spawn()?;
            let out = watch.stdout.take().context("kubectl has no output")?;
            let mut seen = BufReader::new(out).lines();
            // What is there now is told first; from then on nothing is missed.
            seen.next().context("kubectl shows no Deployment")??;
            let patch =
                format!("{{\"spec\":{{\"integration\":{{\"forwardAuth\":{{\"replicas\":{replicas}}}}}}}}}");
            self.kubectl(&["patch", "bouncer/edge", "--type=merge", "-p", &patch])?;
            let stored = Instant::now();
            let is_applied = seen.any(|line| line.is_ok_and(|line| line == replicas));
            times.push(stored.elapsed());
            watch.kill()?;
            watch.wait()?;
            ensure!(is_applied, "the edit was not applied");
            self.kubectl(&["wait", "bouncer/edge", "--for=condition=Ready", "--timeout=60s"])?;
        }
        times.sort_unstable();
        let [least, .., most] = times[..] else {
            return Ok(());
        };
        let middle = times.get(EDITS / 2).copied().unwrap_or_default();
        narrate::step(&format!(
            "edit → applied: {} ms ({}–{}) of {EDITS}",
            middle.as_millis(),
            least.as_millis(),
            most.as_millis()
        ));
        Ok(())
    }

    /// Nothing changes for a while.
    #[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
    fn idle(&self) -> Result<()> {
        let before = self.figures()?;
        std::thread::sleep(IDLE);
        let after = self.figures()?;
        let cpu = after.processor() - before.processor();
        narrate::step(&format!(
            "idle for {} s with {} resources: {:.1} MiB resident, {:.2} % of a processor; reconciles {}; requests {}",
            IDLE.as_secs(),
            NAMES.len(),
            after.resident(),
            cpu / IDLE.as_secs_f64() * 100.0,
            after.since(&before, RECONCILES),
            after.since(&before, CALLS),
        ));
        Ok(())
    }

    /// Every resource is touched, so each is reconciled; none differs from what is there.
    fn nothing_to_do(&self) -> Result<()> {
        let before = self.figures()?;
        let stamp = format!("example.com/touched={}", before.reconciles());
        self.kubectl(&[&["annotate", "--overwrite"], &NAMES[..], &[&stamp]].concat())?;
        let enough = before.reconciles() + f64::from(u32::try_from(NAMES.len())?);
        let after = self
            .cluster
            .wait_for("the reconciles", Duration::from_secs(30), || {
                let figures = self.figures()?;
                Ok((figures.reconciles() >= enough).then_some(figures))
            })?;
        narrate::step(&format!(
            "every resource touched, nothing to change: reconciles {}; requests {}",
            after.since(&before, RECONCILES),
            after.since(&before, CALLS),
        ));
        let writes = ["POST", "PATCH", "DELETE"].map(|method| {
            let series = format!("{CALLS}{{method=\"{method}\"}}");
            after.value(&series) - before.value(&series)
        });
        ensure!(
            writes.iter().all(|count| *count < 1.0),
            "a reconcile that changes nothing wrote: POST, PATCH, DELETE {writes:?}"
        );
        Ok(())
    }

    /// The operator's own metrics.
    fn figures(&self) -> Result<Figures> {
        let pod = self.kubectl(&[
            "get",
            "pods",
            "-l",
            "app.kubernetes.io/component=operator",
            "-o",
            "jsonpath={.items[0].metadata.name}",
        ])?;
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}:6060/proxy/metrics");
        let page = run_command(self.cluster.kubectl_command(&["get", "--raw", &path]))?;
        Figures::read(&page)
    }
}

const CALLS: &str = "crowdsec_operator_api_calls_total";
const RECONCILES: &str = "crowdsec_operator_reconciles_total";

/// A page of metrics: series with its labels, and value.
struct Figures(BTreeMap<String, f64>);

impl Figures {
    fn read(page: &str) -> Result<Figures> {
        let mut all = BTreeMap::new();
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').context("a line without a value")?;
            all.insert(series.to_owned(), value.parse()?);
        }
        Ok(Figures(all))
    }

    fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    /// MiB.
    fn resident(&self) -> f64 {
        self.value("process_resident_memory_bytes") / 1_048_576.0
    }

    /// CPU seconds.
    fn processor(&self) -> f64 {
        self.value("process_cpu_seconds_total")
    }

    fn reconciles(&self) -> f64 {
        let all = self.0.iter().filter(|(series, _)| series.starts_with(RECONCILES));
        all.map(|(_, value)| value).sum()
    }

    /// What a counter has counted since, by its label.
    fn since(&self, before: &Figures, counter: &str) -> String {
        let counted: Vec<String> = self
            .0
            .iter()
            .filter(|(series, _)| series.starts_with(counter))
            .map(|(series, value)| (series, value - before.value(series)))
            .filter(|(_, count)| *count > 0.0)
            .map(|(series, count)| format!("{} {count}", series.split('"').nth(1).unwrap_or_default()))
            .collect();
        if counted.is_empty() {
            "none".to_owned()
        } else {
            counted.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_metrics_is_read_and_compared() {
        let page = |get: u32| {
            format!(
                "# HELP x\n{CALLS}{{method=\"GET\"}} {get}\n{CALLS}{{method=\"PATCH\"}} 3\nprocess_cpu_seconds_total 1.5\n"
            )
        };
        let (before, after) = (Figures::read(&page(2)).unwrap(), Figures::read(&page(9)).unwrap());
        assert_eq!(after.since(&before, CALLS), "GET 7");
        assert_eq!(after.since(&after, CALLS), "none");
        assert!((after.processor() - 1.5).abs() < 1e-9);
        assert!(Figures::read("nonsense").is_err());
    }
}
