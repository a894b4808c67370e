//! The web server, the SSH server and the namespaces that the other tests and the demo stand on.

use std::process::Command;

use e2e::engine::{fetch, free_ports};
use e2e::netns::{Namespace, available};
use e2e::peers::{Nginx, Sshd};

#[test]
fn nginx_serves_and_writes_the_forwarded_address() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports().unwrap().api;
    let nginx = Nginx::start(folder.path(), &format!("127.0.0.1:{port}"), None, true).unwrap();
    let page = fetch(&format!("http://127.0.0.1:{port}/"), &["X-Forwarded-For: 203.0.113.9"], None).unwrap();
    assert!(page.contains("Welcome"));
    let log = std::fs::read_to_string(nginx.access_log()).unwrap();
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
    client.connect(&server, "wire", "203.0.113.10", "203.0.113.1").unwrap();
    let sshd = Sshd::start(&folder.path().join("sshd"), 22, &server).unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args(["-o", "BatchMode=yes", "-o", "NumberOfPasswordPrompts=0", "-o", "StrictHostKeyChecking=no"]);
    ssh.args(["-o", "UserKnownHostsFile=/dev/null", "nobody-here@203.0.113.1"]);
    assert!(!client.wrap(&ssh).output().unwrap().status.success());
    let log = std::fs::read_to_string(sshd.auth_log()).unwrap();
    assert!(log.contains("Invalid user nobody-here from 203.0.113.10"), "{log}");
    sshd.stop().unwrap();
}
