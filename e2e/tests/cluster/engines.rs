//! Engines and operators: names, switches, pauses, and what happens when one of them is killed.

use std::time::Duration;

use e2e::cluster::namespace::Namespace;
use e2e::wait::PATIENCE;
use serde_json::Value;

use crate::fixture::{Engine, OPERATOR, Operated, READY};

#[test]
fn two_engines_of_one_namespace_and_a_name_of_63_characters_do_not_collide() {
    let operated = Operated::shared();
    let namespace = Namespace::create(&operated.cluster, "names", &[]).unwrap();
    let long = "e".repeat(63);
    for name in ["one", "two", &long] {
        namespace.apply(&engine(name, "{}")).unwrap();
    }
    for name in ["one", "two", &long] {
        namespace
            .wait_condition(&format!("securityengine/{name}"), "Ready", "True", READY)
            .unwrap();
    }
    let services = namespace
        .objects(&["services", "-l", "app.kubernetes.io/name=crowdsec"])
        .unwrap();
    let mut selectors: Vec<String> = services
        .iter()
        .filter(|s| s["spec"]["ports"][0]["name"] == "api")
        .map(|s| s["spec"]["selector"].to_string())
        .collect();
    selectors.sort_unstable();
    selectors.dedup();
    assert_eq!(selectors.len(), 3, "{selectors:#?}");
}

#[test]
fn applying_everything_again_changes_nothing() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "again");
    let namespace = &engine.namespace;
    let kinds = "deployments,daemonsets,services,configmaps,secrets,serviceaccounts,networkpolicies,roles,rolebindings,pvc";
    let generations = || {
        let mut all: Vec<String> = namespace
            .objects(&[kinds])
            .unwrap()
            .iter()
            .map(|o| {
                // A Deployment's resourceVersion moves with its status; its generation with its spec alone.
                let meta = &o["metadata"];
                let version = if meta["generation"].is_null() {
                    &meta["resourceVersion"]
                } else {
                    &meta["generation"]
                };
                format!("{} {} {version}", o["kind"], meta["name"])
            })
            .collect();
        all.sort_unstable();
        all
    };
    let before = generations();
    namespace.apply(&engine.resources()).unwrap();
    // The annotation makes the operator look again.
    namespace
        .kubectl(&[
            "annotate",
            "securityengine/main",
            "logprocessor/nodes",
            "example.com/again=1",
        ])
        .unwrap();
    for object in ["securityengine/main", "logprocessor/nodes"] {
        namespace.wait_condition(object, "Ready", "True", READY).unwrap();
    }
    assert_eq!(generations(), before);
}

#[test]
fn an_option_that_is_switched_off_takes_its_object_along() {
    let operated = Operated::shared();
    let namespace = Namespace::create(&operated.cluster, "switch", &[]).unwrap();
    namespace.apply(&engine("main", "{}")).unwrap();
    namespace
        .wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    let policy = "networkpolicy/main-lapi";
    assert!(namespace.object(policy).unwrap().is_some());
    namespace
        .apply(&engine("main", "{networkPolicy: {enabled: false}}"))
        .unwrap();
    operated
        .cluster
        .wait_for("the policy to go", PATIENCE, || {
            Ok(namespace.object(policy)?.is_none().then_some(()))
        })
        .unwrap();
    namespace.apply(&engine("main", "{}")).unwrap();
    operated
        .cluster
        .wait_for("the policy to come back", PATIENCE, || namespace.object(policy))
        .unwrap();
}

#[test]
fn a_paused_engine_is_left_as_it_is() {
    let operated = Operated::shared();
    let namespace = Namespace::create(&operated.cluster, "pause", &[]).unwrap();
    namespace.apply(&engine("main", "{}")).unwrap();
    namespace
        .wait_condition("securityengine/main", "Ready", "True", READY)
        .unwrap();
    namespace
        .apply(&engine("main", "{paused: true, replicas: 0}"))
        .unwrap();
    let condition = namespace
        .wait_condition("securityengine/main", "Progressing", "False", READY)
        .unwrap();
    assert_eq!(condition.reason, "Paused", "{condition:?}");
    let replicas = |object: Option<Value>| object.unwrap()["spec"]["replicas"].clone();
    assert_eq!(replicas(namespace.object("deployment/main-lapi").unwrap()), 1);
    namespace.apply(&engine("main", "{replicas: 0}")).unwrap();
    operated
        .cluster
        .wait_for("the Local API to be scaled down", PATIENCE, || {
            Ok((replicas(namespace.object("deployment/main-lapi")?) == 0).then_some(()))
        })
        .unwrap();
}

#[test]
fn a_killed_local_api_comes_back_with_its_decisions() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "killed");
    engine.cscli(&["decisions", "add", "--ip", "192.0.2.8", "--duration", "1h"]);
    engine.kill_local_api();
    let decisions = operated
        .cluster
        .wait_for("the Local API to answer again", READY, || {
            let cscli = ["cscli", "decisions", "list"];
            Ok(engine.namespace.exec(&["deploy/main-lapi"], &cscli).ok())
        })
        .unwrap();
    assert!(decisions.contains("192.0.2.8"), "{decisions}");
}

#[test]
fn agents_that_change_their_engine_are_machines_of_the_new_one_alone() {
    let operated = Operated::shared();
    let fixture = Engine::start(&operated, "moved");
    let namespace = &fixture.namespace;
    // Nothing while a Local API starts.
    let machines = |of: &str| -> Option<Vec<String>> {
        let lapi = format!("deploy/{of}-lapi");
        let list = ["cscli", "machines", "list", "-o", "json"];
        let text = namespace.exec(&[&lapi], &list).ok()?;
        let list: Vec<Value> = serde_json::from_str(&text).unwrap();
        let names = list.iter().filter_map(|row| row["machineId"].as_str());
        let agents = names.filter(|name| name.contains(":nodes:"));
        Some(agents.map(str::to_owned).collect())
    };
    let wait_for = |what: &str, of: &str, expected: &[String]| {
        operated
            .cluster
            .wait_for(what, READY, || {
                Ok(machines(of).filter(|known| known == expected).map(drop))
            })
            .unwrap();
    };
    let agents = machines("main").unwrap();
    assert!(!agents.is_empty(), "no machine at the first engine");
    namespace.apply(&engine("other", "{}")).unwrap();
    namespace
        .wait_condition("securityengine/other", "Ready", "True", READY)
        .unwrap();

    // The one that is left is away, so its machines cannot go yet.
    namespace.apply(&engine("main", "{replicas: 0}")).unwrap();
    let patch = r#"{"spec":{"engineRef":{"name":"other"}}}"#;
    namespace
        .kubectl(&["patch", "logprocessor/nodes", "--type=merge", "-p", patch])
        .unwrap();
    wait_for("the machines at the other engine", "other", &agents);
    namespace.apply(&engine("main", "{replicas: 1}")).unwrap();
    wait_for("the machines at the first engine to go", "main", &[]);

    assert_eq!(machines("other"), Some(agents));
    namespace
        .kubectl(&["delete", "logprocessor/nodes", "--timeout=60s"])
        .unwrap();
    assert_eq!(machines("other"), Some(Vec::new()));
}

#[test]
fn of_two_operators_one_acts_and_the_other_takes_over() {
    let operated = Operated::shared();
    let cluster = &operated.cluster;
    let deployment = format!("deployment/{OPERATOR}");
    let scale = |count: &str| {
        let replicas = format!("--replicas={count}");
        cluster
            .kubectl(&["scale", "-n", OPERATOR, &deployment, &replicas])
            .unwrap();
        cluster
            .rolled_out(OPERATOR, &deployment, Duration::from_secs(60))
            .unwrap();
    };
    let holder = || {
        let lease = cluster.get(&["-n", OPERATOR, "leases"]).unwrap();
        lease["items"][0]["spec"]["holderIdentity"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    scale("2");
    let first = holder();
    assert!(!first.is_empty(), "nobody holds the lease");
    cluster
        .kubectl(&[
            "delete",
            "pod",
            "-n",
            OPERATOR,
            &first,
            "--grace-period=0",
            "--force",
        ])
        .unwrap();
    let namespace = Namespace::create(cluster, "lease", &[]).unwrap();
    namespace.apply(&engine("main", "{}")).unwrap();
    namespace
        .wait_condition("securityengine/main", "Ready", "True", Duration::from_secs(90))
        .unwrap();
    assert_ne!(holder(), first);
    scale("1");
}

fn engine(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {{name: {name}}}
spec: {spec}
"
    )
}
