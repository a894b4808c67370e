//! Agents: what they read, whom they belong to, and that nothing is lost when they go and come.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::cluster::Cluster;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::speaker::{attack, request, speak};
use e2e::wait;
use jiff::Timestamp;

use crate::fixture::{Engine, Operated, READY};

/// All alerts, a row each.
const ALERTS: [&str; 6] = ["alerts", "list", "-l", "0", "-o", "raw"];
/// Leaks once a minute, so a slow restart between two lines of an address drains nothing.
const SCENARIO: &str = "starter/ssh-slow-bf";
/// Eleven lines each: 30,030 lines.
const ADDRESSES: u32 = 2730;
/// Long enough for an alert to be there on a machine that does other things too.
const ALERT: Duration = Duration::from_secs(60);

#[test]
fn a_new_pod_is_read_from_its_first_byte() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "newpod");
    acquire(&engine.namespace, "nginx");
    speak(
        &engine.namespace,
        "web",
        &[("app", "web")],
        &[("nginx", &attack("203.0.113.11"))],
    )
    .unwrap();
    engine.wait_alert("203.0.113.11");
    let at = |pod: &str, words: &str| {
        let log = engine.namespace.kubectl(&["logs", pod, "--timestamps"]).unwrap();
        let line = log.lines().find(|line| line.contains(words)).unwrap();
        line.split(' ').next().unwrap().parse::<Timestamp>().unwrap()
    };
    let written = at("pod/web", "203.0.113.11");
    let followed = at("daemonset/nodes-agent", "file is followed");
    let passed = followed.duration_since(written).as_millis();
    println!("its log was followed {passed} ms after its first line");
}

#[test]
fn each_container_is_read_and_a_line_of_many_parts_is_one_line() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "parts");
    acquire(&engine.namespace, "nginx");
    // The runtime cuts a line every 16 KiB.
    let long: String = (1..=11)
        .map(|n| request("203.0.113.22", &format!("/{}/{n}.php", "x".repeat(40_000))))
        .collect();
    speak(
        &engine.namespace,
        "two",
        &[("app", "web")],
        &[("one", &attack("203.0.113.21")), ("two", &long)],
    )
    .unwrap();
    for address in ["203.0.113.21", "203.0.113.22"] {
        engine.wait_alert(address);
    }
}

#[test]
fn an_acquisition_reads_pods_of_its_own_namespace_only() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "tenant");
    let other = Namespace::create(&operated.cluster, "foreign", &[]).unwrap();
    acquire(&engine.namespace, "nginx");
    for (namespace, address) in [(&other, "203.0.113.32"), (&engine.namespace, "203.0.113.31")] {
        speak(
            namespace,
            "web",
            &[("app", "web")],
            &[("nginx", &attack(address))],
        )
        .unwrap();
    }
    engine.wait_alert("203.0.113.31");
    assert!(!engine.alerts().contains("203.0.113.32"));
}

#[test]
fn an_acquisition_that_changes_is_followed_without_a_restart() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "change");
    let namespace = &engine.namespace;
    let pods = || {
        let words = ["pods", "-l", "app.kubernetes.io/component=agent"];
        let list = namespace.objects(&words).unwrap();
        let uids: Vec<String> = list
            .iter()
            .map(|p| {
                format!(
                    "{} {}",
                    p["metadata"]["uid"], p["status"]["containerStatuses"][0]["restartCount"]
                )
            })
            .collect();
        uids
    };
    let before = pods();
    acquire(namespace, "syslog");
    namespace
        .wait_condition("acquisition/web", "Accepted", "True", READY)
        .unwrap();
    acquire(namespace, "nginx");
    speak(
        namespace,
        "web",
        &[("app", "web")],
        &[("nginx", &attack("203.0.113.41"))],
    )
    .unwrap();
    engine.wait_alert("203.0.113.41");
    assert_eq!(pods(), before);
}

#[test]
fn agents_that_go_and_come_are_the_same_machines_and_lose_no_line() {
    let operated = Operated::shared();
    let Some(own) = operated.cluster.own() else {
        println!("skipped: lines are written on the node, which only a cluster of our own lets us do");
        return;
    };
    let engine = Engine::empty(&operated.cluster, "lines");
    let namespace = &engine.namespace;
    let file = format!("/var/log/{}.log", namespace.name());
    namespace.apply(&node_file(&file)).unwrap();
    for object in ["securityengine/main", "logprocessor/nodes"] {
        namespace.wait_condition(object, "Ready", "True", READY).unwrap();
    }
    let machines = engine.names("machines", "machineId");
    own.node(&["sh", "-c", &write_script(&file, 1, 100)]).unwrap();
    // What is rotated away before anybody saw it was never a file of the pattern.
    engine.wait_alert(&address(1));
    own.node(&["sh", "-c", &write_script(&file, 101, 900)]).unwrap();
    namespace
        .kubectl(&[
            "delete",
            "pod",
            "-l",
            "app.kubernetes.io/component=agent",
            "--wait=false",
        ])
        .unwrap();
    own.node(&[
        "sh",
        "-c",
        &format!("mv {file} {file}.1; {}", write_script(&file, 901, 1800)),
    ])
    .unwrap();
    kill_container(&operated.cluster, namespace);
    own.node(&["sh", "-c", &write_script(&file, 1801, 2300)]).unwrap();
    namespace
        .kubectl(&["rollout", "restart", "daemonset/nodes-agent"])
        .unwrap();
    own.node(&["sh", "-c", &write_script(&file, 2301, ADDRESSES)])
        .unwrap();
    wait_each_address(&engine);
    assert_eq!(engine.names("machines", "machineId"), machines);
    let pods = namespace
        .objects(&["pods", "-l", "app.kubernetes.io/component=agent"])
        .unwrap();
    for pod in pods {
        let state = &pod["status"]["containerStatuses"][0];
        assert!(state["state"]["waiting"].is_null(), "{state}");
        assert!(state["restartCount"].as_u64() <= Some(1), "{state}");
    }
    own.node(&["sh", "-c", &format!("rm -f {file} {file}.1")])
        .unwrap();
}

/// Waits until every address that wrote lines has its alert.
fn wait_each_address(engine: &Engine<'_>) {
    let expected: BTreeSet<String> = (1..=ADDRESSES).map(address).collect();
    // Rows of `id,scope,value,…`: thousands of alerts as JSON are megabytes for kubectl to carry.
    let seen = || -> Option<BTreeSet<String>> {
        let list = ["alerts", "list", "-l", "0", "-s", SCENARIO, "-o", "raw"];
        let text = engine.try_cscli(&list).ok()?;
        let addresses = text.lines().filter_map(|row| row.split(',').nth(2));
        Some(addresses.map(str::to_owned).collect())
    };
    let mut missing = expected.clone();
    let outcome = wait::until(
        "an alert on each address",
        Duration::from_secs(120),
        Duration::from_secs(2),
        || {
            if let Some(seen) = seen() {
                missing = expected.difference(&seen).cloned().collect();
            }
            Ok(missing.is_empty().then_some(()))
        },
    );
    assert!(
        outcome.is_ok(),
        "{} of {ADDRESSES} addresses lost a line: {missing:?}",
        missing.len()
    );
}

/// Kills the main process of the agent's container on the node, once there is one that stays.
fn kill_container(cluster: &Cluster, namespace: &Namespace<'_>) {
    let own = cluster.own().unwrap();
    cluster
        .wait_for("an agent to be killed", Duration::from_secs(60), || {
            let pods = namespace.objects(&["pods", "-l", "app.kubernetes.io/component=agent"])?;
            let staying = pods
                .iter()
                .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
            let running = staying
                .map(|pod| &pod["status"]["containerStatuses"][0])
                .find(|container| container["ready"] == true);
            let id = running.and_then(|container| container["containerID"].as_str());
            Ok(id.and_then(|id| own.kill_container(id).ok()))
        })
        .unwrap();
}

/// An engine that keeps all alerts, and agents that read one file of the node.
fn node_file(path: &str) -> String {
    format!(
        "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {{name: main}}
spec: {{retention: {{maxItems: 50000}}}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: LogProcessor
metadata: {{name: nodes}}
spec:
  engineRef: {{name: main}}
  sources: {{containerLogs: false, nodeFiles: [{{paths: [{path}], type: syslog}}]}}
"
    )
}

/// Failed log-ins, eleven for each of some addresses: [`SCENARIO`] lets ten pass, so a lost line is a missing alert.
fn write_script(file: &str, first: u32, last: u32) -> String {
    format!(
        "awk 'BEGIN {{ for (i = {first}; i <= {last}; i++) for (n = 0; n < 11; n++)
           printf \"Nov 25 05:00:00 node0 sshd[%d]: Failed password for root from 198.18.%d.%d port 4242 ssh2\\n\", i, int(i / 250), i % 250 + 1 }}' >>{file}"
    )
}

/// The address that [`write_script`] gives a number.
fn address(number: u32) -> String {
    format!("198.18.{}.{}", number / 250, number % 250 + 1)
}

/// An Acquisition of pods labelled `app: web`.
fn acquire(namespace: &Namespace<'_>, type_: &str) {
    namespace
        .apply(&format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Acquisition
metadata: {{name: web}}
spec: {{type: {type_}, target: {{podSelector: {{matchLabels: {{app: web}}}}}}}}
"
        ))
        .unwrap();
}

impl Engine<'_> {
    fn alerts(&self) -> String {
        self.cscli(&ALERTS)
    }

    fn wait_alert(&self, address: &str) {
        self.namespace
            .cluster()
            .wait_for(&format!("an alert on {address}"), ALERT, || {
                let alerts = self.try_cscli(&ALERTS).unwrap_or_default();
                Ok(alerts.contains(address).then_some(()))
            })
            .unwrap();
    }
}
