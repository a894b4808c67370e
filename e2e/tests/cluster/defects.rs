//! Defects of other ways to install CrowdSec in a cluster, none of which ours may have.
//!
//! They were found by reading and rendering the usual Helm chart; a number is that of the finding. `xtask` checks that
//! every test named here exists, and that every number has one or says why not.
//!
//! | number | defect | tests |
//! |---|---|---|
//! | D1 | a variant of the installation lacks the rights for its own job | `every_account_has_the_rights_of_its_pod_in_every_variant`, `the_operator_does_its_work_with_the_shipped_roles_alone` |
//! | D2 | a documented default is never what one gets | `an_empty_spec_gets_the_documented_defaults` |
//! | D3 | every rendering differs, so the Local API restarts at each sync | `two_renderings_are_equal`, `applying_everything_again_changes_nothing` |
//! | D4 | two installations of one namespace collide | `two_releases_do_not_collide`, `two_engines_of_one_namespace_and_a_name_of_63_characters_do_not_collide` |
//! | D5 | values that nothing reads | `every_value_of_the_chart_is_used` |
//! | D6 | a port of a Service leads nowhere | `every_port_of_a_service_leads_to_a_pod_that_listens` |
//! | D7 | annotations of the user break the YAML | `values_reach_the_objects`, `lists_with_names_are_merged_by_name` |
//! | D8 | names that differ in letters no object's name may have fall together | `names_that_a_service_cannot_have_are_made_valid_and_stay_distinct` |
//! | D9 | labels appear or not by an unrelated option | `every_object_carries_its_labels_in_every_variant` |
//! | D10 | the machine that is looked up is not the one that is made | `agents_that_go_and_come_are_the_same_machines_and_lose_no_line` |
//! | D11 | agents are let in by ranges of IPv4 | `who_may_log_in_is_no_matter_of_addresses` |
//! | D12 | a node that restarts cannot register again | `agents_that_go_and_come_are_the_same_machines_and_lose_no_line` |
//! | D13 | a container that restarts has lost its credentials | `agents_that_go_and_come_are_the_same_machines_and_lose_no_line` |
//! | D14 | an example of the documents is refused by the API server | `every_object_of_the_documents_is_accepted` |
//! | D15 | an agent that reads nothing or has no Local API looks well | `agents_without_logs_or_without_a_local_api_say_so` |
//! | D16 | documents tell of a version that is gone | `generated_files_are_fresh`, `documents_link_to_files_that_exist` |
//! | D17 | something speaks HTTP to a Local API with TLS | `with_tls_everything_speaks_https_to_the_local_api` |
//! | D18 | the Secret with the certificate is looked for under another name | `with_tls_everything_speaks_https_to_the_local_api` |
//! | D19 | jobs without limits, placement or proxies, and one that needs the internet | `the_job_runs_where_and_as_the_operator_does` |
//! | D20 | pods that Pod Security forbids | `the_api_server_finds_nothing_but_agents_that_restricted_forbids`, `an_engine_and_a_forward_auth_bouncer_run_where_restricted_is_enforced` |
//! | D21 | agents log in by HTTP when only their certificates are off | `with_tls_everything_speaks_https_to_the_local_api` |
//! | D22 | a source of a new kind is refused | not built: sources other than files and containers |

use std::collections::BTreeSet;

use e2e::binary::workspace_dir;
use e2e::cluster::namespace::Namespace;
use e2e::wait::PATIENCE;
use serde_json::Value;

use crate::fixture::{Engine, FORWARD_AUTH, Operated, READY};

/// D2: the API server completes an empty spec with what `docs/api.md` says.
#[test]
fn an_empty_spec_gets_the_documented_defaults() {
    let operated = Operated::shared();
    let namespace = Namespace::create(&operated.cluster, "defaults", &[]).unwrap();
    let document = std::fs::read_to_string(workspace_dir().unwrap().join("docs/api.md")).unwrap();
    let engine_ref = "engineRef: {name: main}";
    let mut compared = 0;
    for (kind, spec) in [
        ("SecurityEngine", String::new()),
        ("LogProcessor", engine_ref.to_owned()),
        (
            "Acquisition",
            "preset: nginx, target: {podSelector: {}}".to_owned(),
        ),
        (
            "Bouncer",
            format!("{engine_ref}, rotation: {{interval: 30d}}, integration: {{}}"),
        ),
    ] {
        let text = format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: empty}}\nspec: {{{spec}}}\n"
        );
        namespace.apply(&text).unwrap();
        let object = namespace.object(&format!("{kind}/empty")).unwrap().unwrap();
        for (field, default) in documented_defaults(&document, kind) {
            let pointer = format!("/spec/{}", field.replace('.', "/"));
            let parent = pointer.rsplit_once('/').unwrap().0;
            if object.pointer(parent).is_none() {
                continue;
            }
            assert_eq!(object.pointer(&pointer), Some(&default), "{kind} {field}");
            compared += 1;
        }
        namespace.kubectl(&["delete", kind, "empty"]).unwrap();
    }
    assert!(compared > 15, "{compared} defaults in docs/api.md");
}

/// Field and default of each row of a kind's table for its spec.
fn documented_defaults(document: &str, kind: &str) -> Vec<(String, Value)> {
    let section = document.split("\n## ").find(|part| part.starts_with(kind));
    let spec = section.and_then(|part| part.split("\n### ").find(|part| part.starts_with("spec")));
    spec.unwrap()
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .collect();
            let default = serde_json::from_str(cells.get(3)?).ok()?;
            Some(((*cells.get(1)?).to_owned(), default))
        })
        .collect()
}

/// D6.
#[test]
fn every_port_of_a_service_leads_to_a_pod_that_listens() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "ports");
    let namespace = &engine.namespace;
    namespace.apply(FORWARD_AUTH).unwrap();
    namespace
        .wait_condition("bouncer/edge", "Ready", "True", READY)
        .unwrap();
    for service in namespace.objects(&["services"]).unwrap() {
        let name = service["metadata"]["name"].as_str().unwrap();
        let selector = format!("kubernetes.io/service-name={name}");
        let expected = names_of(&service["spec"]["ports"]);
        operated
            .cluster
            .wait_for(&format!("endpoints of {name}"), PATIENCE, || {
                let slices = namespace.objects(&["endpointslices", "-l", &selector])?;
                let ready = slices
                    .iter()
                    .filter(|slice| slice["endpoints"][0]["conditions"]["ready"] == true);
                let found: BTreeSet<String> = ready.flat_map(|slice| names_of(&slice["ports"])).collect();
                Ok((found == expected).then_some(()))
            })
            .unwrap();
        let Some(own) = operated.cluster.own() else {
            continue;
        };
        // A node reaches every pod, whatever the policies say.
        for slice in namespace.objects(&["endpointslices", "-l", &selector]).unwrap() {
            let address = slice["endpoints"][0]["addresses"][0].as_str().unwrap();
            for port in slice["ports"].as_array().unwrap() {
                let place = format!("{address}:{}", port["port"]);
                let probe = own.probe();
                own.node(&[&probe.to_string_lossy(), "dial", "tcp", &place])
                    .unwrap();
            }
        }
    }
}

fn names_of(ports: &Value) -> BTreeSet<String> {
    let ports = ports.as_array().into_iter().flatten();
    ports
        .map(|port| port["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// D14: blocks of the documents that are objects.
#[test]
fn every_object_of_the_documents_is_accepted() {
    let operated = Operated::shared();
    let folder = workspace_dir().unwrap();
    let mut files = vec![folder.join("README.md")];
    let documents = std::fs::read_dir(folder.join("docs")).unwrap();
    files.extend(documents.map(|entry| entry.unwrap().path()));
    let mut seen = 0;
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if !block.contains("apiVersion: ") {
                continue;
            }
            seen += 1;
            let path = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(path.path(), block).unwrap();
            let name = path.path().to_string_lossy().into_owned();
            let outcome =
                operated
                    .cluster
                    .kubectl(&["create", "--dry-run=server", "--validate=strict", "-f", &name]);
            assert!(outcome.is_ok(), "{}: {:#}", file.display(), outcome.unwrap_err());
        }
    }
    assert!(seen > 0, "the documents show no object");
}

/// D15.
#[test]
fn agents_without_logs_or_without_a_local_api_say_so() {
    let operated = Operated::shared();
    let engine = Engine::start(&operated, "deaf");
    let namespace = &engine.namespace;
    namespace
        .apply(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: LogProcessor
metadata: {name: nodes}
spec:
  engineRef: {name: main}
  sources: {containerLogs: false, nodeFiles: [{paths: [/var/log/there-is-no-such.log], type: syslog}]}
",
        )
        .unwrap();
    let wait_for = |what: &str, type_: &str, reason: &str| {
        operated
            .cluster
            .wait_for(what, READY, || {
                let condition = namespace.condition("logprocessor/nodes", type_)?;
                Ok(condition.filter(|told| told.status == "False" && told.reason == reason))
            })
            .unwrap();
    };
    wait_for("agents to miss logs", "ReadingLogs", "NothingMatched");
    namespace
        .kubectl(&[
            "patch",
            "securityengine/main",
            "--type=merge",
            "-p",
            "{\"spec\": {\"replicas\": 0}}",
        ])
        .unwrap();
    wait_for("agents to miss their engine", "Ready", "EngineNotReady");
}

/// D17, D18, D21.
#[test]
fn with_tls_everything_speaks_https_to_the_local_api() {
    let operated = Operated::shared();
    let engine = Engine::empty(&operated.cluster, "tls");
    let namespace = &engine.namespace;
    let resources = engine
        .resources()
        .replace("spec: {}", "spec: {tls: {mode: SelfManaged}}");
    namespace.apply(&resources).unwrap();
    namespace.apply(FORWARD_AUTH).unwrap();
    for object in ["securityengine/main", "logprocessor/nodes", "bouncer/edge"] {
        namespace.wait_condition(object, "Ready", "True", READY).unwrap();
    }
    let kinds = "configmaps,deployments,daemonsets,securityengines,logprocessors,bouncers";
    let mut text = namespace.kubectl(&["get", kinds, "-o", "json"]).unwrap();
    for secret in ["edge-bouncer", "main-lapi"] {
        let values = "go-template={{range .data}}{{. | base64decode}}\n{{end}}";
        text += &namespace
            .kubectl(&["get", "secret", secret, "-o", values])
            .unwrap();
    }
    let plain: Vec<&str> = text
        .match_indices("http://main-lapi")
        .chain(text.match_indices("http://localhost:8080"))
        .map(|(at, _)| {
            text.get(at..)
                .and_then(|rest| rest.lines().next())
                .unwrap_or_default()
        })
        .collect();
    assert!(plain.is_empty(), "{plain:#?}");
    let secure = text.matches("https://main-lapi").count();
    assert!(
        secure >= 4,
        "agents, forward-auth, status and Secret name it; {secure} do"
    );
    // The certificate that is served is the one that clients are given the authority of.
    let list = engine.cscli(&["machines", "list"]);
    assert!(list.contains(&format!("{}:nodes:", namespace.name())), "{list}");
}
