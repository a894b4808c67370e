//! Upstream's agent 1.4.6 reports to our Local API.

use e2e::logs::failed_logins;
use e2e::process::run_command;
use e2e::upstream::{Role, Upstream};
use service::clock;

use super::LocalApi;

#[test]
fn upstreams_agent_raises_an_alert_that_becomes_a_ban_here() {
    let folder = tempfile::tempdir().unwrap();
    let lapi = LocalApi::start(&folder.path().join("engine"));
    let theirs = Upstream::create(&folder.path().join("upstream"), Role::Agent).unwrap();
    theirs.register(&lapi.url(), "agent1").unwrap();
    lapi.cscli(&["machines", "validate", "agent1"]);
    let log = folder.path().join("auth.log");
    std::fs::write(&log, failed_logins("192.0.2.50", 8, clock::now())).unwrap();
    let dsn = format!("file://{}", log.display());
    run_command(theirs.crowdsec_command(&["-no-api", "-dsn", &dsn, "-type", "syslog"])).unwrap();
    lapi.wait_for_decision("192.0.2.50");
    let alerts: serde_json::Value =
        serde_json::from_str(&lapi.cscli(&["alerts", "list", "-o", "json"])).unwrap();
    let alert = alerts
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["scenario"] == "crowdsecurity/ssh-bf")
        .unwrap();
    assert_eq!(alert["machine_id"], "agent1");
    assert_eq!(alert["source"]["value"], "192.0.2.50");
    lapi.stop();
}
