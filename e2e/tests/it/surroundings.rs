//! The web server, the SSH server and the namespaces that the other tests and the demo stand on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::engine::{fetch, free_ports};
use e2e::logs::failed_logins;
use e2e::netns::{Namespace, available};
use e2e::peers::{Nginx, Sshd};
use e2e::process::run_command;
use e2e::upstream::{Role, Upstream};
use e2e::wait::{PATIENCE, until};

#[test]
fn nginx_serves_and_writes_the_forwarded_address() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports().api;
    let nginx = Nginx::start(folder.path(), &format!("127.0.0.1:{port}"), None, true).unwrap();
    let page = fetch(
        &format!("http://127.0.0.1:{port}/"),
        &["X-Forwarded-For: 203.0.113.9"],
        None,
    )
    .unwrap();
    assert!(page.contains("Welcome"));
    let log = log_that_holds(nginx.access_log(), "GET / ");
    assert!(log.starts_with("203.0.113.9 - - ["), "{log}");
    nginx.stop().unwrap();
}

#[test]
fn sshd_tells_a_real_syslog_daemon_who_failed() {
    if let Err(reason) = available() {
        println!("skipped: no network namespaces here ({reason})");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let id = std::process::id();
    let server = Namespace::new(&format!("cs-test-server-{id}")).unwrap();
    let client = Namespace::new(&format!("cs-test-client-{id}")).unwrap();
    client
        .connect(&server, "wire", "203.0.113.10", "203.0.113.1")
        .unwrap();
    let sshd = Sshd::start(&folder.path().join("sshd"), 22, &server).unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-o",
        "BatchMode=yes",
        "-o",
        "NumberOfPasswordPrompts=0",
        "-o",
        "StrictHostKeyChecking=no",
    ]);
    ssh.args(["-o", "UserKnownHostsFile=/dev/null", "nobody-here@203.0.113.1"]);
    assert!(!client.wrap(&ssh).output().unwrap().status.success());
    log_that_holds(sshd.auth_log(), "Invalid user nobody-here from 203.0.113.10");
    sshd.stop().unwrap();
}

#[test]
fn upstreams_agent_and_local_api_work_together() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports().api;
    let server = Upstream::create(&folder.path().join("server"), Role::LocalApi { port }).unwrap();
    let process = server.start_local_api(port).unwrap();
    let agent = Upstream::create(&folder.path().join("agent"), Role::Agent).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    agent.register(&url, "a1").unwrap();
    server.cscli(&["machines", "validate", "a1"]).unwrap();
    let log = folder.path().join("auth.log");
    std::fs::write(&log, failed_logins("192.0.2.50", 8, service::clock::now())).unwrap();
    let dsn = format!("file://{}", log.display());
    run_command(agent.crowdsec_command(&["-no-api", "-dsn", &dsn, "-type", "syslog"])).unwrap();
    let alerts = agent.cscli(&["alerts", "list", "-o", "json"]).unwrap();
    assert!(alerts.contains("crowdsecurity/ssh-bf"), "{alerts}");
    process.terminate(PATIENCE).unwrap();
}

/// The text of `file` once `part` stands in it: a server writes its line after it has answered.
fn log_that_holds(file: &Path, part: &str) -> String {
    until(
        &format!("{part:?} in {}", file.display()),
        PATIENCE,
        Duration::from_millis(10),
        || {
            let text = std::fs::read_to_string(file)?;
            Ok(text.contains(part).then_some(text))
        },
    )
    .unwrap()
}
