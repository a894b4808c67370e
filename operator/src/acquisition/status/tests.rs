//! What an Acquisition says of itself, state by state.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use wire::admin::Status;
use wire::report::Source;

use super::*;
use crate::cluster::store::Key;
use crate::log_processor::fixtures::{acquisition, node, now, source};
use crate::log_processor::reports::reports;

const EDGE: &str = "{preset: traefik, target: {podSelector: {matchLabels: {app: traefik}}}}";

fn processor(reading: Reading) -> Processor {
    Processor {
        title: "watch/nodes".into(),
        reading,
    }
}

fn read_by(sources: Vec<Source>, matched_pods: usize) -> Observed {
    let status = Status {
        nodes: vec![node("watch:nodes:a", 5, sources)],
        ..Status::default()
    };
    let reports = reports(&status, "watch", "nodes", now());
    Observed {
        processors: vec![processor(Reading::Selected(Ok(reports)))],
        matched_pods,
    }
}

fn text(conditions: &[Condition]) -> String {
    let lines: Vec<String> = conditions
        .iter()
        .map(|one| format!("{} {} {}: {}", one.type_, one.status, one.reason, one.message))
        .collect();
    lines.join("\n")
}

fn conditions(spec: &str, observed: &Observed) -> String {
    text(&status(&acquisition("traefik", "edge", spec), observed, now()).conditions)
}

#[test]
fn an_acquisition_that_is_read_and_parsed_is_all_well() {
    let observed = read_by(
        vec![source("traefik/edge", 10, 9, ""), source("shop/web", 5, 5, "")],
        2,
    );
    let mut status = status(&acquisition("traefik", "edge", EDGE), &observed, now());
    insta::assert_snapshot!(text(&status.conditions), @r"
    Accepted True Accepted: read by LogProcessor watch/nodes
    Ready True Available: matching pods: 2
    Progressing False Reconciled: 
    Degraded False AsExpected: 
    ReadingLogs True LinesRead: 
    ParsingLogs True LinesParsed:
    ");
    status.conditions.clear();
    insta::assert_snapshot!(golang::yaml::to_string(&status).unwrap(), @r"
    observedGeneration: 2
    conditions: []
    logProcessors:
      - watch/nodes
    matchedPods: 2
    linesRead: 10
    linesParsed: 9
    lastLine: '2027-01-15T08:00:00Z'
    ");
}

#[test]
fn lines_that_no_parser_understands_are_told_with_type_and_collection() {
    let observed = read_by(vec![source("traefik/edge", 10, 0, "")], 1);
    insta::assert_snapshot!(conditions(EDGE, &observed), @r#"
    Accepted True Accepted: read by LogProcessor watch/nodes
    Ready False Incomplete: see ParsingLogs
    Progressing False Reconciled: 
    Degraded False AsExpected: 
    ReadingLogs True LinesRead: 
    ParsingLogs False NothingParsed: lines of type "traefik" are read, and no parser understands one; its parser is in the collection starter/traefik, or crowdsecurity/traefik of the hub: see that spec.hub of LogProcessor watch/nodes names one, and that the program writes its log in the format of the parser
    "#);
    let custom = "{type: tomcat, format: plain, target: {podSelector: {}}}";
    let told = conditions(custom, &observed);
    insta::assert_snapshot!(told.lines().last().unwrap_or_default(), @r#"ParsingLogs False NothingParsed: lines of type "tomcat" are read, and no parser understands one; the built-in set has no parser for it: name a collection of the hub that has one in spec.hub of LogProcessor watch/nodes, or correct the type (built in are caddy, nginx, sshd, syslog, traefik); spec.format may be wrong, too: leave it out"#);
}

#[test]
fn pods_that_are_quiet_are_ready_and_pods_that_are_missing_are_not() {
    insta::assert_snapshot!(conditions(EDGE, &read_by(vec![source("traefik/edge", 0, 0, "")], 1)), @r"
    Accepted True Accepted: read by LogProcessor watch/nodes
    Ready True Available: matching pods: 1
    Progressing False Reconciled: 
    Degraded False AsExpected: 
    ReadingLogs False NoLinesYet: files are open, and no line was written since the agents began
    ParsingLogs Unknown NoLinesYet: no line was read yet
    ");
    let closed = Source {
        files: 0,
        ..source("traefik/edge", 10, 10, "")
    };
    let gone = conditions(EDGE, &read_by(vec![closed], 0));
    assert_eq!(gone, conditions(EDGE, &read_by(Vec::new(), 0)));
    insta::assert_snapshot!(gone, @r"
    Accepted True Accepted: read by LogProcessor watch/nodes
    Ready False Incomplete: see ReadingLogs
    Progressing True Waiting: for pods that match
    Degraded False AsExpected: 
    ReadingLogs False NothingMatched: no pod of this namespace matches spec.target.podSelector; compare it with: kubectl get pods -n traefik --show-labels
    ParsingLogs Unknown NoLinesYet: no line was read yet
    ");
}

#[test]
fn an_agent_that_cannot_read_is_quoted() {
    let observed = read_by(vec![source("traefik/edge", 0, 0, "permission denied")], 1);
    let told = conditions(EDGE, &observed);
    assert!(
        told.contains("ReadingLogs False SourceFailing: node a: traefik/edge: permission denied"),
        "{told}"
    );
    assert!(told.contains("Degraded True SourceFailing"), "{told}");
}

#[test]
fn a_local_api_that_does_not_answer_leaves_open_what_is_read() {
    let silent = |silence| Observed {
        processors: vec![processor(Reading::Selected(Err(silence)))],
        matched_pods: 1,
    };
    let starting = silent(Silence::NotServing(Key::new("watch", "main")));
    assert!(conditions(EDGE, &starting).contains("Degraded False AsExpected"));
    let observed = silent(Silence::Unreachable("connection refused".into()));
    insta::assert_snapshot!(conditions(EDGE, &observed), @r"
    Accepted True Accepted: read by LogProcessor watch/nodes
    Ready False Starting: connection refused
    Progressing True Waiting: connection refused
    Degraded True LocalApiUnreachable: connection refused
    ReadingLogs Unknown NoReport: connection refused
    ParsingLogs Unknown NoReport: connection refused
    ");
}

#[test]
fn who_does_not_read_it_is_named_with_the_cure() {
    let first = |reading: Option<Reading>| {
        let observed = Observed {
            processors: reading.map(processor).into_iter().collect(),
            matched_pods: 0,
        };
        let told = conditions(EDGE, &observed);
        told.lines().next().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(first(None), @"Accepted False NotSelected: there is no LogProcessor; make one with an engineRef, and it reads every Acquisition");
    insta::assert_snapshot!(first(Some(Reading::NotSelected)), @"Accepted False NotSelected: no LogProcessor looks for its labels or those of its namespace; see their spec.acquisitionSelector and spec.acquisitionNamespaceSelector");
    insta::assert_snapshot!(first(Some(Reading::LeftOut)), @"Accepted False TooMany: LogProcessor watch/nodes reads 1000 Acquisitions before it, the most it can: let one Acquisition select more pods, or share them among LogProcessors by spec.acquisitionNamespaceSelector");
    insta::assert_snapshot!(first(Some(Reading::Refused(Refused::NotFound { key: Key::new("watch", "main") }))), @"Accepted False EngineNotFound: LogProcessor watch/nodes cannot read it: SecurityEngine watch/main does not exist: create it or correct engineRef");
    insta::assert_snapshot!(first(Some(Reading::Refused(Refused::NotAllowed {
        key: Key::new("crowdsec", "main"),
        namespace: "traefik".into(),
        why: "its allowedNamespaces.from is Same".into(),
    }))), @"Accepted False NotAllowed: LogProcessor watch/nodes cannot read it: SecurityEngine crowdsec/main does not permit namespace traefik: its allowedNamespaces.from is Same");
}

#[test]
fn a_spec_that_cannot_be_carried_out_is_invalid_with_field_and_cure() {
    let broken = acquisition(
        "traefik",
        "edge",
        "{type: x, target: {podSelector: {matchExpressions: [{key: a, operator: In}]}}}",
    );
    let problems = select::target(&broken).unwrap_err();
    insta::assert_snapshot!(text(&invalid(&broken, &problems, now()).conditions), @r"
    Accepted False Invalid: spec.target.podSelector.matchExpressions[0].values: In and NotIn need at least one value; add a value, or use Exists or DoesNotExist
    Ready False Invalid: spec.target.podSelector.matchExpressions[0].values: In and NotIn need at least one value; add a value, or use Exists or DoesNotExist
    Progressing False Invalid: spec.target.podSelector.matchExpressions[0].values: In and NotIn need at least one value; add a value, or use Exists or DoesNotExist
    Degraded True Invalid: spec.target.podSelector.matchExpressions[0].values: In and NotIn need at least one value; add a value, or use Exists or DoesNotExist
    ");
}
