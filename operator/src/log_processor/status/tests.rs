//! What a LogProcessor says of itself, state by state.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::*;
use crate::cluster::store::Key;
use crate::crd::acquisition::AcquisitionStatus;
use crate::log_processor::fixtures::{local_api, node, now, observed, pod, processor, source};
use wire::admin::Status;

fn daemon_set(desired: i32, ready: i32) -> DaemonSet {
    serde_json::from_value(serde_json::json!({
        "metadata": {"generation": 2},
        "spec": {"selector": {}, "template": {}},
        "status": {
            "observedGeneration": 2,
            "desiredNumberScheduled": desired,
            "currentNumberScheduled": desired,
            "updatedNumberScheduled": desired,
            "numberReady": ready,
            "numberMisscheduled": 0,
        },
    }))
    .unwrap()
}

fn well() -> Outcome {
    Outcome {
        daemon_set: Some(daemon_set(2, 2)),
        pods: Vec::new(),
        local_api: Ok(Status {
            nodes: vec![
                node("watch:nodes:a", 5, vec![source("traefik/edge", 10, 9, "")]),
                node("watch:nodes:b", 5, vec![source("/var/log/auth.log", 3, 0, "")]),
            ],
            ..Status::default()
        }),
        registered: 2,
        apply_error: None,
        pod_security: None,
    }
}

fn conditions(outcome: &Outcome) -> String {
    let processor = processor("{engineRef: {name: main}}");
    text(&status(&processor, &observed(), &local_api(), outcome, now()).conditions)
}

fn text(conditions: &[Condition]) -> String {
    let lines: Vec<String> = conditions
        .iter()
        .map(|one| format!("{} {} {}: {}", one.type_, one.status, one.reason, one.message))
        .collect();
    lines.join("\n")
}

#[test]
fn agents_that_read_and_parse_are_all_well() {
    insta::assert_snapshot!(conditions(&well()), @r"
    Ready True Available: 2 of 2 agents are ready
    Progressing False Reconciled: 
    Degraded False AsExpected: 
    Registered True Registered: the Local API knows 2 of 2 nodes
    ReadingLogs True LinesRead: 2 of 2 agents reported
    ParsingLogs True LinesParsed: except for /var/log/auth.log (type traefik)
    Monitored True MonitorApplied:
    ");
}

#[test]
fn the_figures_are_the_cluster_s_and_the_agents() {
    let mut observed = observed();
    let mut acquisition = (*observed.candidates[0].acquisition).clone();
    acquisition.status = Some(AcquisitionStatus {
        matched_pods: Some(4),
        ..AcquisitionStatus::default()
    });
    observed.candidates[0].acquisition = std::sync::Arc::new(acquisition);
    let processor = processor("{engineRef: {name: main}}");
    let mut status = status(&processor, &observed, &local_api(), &well(), now());
    status.conditions.clear();
    insta::assert_snapshot!(golang::yaml::to_string(&status).unwrap(), @r"
    observedGeneration: 3
    conditions: []
    desired: 2
    ready: 2
    registered: 2
    matchedPods: 4
    nodes: 2
    lines:
      read: 13
      parsed: 9
    ");
}

#[test]
fn agents_that_start_are_rolling_out_and_tell_nothing_yet() {
    let outcome = Outcome {
        daemon_set: Some(daemon_set(2, 1)),
        local_api: Ok(Status::default()),
        registered: 1,
        ..well()
    };
    insta::assert_snapshot!(conditions(&outcome), @r"
    Ready False Starting: 1 of 2 agents are ready
    Progressing True RollingOut: 2 of 2 agents are up to date, 1 are ready
    Degraded False AsExpected: 
    Registered False Incomplete: the Local API knows 1 of 2 nodes
    ReadingLogs Unknown NoReport: 0 of 2 agents reported
    ParsingLogs Unknown NoReport: no agent has reported
    Monitored True MonitorApplied:
    ");
}

#[test]
fn an_engine_that_does_not_serve_is_no_fault_of_its_agents() {
    let outcome = Outcome {
        local_api: Err(Silence::NotServing(Key::new("crowdsec", "main"))),
        registered: 0,
        ..well()
    };
    let told = conditions(&outcome);
    for expected in [
        "Ready False EngineNotReady: SecurityEngine crowdsec/main does not serve; see its conditions",
        "Degraded False AsExpected",
        "Registered False EngineUnavailable",
    ] {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_local_api_that_does_not_answer_is_told_and_the_agents_stay() {
    let outcome = Outcome {
        local_api: Err(Silence::Unreachable(
            "GET http://main-lapi.crowdsec.svc:8080/: connection refused".into(),
        )),
        registered: 0,
        ..well()
    };
    insta::assert_snapshot!(conditions(&outcome), @r"
    Ready False EngineNotReady: GET http://main-lapi.crowdsec.svc:8080/: connection refused
    Progressing False Reconciled: 
    Degraded True LocalApiUnreachable: GET http://main-lapi.crowdsec.svc:8080/: connection refused
    Registered False LocalApiUnreachable: GET http://main-lapi.crowdsec.svc:8080/: connection refused
    ReadingLogs Unknown NoReport: 0 of 2 agents reported
    ParsingLogs Unknown NoReport: no agent has reported
    Monitored True MonitorApplied:
    ");
}

#[test]
fn a_failing_pod_is_quoted() {
    let waiting = "{containerStatuses: [{name: crowdsec, image: i, imageID: '', ready: false, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff, message: back-off 20s}}, lastState: {terminated: {exitCode: 1, message: 'acquis.yaml: line 3'}}}]}";
    let outcome = Outcome {
        daemon_set: Some(daemon_set(2, 1)),
        pods: vec![pod("{}", waiting)],
        ..well()
    };
    let text = conditions(&outcome);
    assert!(
        text.contains("Degraded True PodsFailing: 1 of 2 agents fail, the first: nodes-agent-x: CrashLoopBackOff: crowdsec: acquis.yaml: line 3"),
        "{text}"
    );
    assert!(text.contains("Progressing False Stalled"), "{text}");
}

#[test]
fn a_namespace_that_refuses_the_pods_is_named_with_the_cure() {
    let mut set = daemon_set(2, 0);
    set.status.as_mut().unwrap().current_number_scheduled = 0;
    let outcome = Outcome {
        daemon_set: Some(set),
        pod_security: Some("restricted".into()),
        ..well()
    };
    let text = conditions(&outcome);
    assert!(
        text.contains("kubectl label namespace watch pod-security.kubernetes.io/enforce=privileged"),
        "{text}"
    );
}

#[test]
fn what_the_agents_read_is_told_apart() {
    let read = |sources| {
        let local_api = Ok(Status {
            nodes: vec![node("watch:nodes:a", 5, sources)],
            ..Status::default()
        });
        let text = conditions(&Outcome { local_api, ..well() });
        let lines = text
            .lines()
            .filter(|line| line.starts_with("Reading") || line.starts_with("Parsing"));
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(read(vec![]), @r"
    ReadingLogs False NothingMatched: no file is open: no pod matches an Acquisition that is accepted, and no file of spec.sources.nodeFiles exists; see kubectl get acquisitions -A
    ParsingLogs Unknown NoLinesYet: no line was read yet
    ");
    insta::assert_snapshot!(read(vec![source("traefik/edge", 0, 0, "")]), @r"
    ReadingLogs False NoLinesYet: 1 files are open; 1 of 2 agents reported
    ParsingLogs Unknown NoLinesYet: no line was read yet
    ");
    insta::assert_snapshot!(read(vec![source("traefik/edge", 7, 0, "")]), @r"
    ReadingLogs True LinesRead: 1 of 2 agents reported
    ParsingLogs False NothingParsed: lines are read, and no parser understands one: traefik/edge (type traefik)
    ");
    insta::assert_snapshot!(read(vec![source("traefik/edge", 7, 7, ""), source("shop/web", 7, 0, "")]), @r"
    ReadingLogs True LinesRead: 1 of 2 agents reported
    ParsingLogs True LinesParsed: except for shop/web (type traefik)
    ");
    insta::assert_snapshot!(read(vec![source("traefik/edge", 0, 0, "permission denied")]), @r"
    ReadingLogs False SourceFailing: node a: traefik/edge: permission denied
    ParsingLogs Unknown NoLinesYet: no line was read yet
    ");
}

#[test]
fn a_resource_without_an_engine_says_what_to_do() {
    let processor = processor("{engineRef: {name: main}}");
    let why = Refused::NotFound {
        key: crate::cluster::store::Key::new("watch", "main"),
    };
    insta::assert_snapshot!(text(&without_engine(&processor, &why, now()).conditions), @r"
    Ready False EngineNotFound: SecurityEngine watch/main does not exist: create it or correct engineRef
    Progressing True Waiting: SecurityEngine watch/main does not exist: create it or correct engineRef
    Degraded False AsExpected: 
    Registered False EngineUnavailable: SecurityEngine watch/main does not exist: create it or correct engineRef
    ");
}

#[test]
fn a_paused_resource_keeps_what_it_said() {
    let mut processor = processor("{engineRef: {name: main}, paused: true}");
    processor.status = Some(status(&processor, &observed(), &local_api(), &well(), now()));
    let after = paused(&processor, now());
    assert_eq!(after.lines, processor.status.as_ref().unwrap().lines);
    assert!(text(&after.conditions).contains("Ready True Available"));
    assert!(text(&after.conditions).contains("Progressing False Paused"));
}
