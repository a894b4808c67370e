//! A pod that does nothing until it is asked to open a connection: the measure of what a policy lets through.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Cluster;
use super::images::PROBE;
use super::namespace::Namespace;
use crate::wait;

/// A place in the cluster's network from which connections are tried.
#[derive(Debug)]
pub struct Probe<'a> {
    cluster: &'a Cluster,
    namespace: String,
    name: String,
    /// Process on our own node whose network is used; none for a pod that runs the probe program itself.
    joined: Option<u32>,
}

/// What became of an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A connection was made.
    Open,
    /// It was refused, or nothing answered.
    Closed,
}

impl<'a> Probe<'a> {
    /// Starts a probe with labels (`a=b`), under the strictest pod security; waits until it is ready.
    pub fn start(namespace: &'a Namespace<'a>, name: &str, labels: &[(&str, &str)]) -> Result<Probe<'a>> {
        Probe::server(namespace, name, labels, None)
    }

    /// As [`Probe::start`], and it answers HTTP on `port` (above 1023) if there is one.
    pub fn server(
        namespace: &'a Namespace<'a>,
        name: &str,
        labels: &[(&str, &str)],
        port: Option<u16>,
    ) -> Result<Probe<'a>> {
        let labels = labels
            .iter()
            .map(|(key, value)| format!("\"{key}\": \"{value}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let arguments = port.map_or_else(|| "[pause]".to_owned(), |p| format!("[serve, \":{p}\"]"));
        namespace.apply(&format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 0
  securityContext: {{runAsNonRoot: true, runAsUser: 65532, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
  - name: probe
    image: {PROBE}
    imagePullPolicy: IfNotPresent
    args: {arguments}
    securityContext: {{readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"
        ))?;
        let pod = format!("pod/{name}");
        namespace.kubectl(&["wait", "--for=condition=Ready", &pod, "--timeout=60s"])?;
        Ok(Probe {
            cluster: namespace.cluster(),
            namespace: namespace.name().to_owned(),
            name: name.to_owned(),
            joined: None,
        })
    }

    /// Joins the network of the first running pod that `selector` names, on a node of our own; policies judge it as that
    /// pod. Addresses must be numbers: names are those of the outside world there.
    pub fn join(cluster: &'a Cluster, namespace: &str, selector: &str) -> Result<Probe<'a>> {
        let own = cluster.own().context("only a pod of our own cluster is joined")?;
        let pods = cluster.get(&["pods", "-n", namespace, "-l", selector])?;
        let pod = pods["items"]
            .as_array()
            .and_then(|pods| pods.iter().find(|pod| pod["status"]["phase"] == "Running"))
            .with_context(|| format!("no pod of {namespace} that is {selector} runs"))?;
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        let container = text("/status/containerStatuses/0/containerID").context("no container runs")?;
        Ok(Probe {
            cluster,
            namespace: namespace.to_owned(),
            name: text("/metadata/name").unwrap_or_default().to_owned(),
            joined: Some(own.process(container)?),
        })
    }

    /// Runs the probe program and tells what it printed; an error when it failed.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let (Some(process), Some(own)) = (self.joined, self.cluster.own()) else {
            let mut words = vec!["exec", "-n", &self.namespace, &self.name, "--", "/probe"];
            words.extend(arguments);
            return self.cluster.kubectl(&words);
        };
        let (process, probe) = (process.to_string(), own.probe());
        let probe = probe.to_string_lossy();
        let mut words = vec!["nsenter", "--target", &process, "--net", &probe];
        words.extend(arguments);
        own.node(&words)
    }

    /// Fetches a page.
    pub fn get(&self, url: &str) -> Result<String> {
        self.run(&["get", url])
    }

    /// Tries to connect to `HOST:PORT` once; an error when the probe itself could not be asked, or knows no such name.
    pub fn dial(&self, address: &str) -> Result<Reach> {
        match self.run(&["dial", "tcp", address]) {
            Ok(_) => Ok(Reach::Open),
            Err(error) if error.to_string().contains("probe: closed: ") => Ok(Reach::Closed),
            Err(error) => Err(error),
        }
    }

    /// Waits until `address` can or cannot be reached: a policy takes a moment to act.
    pub fn expect(&self, address: &str, expected: Reach) -> Result<()> {
        let what = format!("{} → {address} to be {expected:?}", self.name);
        self.cluster.wait_for(&what, wait::PATIENCE, || {
            Ok((self.dial(address)? == expected).then_some(()))
        })
    }

    /// Address of the pod.
    pub fn address(&self) -> Result<String> {
        let pod = format!("pod/{}", self.name);
        let address = "jsonpath={.status.podIP}";
        let text = self
            .cluster
            .kubectl(&["get", "-n", &self.namespace, &pod, "-o", address])?;
        ensure!(!text.is_empty(), "{pod} has no address");
        Ok(text)
    }
}

/// Whether the cluster enforces policies at all: a server, a client, and a policy that must cut them apart.
pub fn policies_are_enforced(namespace: &Namespace<'_>) -> Result<bool> {
    let server = Probe::server(namespace, "enforced-server", &[("role", "server")], Some(8080))?;
    let client = Probe::start(namespace, "enforced-client", &[("role", "client")])?;
    let address = format!("{}:8080", server.address()?);
    client.expect(&address, Reach::Open)?;
    namespace.apply(
        "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: enforced}
spec: {podSelector: {matchLabels: {role: server}}, policyTypes: [Ingress]}
",
    )?;
    let is_enforced = client.expect(&address, Reach::Closed).is_ok();
    namespace.kubectl(&["delete", "networkpolicy/enforced"])?;
    if is_enforced {
        client.expect(&address, Reach::Open)?;
    }
    Ok(is_enforced)
}
