//! Each cross-field rule with a spec it accepts and one it refuses.

use super::refusals;

#[track_caller]
fn check(kind: &str, message: &str, accepted: &str, refused: &str) {
    assert_eq!(refusals(kind, accepted, None), Vec::<String>::new(), "{accepted}");
    let said = refusals(kind, refused, None);
    assert!(
        said.iter().any(|text| text.contains(message)),
        "{refused}: {said:?}"
    );
}

#[track_caller]
fn check_update(kind: &str, message: &str, old: &str, accepted: &str, refused: &str) {
    assert_eq!(
        refusals(kind, accepted, Some(old)),
        Vec::<String>::new(),
        "{accepted}"
    );
    let said = refusals(kind, refused, Some(old));
    assert!(
        said.iter().any(|text| text.contains(message)),
        "{refused}: {said:?}"
    );
}

#[test]
fn sqlite_has_at_most_one_local_api() {
    check(
        "SecurityEngine",
        "replicas is 0 or 1",
        "{replicas: 0}",
        "{replicas: 2}",
    );
}

#[test]
fn an_existing_claim_has_its_own_size_and_class() {
    let message = "existingClaim excludes size and storageClassName";
    check(
        "SecurityEngine",
        message,
        "{storage: {existingClaim: old}}",
        "{storage: {existingClaim: old, size: 2Gi}}",
    );
    check(
        "SecurityEngine",
        message,
        "{storage: {size: 2Gi, storageClassName: fast}}",
        "{storage: {existingClaim: old, storageClassName: fast}}",
    );
}

#[test]
fn the_storage_class_of_a_claim_stays() {
    check_update(
        "SecurityEngine",
        "storageClassName of a claim cannot be changed",
        "{storage: {storageClassName: fast}}",
        "{storage: {storageClassName: fast, size: 9Gi}}",
        "{storage: {storageClassName: slow}}",
    );
    check_update(
        "SecurityEngine",
        "storageClassName of a claim cannot be changed",
        "{storage: {storageClassName: fast}}",
        "{storage: {existingClaim: other}}",
        "{storage: {}}",
    );
}

#[test]
fn a_selector_of_namespaces_goes_with_its_mode() {
    let message = "selector goes with from: Selector";
    check(
        "SecurityEngine",
        message,
        "{allowedNamespaces: {from: Selector, selector: {matchLabels: {a: b}}}}",
        "{allowedNamespaces: {from: Selector}}",
    );
    check(
        "SecurityEngine",
        message,
        "{allowedNamespaces: {from: Same}}",
        "{allowedNamespaces: {selector: {}}}",
    );
}

#[test]
fn a_rule_of_traffic_names_its_peers() {
    let peer = "{namespaceSelector: {}}";
    check(
        "SecurityEngine",
        "an empty from would admit everybody",
        &format!("{{networkPolicy: {{extraIngress: [{{from: [{peer}]}}]}}}}"),
        "{networkPolicy: {extraIngress: [{from: []}]}}",
    );
    check(
        "LogProcessor",
        "an empty to would permit everything",
        &format!("{{engineRef: {{name: main}}, networkPolicy: {{extraEgress: [{{to: [{peer}]}}]}}}}"),
        "{engineRef: {name: main}, networkPolicy: {extraEgress: [{}]}}",
    );
}

#[test]
fn a_peer_selects_something() {
    check(
        "Bouncer",
        "a peer needs a namespaceSelector, a podSelector or both",
        "{engineRef: {name: main}, networkPeer: {podSelector: {}}}",
        "{engineRef: {name: main}, networkPeer: {}}",
    );
}

#[test]
fn an_agent_reads_something() {
    check(
        "LogProcessor",
        "nothing would be read",
        "{engineRef: {name: main}, sources: {containerLogs: true, nodeFiles: []}}",
        "{engineRef: {name: main}, sources: {containerLogs: false, nodeFiles: []}}",
    );
}

#[test]
fn node_files_lie_below_var_log() {
    let file = |path: &str| {
        format!(
            "{{engineRef: {{name: main}}, sources: {{nodeFiles: [{{type: syslog, paths: ['{path}']}}]}}}}"
        )
    };
    let message = "a path begins with /var/log/";
    check(
        "LogProcessor",
        message,
        &file("/var/log/auth.log"),
        &file("/etc/shadow"),
    );
    check(
        "LogProcessor",
        message,
        &file("/var/log/nginx/*.log"),
        &file("/var/log/../../etc/shadow"),
    );
}

#[test]
fn lines_are_known_by_preset_or_type() {
    let with = |how: &str| format!("{{target: {{podSelector: {{}}}}{how}}}");
    let message = "give either a preset or a type";
    check("Acquisition", message, &with(", preset: traefik"), &with(""));
    check(
        "Acquisition",
        message,
        &with(", type: nginx"),
        &with(", type: nginx, preset: nginx"),
    );
}

#[test]
fn forward_auth_is_configured_only_where_it_runs() {
    let message = "forwardAuth goes with type";
    let with = |what: &str| format!("{{engineRef: {{name: main}}, integration: {what}}}");
    check(
        "Bouncer",
        message,
        &with("{type: Traefik, forwardAuth: {replicas: 1}}"),
        &with("{forwardAuth: {replicas: 1}}"),
    );
}

#[test]
fn a_key_stays_with_its_engine() {
    check_update(
        "Bouncer",
        "a key belongs to its engine",
        "{engineRef: {name: main}}",
        "{engineRef: {name: main}, reclaimPolicy: Retain}",
        "{engineRef: {name: other}}",
    );
}
