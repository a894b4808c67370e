//! What goes on while a part is down, and what is caught up afterwards.

use std::time::{Duration, Instant};

use e2e::cluster::Own;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::speaker::{attack, speak};
use e2e::wait::PATIENCE;
use serde_json::Value;

use crate::fixture::{Engine, OPERATOR, Operated, READY};

/// Who is banned before the outage, who attacks during it, and who has nothing to do with either.
const BANNED: &str = "198.51.100.21";
const ATTACKER: &str = "198.51.100.22";
const VISITOR: &str = "198.51.100.23";

#[test]
fn without_its_local_api_forward_auth_answers_on_and_alerts_arrive_once_afterwards() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    let Some(own) = cluster.own() else {
        println!("skipped: forward-auth is asked from the node, which only a cluster of our own lets us do");
        return;
    };
    let engine = Engine::start(&operated, "outage");
    let namespace = &engine.namespace;
    namespace.apply(WATCHED).unwrap();
    namespace
        .wait_condition("bouncer/edge", "Ready", "True", READY)
        .unwrap();
    let replicas = Replicas::find(own, namespace);
    engine.cscli(&["decisions", "add", "--ip", BANNED, "--duration", "1h"]);
    cluster
        .wait_for("the banned one to be refused", PATIENCE, || {
            Ok(replicas.all_say("403", BANNED).then_some(()))
        })
        .unwrap();

    // Killed, and not started again for a while.
    scale(&engine, 0);
    engine.kill_local_api();
    let down = Instant::now();
    speak(
        namespace,
        "web",
        &[("app", "web")],
        &[("nginx", &attack(ATTACKER))],
    )
    .unwrap();
    let mut asked = 0;
    while down.elapsed() < Duration::from_secs(15) {
        assert_eq!(replicas.statuses(BANNED), ["403", "403"]);
        assert_eq!(replicas.statuses(VISITOR), ["200", "200"]);
        asked += 1;
    }
    println!("{asked} times both were answered rightly during the outage");
    let pods = namespace
        .objects(&["pods", "-l", "app.kubernetes.io/component=lapi"])
        .unwrap();
    assert!(pods.is_empty(), "the Local API was not down");

    scale(&engine, 1);
    namespace
        .wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    cluster
        .wait_for("the attacker to be refused", PATIENCE, || {
            Ok(replicas.all_say("403", ATTACKER).then_some(()))
        })
        .unwrap();
    assert!(replicas.all_say("403", BANNED));
    assert!(replicas.all_say("200", VISITOR));
    let alerts: Value =
        serde_json::from_str(&engine.cscli(&["alerts", "list", "--ip", ATTACKER, "-o", "json"])).unwrap();
    assert_eq!(alerts.as_array().map(Vec::len), Some(1), "{alerts}");
}

/// A log to read and a bouncer to ask.
const WATCHED: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Acquisition
metadata: {name: web}
spec: {type: nginx, target: {podSelector: {matchLabels: {app: web}}}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: edge}
spec: {engineRef: {name: main}, integration: {type: ForwardAuth, forwardAuth: {failurePolicy: Open}}}
";

/// The replicas of forward-auth, each of which pulls by itself: their Service would answer with any one of them.
struct Replicas<'a> {
    own: &'a Own,
    addresses: Vec<String>,
}

impl<'a> Replicas<'a> {
    fn find(own: &'a Own, namespace: &Namespace<'_>) -> Replicas<'a> {
        let labels = "app.kubernetes.io/instance=edge,app.kubernetes.io/component=forward-auth";
        let pods = namespace.objects(&["pods", "-l", labels]).unwrap();
        let addresses: Vec<String> = pods
            .iter()
            .filter_map(|pod| pod["status"]["podIP"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(addresses.len(), 2, "{pods:#?}");
        Replicas { own, addresses }
    }

    /// What each of them says of a client.
    fn statuses(&self, client: &str) -> Vec<String> {
        let header = format!("X-Forwarded-For: {client}");
        let ask = |address: &String| {
            self.own
                .status(&format!("http://{address}:8080/"), &header)
                .unwrap()
        };
        self.addresses.iter().map(ask).collect()
    }

    fn all_say(&self, status: &str, client: &str) -> bool {
        self.statuses(client).iter().all(|said| said == status)
    }
}

fn scale(engine: &Engine<'_>, replicas: u8) {
    let patch = format!("{{\"spec\":{{\"replicas\":{replicas}}}}}");
    let words = ["patch", "securityengine/main", "--type=merge", "-p", &patch];
    engine.namespace.kubectl(&words).unwrap();
    engine
        .namespace
        .cluster()
        .wait_for("the Deployment to follow", PATIENCE, || {
            let deployment = engine.namespace.object("deployment/main-lapi")?;
            Ok(deployment.filter(|d| d["spec"]["replicas"] == replicas))
        })
        .unwrap();
}

#[test]
fn a_rollout_ends_although_the_operator_is_killed_in_the_midst_of_it() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    let engine = Engine::start(&operated, "rollout");
    let namespace = &engine.namespace;
    let machines = engine.names("machines", "machineId");
    for (object, patch) in [
        (
            "securityengine/main",
            r#"{"spec":{"podTemplate":{"annotations":{"example.com/rollout":"2"}}}}"#,
        ),
        (
            "logprocessor/nodes",
            r#"{"spec":{"podTemplate":{"annotations":{"example.com/rollout":"2"}}}}"#,
        ),
    ] {
        namespace
            .kubectl(&["patch", object, "--type=merge", "-p", patch])
            .unwrap();
    }
    let selector = "app.kubernetes.io/name=crowdsec-operator";
    cluster
        .kubectl(&[
            "delete",
            "pod",
            "-n",
            OPERATOR,
            "-l",
            selector,
            "--grace-period=0",
            "--force",
        ])
        .unwrap();
    for object in ["securityengine/main", "logprocessor/nodes"] {
        for (type_, status) in [("Progressing", "False"), ("Ready", "True")] {
            namespace
                .wait_condition(object, type_, status, Duration::from_secs(90))
                .unwrap();
        }
    }
    let pods = || namespace.objects(&["pods", "-l", "app.kubernetes.io/name=crowdsec"]);
    let done = cluster.wait_for(
        "one pod of each, of the new template",
        Duration::from_secs(60),
        || {
            let pods = pods()?;
            let is_new = |pod: &Value| {
                pod["metadata"]["annotations"]["example.com/rollout"] == "2"
                    && pod["metadata"]["deletionTimestamp"].is_null()
            };
            Ok((pods.len() == 2 && pods.iter().all(is_new)).then_some(()))
        },
    );
    assert!(done.is_ok(), "{:#?}", pods());
    assert_eq!(engine.names("machines", "machineId"), machines);
}
