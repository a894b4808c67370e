//! Every row of `docs/network.md`: one connection that passes and one that is refused, by an enforcer that is not ours.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use e2e::binary::workspace_dir;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::probe::{Probe, Reach, policies_are_enforced};
use e2e::cluster::{Cluster, Own};
use e2e::process::Process;

use crate::fixture::{Engine, OPERATOR, Operated, READY};

/// A host of the pretend internet, and names and ports that it answers for.
const HUB: &str = "198.51.100.20:8000";
const CENTRAL: &str = "198.51.100.10:443";
/// The name server of the pretend internet; Services of the cluster are not known there.
const FOREIGN_DNS: &str = "198.51.100.53:53";

#[test]
fn what_the_table_lists_passes_and_everything_else_is_refused() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    let outer = Namespace::create(cluster, "outer", &[]).unwrap();
    if cluster.own().is_none() && !policies_are_enforced(&outer).unwrap() {
        println!("skipped: this cluster's network does not enforce NetworkPolicies");
        return;
    }
    let engine = Engine::start(&operated, "network");
    let inner = &engine.namespace;
    inner.apply(BOUNCERS).unwrap();
    for bouncer in ["bouncer/mine", "bouncer/edge"] {
        inner.wait_condition(bouncer, "Ready", "True", READY).unwrap();
    }
    let pods = Pods::start(inner, &outer);
    let places = Places::find(&engine);
    let mut table = Table::default();
    ingress(&mut table, &pods, &places);
    match cluster.own() {
        Some(own) => {
            let folder = tempfile::tempdir().unwrap();
            let _internet = internet(own, folder.path());
            let ours = Ours::join(cluster, inner);
            machines(&mut table, &pods, &ours, &places);
            egress(&mut table, &pods, &ours, &places);
            hub(&mut table, inner, &ours, &folder.path().join("hub"));
            table.covers_the_document();
        }
        None => {
            println!("left out: what leaves our pods, which is tried by joining a pod on a node of our own");
        }
    }
    println!("{}", table.text);
    assert!(table.faults.is_empty(), "{:#?}\n{}", table.faults, table.text);
    works_on(inner, &pods, &places);
}

const BOUNCERS: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: mine}
spec: {engineRef: {name: main}, networkPeer: {podSelector: {matchLabels: {role: bouncer}}}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: edge}
spec:
  engineRef: {name: main}
  integration: {type: ForwardAuth}
  networkPeer: {podSelector: {matchLabels: {role: ingress}}}
";

/// Pods of nobody's, as the policies' selectors see them.
struct Pods<'a> {
    bouncer: Probe<'a>,
    ingress: Probe<'a>,
    neighbour: Probe<'a>,
    prometheus: Probe<'a>,
    /// In another namespace, with the labels of a bouncer, an ingress controller and the operator.
    stranger: Probe<'a>,
}

impl<'a> Pods<'a> {
    fn start(inner: &'a Namespace<'a>, outer: &'a Namespace<'a>) -> Pods<'a> {
        let start =
            |namespace, name: &str, labels: &[(&str, &str)]| Probe::start(namespace, name, labels).unwrap();
        Pods {
            bouncer: start(inner, "bouncer", &[("role", "bouncer")]),
            ingress: start(inner, "ingress", &[("role", "ingress")]),
            neighbour: start(inner, "neighbour", &[("role", "none")]),
            prometheus: start(outer, "prometheus", &[("app.kubernetes.io/name", "prometheus")]),
            stranger: start(
                outer,
                "stranger",
                &[
                    ("role", "bouncer"),
                    ("app.kubernetes.io/name", "crowdsec-operator"),
                ],
            ),
        }
    }
}

/// Our own pods' networks.
struct Ours<'a> {
    lapi: Probe<'a>,
    agent: Probe<'a>,
    forward_auth: Probe<'a>,
    operator: Probe<'a>,
}

impl<'a> Ours<'a> {
    fn join(cluster: &'a Cluster, inner: &Namespace<'_>) -> Ours<'a> {
        let join = |namespace: &str, component: &str| {
            let selector = format!("app.kubernetes.io/component={component}");
            Probe::join(cluster, namespace, &selector).unwrap()
        };
        Ours {
            lapi: join(inner.name(), "lapi"),
            agent: join(inner.name(), "agent"),
            forward_auth: join(inner.name(), "forward-auth"),
            operator: join(OPERATOR, "operator"),
        }
    }
}

/// Addresses in numbers.
struct Places {
    api: String,
    /// The same by its name, for pods that nobody joined.
    api_by_name: String,
    forward_auth: String,
    lapi_metrics: String,
    agent_metrics: String,
    forward_auth_metrics: String,
    operator_metrics: String,
    operator_health: String,
    kubernetes: String,
    dns: String,
    /// The kubelet, on the same address as the API server.
    kubelet: String,
}

impl Places {
    fn find(engine: &Engine<'_>) -> Places {
        let inner = &engine.namespace;
        let cluster = inner.cluster();
        let text = |words: &[&str]| cluster.kubectl(words).unwrap().trim().to_owned();
        let service = |namespace: &str, name: &str| {
            let ip = "jsonpath={.spec.clusterIP}";
            text(&["get", "-n", namespace, "service", name, "-o", ip])
        };
        let pod = |namespace: &str, component: &str| {
            let selector = format!("app.kubernetes.io/component={component}");
            let ip = "jsonpath={.items[0].status.podIP}";
            text(&["get", "-n", namespace, "pods", "-l", &selector, "-o", ip])
        };
        let operator = pod(OPERATOR, "operator");
        let node = "jsonpath={.items[0].status.addresses[?(@.type==\"InternalIP\")].address}";
        Places {
            api: format!("{}:8080", service(inner.name(), "main-lapi")),
            api_by_name: engine.api(),
            forward_auth: format!("{}:8080", service(inner.name(), "edge-forward-auth")),
            lapi_metrics: format!("{}:6060", pod(inner.name(), "lapi")),
            agent_metrics: format!("{}:6060", pod(inner.name(), "agent")),
            forward_auth_metrics: format!("{}:6060", pod(inner.name(), "forward-auth")),
            operator_metrics: format!("{operator}:6060"),
            operator_health: format!("{operator}:8081"),
            kubernetes: format!("{}:443", service("default", "kubernetes")),
            dns: format!("{}:53", service("kube-system", "kube-dns")),
            kubelet: format!("{}:10250", text(&["get", "nodes", "-o", node])),
        }
    }
}

/// What reaches our pods, from pods that any cluster can run.
fn ingress(table: &mut Table, pods: &Pods<'_>, places: &Places) {
    use Reach::{Closed, Open};
    let Pods {
        bouncer,
        ingress,
        neighbour,
        prometheus,
        stranger,
    } = pods;
    let row = "Local API in bouncers";
    table.row(row, "a bouncer", bouncer, &places.api_by_name, Open);
    table.row(row, "its neighbour", neighbour, &places.api_by_name, Closed);
    table.row(
        row,
        "its like in another namespace",
        stranger,
        &places.api_by_name,
        Closed,
    );
    table.row(row, "Prometheus", prometheus, &places.api_by_name, Closed);
    let row = "Local API in Prometheus";
    table.row(row, "Prometheus", prometheus, &places.lapi_metrics, Open);
    table.row(row, "a bouncer", bouncer, &places.lapi_metrics, Closed);
    let row = "agents in Prometheus";
    table.row(row, "Prometheus", prometheus, &places.agent_metrics, Open);
    table.row(row, "a stranger", stranger, &places.agent_metrics, Closed);
    let row = "forward-auth in ingress controllers";
    table.row(row, "an ingress controller", ingress, &places.forward_auth, Open);
    table.row(row, "its neighbour", neighbour, &places.forward_auth, Closed);
    table.row(row, "a stranger", stranger, &places.forward_auth, Closed);
    let row = "forward-auth in Prometheus";
    table.row(row, "Prometheus", prometheus, &places.forward_auth_metrics, Open);
    table.row(
        row,
        "an ingress controller",
        ingress,
        &places.forward_auth_metrics,
        Closed,
    );
    let row = "operator in Prometheus";
    table.row(row, "Prometheus", prometheus, &places.operator_metrics, Open);
    table.row(row, "a stranger", stranger, &places.operator_metrics, Closed);
    // Open on purpose, as the document says: not every network plugin lets nodes in by itself.
    table.row(
        "operator in anybody",
        "a stranger, probes",
        stranger,
        &places.operator_health,
        Open,
    );
}

/// Who else may come to the Local API.
fn machines(table: &mut Table, pods: &Pods<'_>, ours: &Ours<'_>, places: &Places) {
    use Reach::{Closed, Open};
    let row = "Local API in agents of the engine";
    table.row(row, "an agent", &ours.agent, &places.api, Open);
    table.row(row, "a pod beside it", &pods.neighbour, &places.api, Closed);
    let row = "Local API in the operator";
    table.row(row, "the operator", &ours.operator, &places.api, Open);
    table.row(
        row,
        "one with its label elsewhere",
        &pods.stranger,
        &places.api,
        Closed,
    );
}

/// What our pods reach.
fn egress(table: &mut Table, pods: &Pods<'_>, ours: &Ours<'_>, places: &Places) {
    use Reach::{Closed, Open};
    let Ours {
        lapi,
        agent,
        forward_auth,
        operator,
    } = ours;
    let row = "agents out Local API";
    table.row(row, "its API", agent, &places.api, Open);
    table.row(row, "its metrics", agent, &places.lapi_metrics, Closed);
    let row = "agents out the API server";
    table.row(row, "the API server", agent, &places.kubernetes, Open);
    table.row(row, "the kubelet beside it", agent, &places.kubelet, Closed);
    let row = "forward-auth out Local API";
    table.row(row, "its API", forward_auth, &places.api, Open);
    table.row(row, "its metrics", forward_auth, &places.lapi_metrics, Closed);
    let row = "operator out Local API";
    table.row(row, "its API", operator, &places.api, Open);
    table.row(
        row,
        "the same port of forward-auth",
        operator,
        &places.forward_auth,
        Closed,
    );
    let row = "operator out the API server";
    table.row(row, "the API server", operator, &places.kubernetes, Open);
    table.row(row, "the kubelet beside it", operator, &places.kubelet, Closed);
    for (row, who) in [
        ("Local API out cluster DNS", lapi),
        ("agents out cluster DNS", agent),
        ("forward-auth out cluster DNS", forward_auth),
    ] {
        table.row(row, "the cluster's", who, &places.dns, Open);
        table.row(row, "a foreign one", who, FOREIGN_DNS, Closed);
    }
    // The chart cannot know where name servers run, so the port is open to all of them.
    let row = "operator out cluster DNS";
    table.row(row, "the cluster's", operator, &places.dns, Open);
    table.row(row, "another port of the outside", operator, HUB, Closed);
    let row = "Local API out nothing else";
    table.row(row, "the API server", lapi, &places.kubernetes, Closed);
    table.row(row, "the Central API's address", lapi, CENTRAL, Closed);
    table.row(row, "the hub's address", lapi, HUB, Closed);
    let row = "forward-auth out nothing else";
    table.row(row, "the API server", forward_auth, &places.kubernetes, Closed);
    table.row(row, "the outside", forward_auth, CENTRAL, Closed);
    // What was refused above is there for who may.
    let row = "nobody's pod out anything";
    for (what, place) in [
        ("the kubelet", places.kubelet.as_str()),
        ("the foreign name server", FOREIGN_DNS),
        ("the Central API's address", CENTRAL),
        ("the hub's address", HUB),
    ] {
        table.row(row, what, &pods.stranger, place, Open);
    }
    for (name, address) in [
        ("api.crowdsec.net", "198.51.100.10"),
        ("cdn-hub.crowdsec.net", "198.51.100.20"),
    ] {
        let seen = pods.stranger.run(&["lookup", name]).unwrap();
        assert_eq!(seen.trim(), address, "external names go to the outside");
    }
}

/// Agents with `hub.index` go to that host by name, which is the outside's; those without it go nowhere.
fn hub(table: &mut Table, inner: &Namespace<'_>, ours: &Ours<'_>, log: &std::path::Path) {
    let row = "agents out the host of `hub.index`";
    table.row(row, "an agent without hub.index", &ours.agent, HUB, Reach::Closed);
    inner
        .apply(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: LogProcessor
metadata: {name: remote}
spec:
  engineRef: {name: main}
  sources: {containerLogs: false}
  hub: {index: \"http://cdn-hub.crowdsec.net:8000/crowdsecurity/master\"}
",
        )
        .unwrap();
    let asked = inner
        .cluster()
        .wait_for("an agent to ask the hub", Duration::from_secs(60), || {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let line = log
                .lines()
                .find(|line| line.contains(" GET cdn-hub.crowdsec.net:8000 /"));
            Ok(line.map(str::to_owned))
        });
    table.seen(row, "one with it, by name", Reach::Open, asked.is_ok());
    inner.kubectl(&["delete", "logprocessor/remote"]).unwrap();
}

/// A change is carried out and a scrape answers, with all policies in place.
fn works_on(inner: &Namespace<'_>, pods: &Pods<'_>, places: &Places) {
    inner
        .kubectl(&[
            "patch",
            "securityengine/main",
            "--type=merge",
            "-p",
            "{\"spec\": {\"retention\": {\"maxItems\": 4321}}}",
        ])
        .unwrap();
    inner
        .cluster()
        .wait_for("the change in the configuration", READY, || {
            let map = inner.object("configmap/main-lapi")?.unwrap_or_default();
            Ok(map["data"].to_string().contains("4321").then_some(()))
        })
        .unwrap();
    inner
        .wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    let page = pods
        .prometheus
        .get(&format!("http://{}/metrics", places.agent_metrics))
        .unwrap();
    assert!(page.contains("\ncs_info{"), "{page}");
}

/// Hosts of the pretend internet that answer on the ports above; what was asked is written to `folder`.
fn internet(own: &Own, folder: &std::path::Path) -> [Process; 2] {
    [("hub", HUB), ("central", CENTRAL)].map(|(name, address)| {
        let command = own.outside(&own.probe().to_string_lossy(), &["serve", address]);
        Process::start(name, command, &folder.join(name)).unwrap()
    })
}

/// What was tried; each line opens with the row of the document that it belongs to.
#[derive(Default)]
struct Table {
    text: String,
    faults: Vec<String>,
    passed: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl Table {
    fn row(&mut self, row: &str, what: &str, probe: &Probe<'_>, address: &str, expected: Reach) {
        let is_met = probe.expect(address, expected).is_ok();
        self.seen(row, what, expected, is_met);
    }

    fn seen(&mut self, row: &str, what: &str, expected: Reach, is_met: bool) {
        let (word, rows) = match expected {
            Reach::Open => ("passes", &mut self.passed),
            Reach::Closed => ("refused", &mut self.refused),
        };
        rows.insert(row.to_owned());
        let seen = if is_met { "as expected" } else { "WRONG" };
        writeln!(self.text, "{row:<38} {what:<32} {word:<8} {seen}").unwrap();
        if !is_met {
            self.faults.push(format!("{row}: {what}"));
        }
    }

    /// Every row of the document has been tried both ways.
    fn covers_the_document(&mut self) {
        let document = workspace_dir().unwrap().join("docs/network.md");
        let document = std::fs::read_to_string(document).unwrap();
        let rows = document
            .lines()
            .take_while(|line| !line.starts_with("*Inventory*"))
            .filter(|line| line.starts_with("| ") && !line.starts_with("| pods |"));
        for line in rows {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let other = cells[3].split(" (").next().unwrap();
            let row = format!("{} {} {other}", cells[1], cells[2]);
            for (tried, how) in [(&self.passed, "passes"), (&self.refused, "is refused")] {
                if !tried.contains(&row) {
                    self.faults.push(format!("{row}: nothing that {how} was tried"));
                }
            }
        }
        assert!(self.passed.len() > 10, "the document has no table");
    }
}
