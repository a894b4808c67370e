//! Every row of the network inventory that exists: one connection that passes and one that is refused.

use std::fmt::Write as _;

use e2e::cluster::Own;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::probe::{Probe, Reach, policies_are_enforced};

use crate::fixture::{Engine, Operated, READY};

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
    inner.apply(BOUNCER).unwrap();
    inner
        .wait_condition("bouncer/mine", "Ready", "True", READY)
        .unwrap();
    let mut table = Table::default();
    ingress(&mut table, &engine, &outer);
    match cluster.own() {
        Some(own) => egress(&mut table, &engine, &outer, own),
        None => {
            println!("left out: what leaves our pods, which is tried by joining a pod on a node of our own");
        }
    }
    println!("{}", table.text);
    assert!(table.faults.is_empty(), "{:#?}\n{}", table.faults, table.text);
}

const BOUNCER: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: mine}
spec: {engineRef: {name: main}, networkPeer: {podSelector: {matchLabels: {role: bouncer}}}}
";

/// What reaches Local API and agents.
fn ingress(table: &mut Table, engine: &Engine<'_>, outer: &Namespace<'_>) {
    let inner = &engine.namespace;
    let bouncer = Probe::start(inner, "bouncer", &[("role", "bouncer")]).unwrap();
    let neighbour = Probe::start(inner, "neighbour", &[("role", "none")]).unwrap();
    let prometheus = Probe::start(outer, "prometheus", &[("app.kubernetes.io/name", "prometheus")]).unwrap();
    let stranger = Probe::start(outer, "stranger", &[("role", "bouncer")]).unwrap();
    let api = engine.api();
    let (lapi, agent) = (metrics(inner, "lapi"), metrics(inner, "agent"));
    table.row("1 13", "bouncer → Local API", &bouncer, &api, Reach::Open);
    table.row(
        "1 13",
        "its neighbour → Local API",
        &neighbour,
        &api,
        Reach::Closed,
    );
    table.row(
        "1 13",
        "same label, other namespace → Local API",
        &stranger,
        &api,
        Reach::Closed,
    );
    table.row(
        "2",
        "Prometheus → Local API's metrics",
        &prometheus,
        &lapi,
        Reach::Open,
    );
    table.row(
        "2",
        "bouncer → Local API's metrics",
        &bouncer,
        &lapi,
        Reach::Closed,
    );
    table.row("1", "Prometheus → Local API", &prometheus, &api, Reach::Closed);
    table.row(
        "3",
        "Prometheus → agent's metrics",
        &prometheus,
        &agent,
        Reach::Open,
    );
    table.row(
        "3",
        "stranger → agent's metrics",
        &stranger,
        &agent,
        Reach::Closed,
    );
}

/// What leaves Local API and agents.
fn egress(table: &mut Table, engine: &Engine<'_>, outer: &Namespace<'_>, own: &Own) {
    let inner = &engine.namespace;
    let join = |component: &str| {
        let selector = format!("app.kubernetes.io/component={component}");
        Probe::join(inner, own, &selector).unwrap()
    };
    let (lapi, agent) = (join("lapi"), join("agent"));
    let server = Probe::server(outer, "server", &[], Some(9000)).unwrap();
    let stranger = Probe::start(outer, "client", &[]).unwrap();
    let elsewhere = format!("{}:9000", server.address().unwrap());
    let service = |namespace: &str, name: &str| {
        let words = [
            "get",
            "-n",
            namespace,
            "service",
            name,
            "-o",
            "jsonpath={.spec.clusterIP}",
        ];
        inner.cluster().kubectl(&words).unwrap()
    };
    let api = format!("{}:8080", service(inner.name(), "main-lapi"));
    let kubernetes = format!("{}:443", service("default", "kubernetes"));
    let dns = format!("{}:53", service("kube-system", "kube-dns"));
    table.row("14", "agent → Local API", &agent, &api, Reach::Open);
    table.row("-", "agent → name server", &agent, &dns, Reach::Open);
    table.row("-", "agent → API server", &agent, &kubernetes, Reach::Open);
    table.row("14", "agent → anything else", &agent, &elsewhere, Reach::Closed);
    table.row("-", "Local API → name server", &lapi, &dns, Reach::Open);
    table.row("-", "Local API → API server", &lapi, &kubernetes, Reach::Closed);
    table.row("-", "Local API → anything else", &lapi, &elsewhere, Reach::Closed);
    table.row(
        "-",
        "anybody → that other thing",
        &stranger,
        &elsewhere,
        Reach::Open,
    );
}

/// What was tried, line of the inventory first.
#[derive(Default)]
struct Table {
    text: String,
    faults: Vec<String>,
}

impl Table {
    fn row(&mut self, line: &str, what: &str, probe: &Probe<'_>, address: &str, expected: Reach) {
        let outcome = probe.expect(address, expected);
        let seen = if outcome.is_ok() { "as expected" } else { "WRONG" };
        writeln!(self.text, "{line:<5} {what:<45} {expected:<6?} {seen}").unwrap();
        if outcome.is_err() {
            self.faults.push(what.to_owned());
        }
    }
}

/// Where a component's pod answers Prometheus.
fn metrics(namespace: &Namespace<'_>, component: &str) -> String {
    let selector = format!("app.kubernetes.io/component={component}");
    let pods = namespace.objects(&["pods", "-l", &selector]).unwrap();
    format!("{}:6060", pods[0]["status"]["podIP"].as_str().unwrap())
}
