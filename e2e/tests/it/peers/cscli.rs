//! Upstream's `cscli` 1.4.6 administers our Local API, and ours lists what stands in theirs.

use e2e::engine::{Installation, free_ports};
use e2e::logs::failed_logins;
use e2e::process::run_command;
use e2e::upstream::{Role, Upstream};
use service::clock;

use super::{LocalApi, binary};

#[test]
fn upstreams_cscli_lists_adds_inspects_and_deletes_on_our_local_api() {
    let folder = tempfile::tempdir().unwrap();
    let lapi = LocalApi::start(&folder.path().join("engine"));
    let theirs = Upstream::create(&folder.path().join("upstream"), Role::Agent).unwrap();
    theirs.register(&lapi.url(), "theirs").unwrap();
    let pending = lapi.cscli(&["machines", "list", "-o", "raw"]);
    assert!(
        pending
            .lines()
            .any(|line| line.starts_with("theirs,") && line.contains(",false,")),
        "{pending}"
    );
    lapi.cscli(&["machines", "validate", "theirs"]);
    theirs.cscli(&["lapi", "status"]).unwrap();
    theirs
        .cscli(&[
            "decisions",
            "add",
            "--ip",
            "192.0.2.30",
            "--duration",
            "2h",
            "--reason",
            "by hand",
        ])
        .unwrap();
    let decisions = theirs.cscli(&["decisions", "list", "-o", "json"]).unwrap();
    assert!(decisions.contains("192.0.2.30"), "{decisions}");
    let alerts: serde_json::Value =
        serde_json::from_str(&theirs.cscli(&["alerts", "list", "-o", "json"]).unwrap()).unwrap();
    let id = alerts[0]["id"].to_string();
    let inspected = theirs.cscli(&["alerts", "inspect", &id, "-o", "json"]).unwrap();
    assert!(inspected.contains("by hand"), "{inspected}");
    theirs
        .cscli(&["decisions", "delete", "--ip", "192.0.2.30"])
        .unwrap();
    assert!(
        !lapi
            .cscli(&["decisions", "list", "-o", "raw"])
            .contains("192.0.2.30")
    );
    theirs.cscli(&["alerts", "delete", "--ip", "192.0.2.30"]).unwrap();
    lapi.stop();
}

#[test]
fn our_agent_and_cscli_work_with_upstreams_local_api() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports().api;
    let theirs = Upstream::create(&folder.path().join("upstream"), Role::LocalApi { port }).unwrap();
    let server = theirs.start_local_api(port).unwrap();
    let ours = Installation::create(binary(), &folder.path().join("engine"), free_ports(), "").unwrap();
    ours.cscli(&["collections", "install", "starter/linux"]).unwrap();
    let credentials = ours.path("etc/local_api_credentials.yaml");
    let url = format!("http://127.0.0.1:{port}/");
    ours.cscli(&[
        "lapi",
        "register",
        "-u",
        &url,
        "--machine",
        "ours",
        "-f",
        &credentials.to_string_lossy(),
    ])
    .unwrap();
    theirs.cscli(&["machines", "validate", "ours"]).unwrap();
    let log = folder.path().join("auth.log");
    std::fs::write(&log, failed_logins("192.0.2.40", 8, clock::now())).unwrap();
    let dsn = format!("file://{}", log.display());
    run_command(ours.crowdsec_command(&["-no-api", "-dsn", &dsn, "-type", "syslog"])).unwrap();
    let listed = ours.cscli(&["alerts", "list", "-o", "json"]).unwrap();
    assert!(
        listed.contains("192.0.2.40") && listed.contains("starter/ssh-bf"),
        "{listed}"
    );
    let banned = ours.cscli(&["decisions", "list", "-o", "raw"]).unwrap();
    assert!(banned.contains("192.0.2.40"), "{banned}");
    server.terminate(e2e::wait::PATIENCE).unwrap();
}
