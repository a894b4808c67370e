//! Debian's nginx asks our forward-auth about every visitor, which asks our Local API.

use std::path::Path;
use std::process::Command;

use e2e::curl::STATUS;
use e2e::engine::{fetch, free_ports};
use e2e::process::{Process, run_command};

use super::{LocalApi, binary, until};

/// Lets a visitor pass only if forward-auth does; the load balancer in front of it is who asks from loopback.
fn nginx_config(folder: &Path, port: u16, forward_auth: u16) -> String {
    let folder = folder.display();
    let user = if e2e::packages::is_root() {
        "user root;\n"
    } else {
        ""
    };
    format!(
        "{user}daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    error_log {folder}/error.log;
    client_body_temp_path {folder}/tmp/body;
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    set_real_ip_from 127.0.0.0/8;
    real_ip_header X-Forwarded-For;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        location / {{
            auth_request /crowdsec;
        }}
        location = /crowdsec {{
            internal;
            proxy_pass http://127.0.0.1:{forward_auth}/;
            proxy_pass_request_body off;
            proxy_set_header Content-Length \"\";
            # Set, never passed on: what a visitor wrote there himself must not count.
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Real-IP \"\";
        }}
    }}
}}
"
    )
}

fn start_nginx(folder: &Path, port: u16, forward_auth: u16) -> Process {
    for below in ["www", "tmp"] {
        std::fs::create_dir_all(folder.join(below)).unwrap();
    }
    std::fs::write(folder.join("www/index.html"), "<h1>Welcome</h1>\n").unwrap();
    let config = folder.join("nginx.conf");
    std::fs::write(&config, nginx_config(folder, port, forward_auth)).unwrap();
    let mut command = e2e::peers::nginx().unwrap().command("usr/sbin/nginx");
    command.arg("-e").arg(folder.join("error.log"));
    command.arg("-p").arg(folder).arg("-c").arg(&config);
    Process::start("nginx", command, &folder.join("nginx.out")).unwrap()
}

/// Returns the status of an answer, for a visitor that a proxy names and, if given, from another loopback address.
fn status(url: &str, visitor: &str, from: &str) -> String {
    let mut command = Command::new("curl");
    command.args(STATUS);
    command.args(["-m", "5", "--interface", from]);
    command.args(["-H", &format!("X-Forwarded-For: {visitor}"), url]);
    run_command(command).unwrap_or_default()
}

#[test]
fn nginx_refuses_who_is_banned_and_goes_on_doing_so_without_the_local_api() {
    let folder = tempfile::tempdir().unwrap();
    let lapi = LocalApi::start(&folder.path().join("engine"));
    let key = folder.path().join("api-key");
    std::fs::write(&key, lapi.installation.add_bouncer("edge").unwrap()).unwrap();
    let (ports, web_port) = (free_ports(), free_ports().api);
    let mut command = Command::new(binary().crowdsec());
    command.args(["forward-auth", "--lapi-url", &lapi.url(), "--api-key-file"]);
    command.arg(&key);
    command.args(["--listen", &format!("127.0.0.1:{}", ports.api)]);
    command.args(["--metrics-listen", &format!("127.0.0.1:{}", ports.metrics)]);
    command.args(["--trusted-proxies", "127.0.0.1/32", "--usage-interval", "1s"]);
    let forward_auth =
        Process::start("forward-auth", command, &folder.path().join("forward-auth.out")).unwrap();
    let shown = |path: &str| fetch(&format!("http://127.0.0.1:{}/{path}", ports.metrics), &[], None);
    until("forward-auth to be ready", || shown("readyz").is_ok());
    let nginx = start_nginx(&folder.path().join("nginx"), web_port, ports.api);
    let page = format!("http://127.0.0.1:{web_port}/index.html");
    let visit = |visitor: &str| status(&page, visitor, "127.0.0.1");

    until("the page for a visitor", || visit("192.0.2.7") == "200");
    let decide = |what: &[&str]| {
        let words = [
            &["decisions", "add", "--duration", "1h", "--reason", "test"],
            what,
        ]
        .concat();
        lapi.cscli(&words);
    };
    decide(&["--ip", "192.0.2.7"]);
    decide(&["--range", "198.51.100.0/24"]);
    decide(&["--ip", "2001:db8::7"]);
    for banned in ["192.0.2.7", "198.51.100.9", "2001:db8:0::7"] {
        until(&format!("the refusal of {banned}"), || visit(banned) == "403");
    }
    assert_eq!(visit("192.0.2.8"), "200");
    // The load balancer appends, so what the visitor wrote stands before his address.
    assert_eq!(visit("192.0.2.8, 192.0.2.7"), "403");
    assert_eq!(visit("192.0.2.7, 192.0.2.8"), "200");

    let direct = format!("http://127.0.0.1:{}/any/path", ports.api);
    assert_eq!(status(&direct, "192.0.2.7", "127.0.0.1"), "403");
    // A stranger is not believed, neither to accuse nor to excuse anybody.
    assert_eq!(status(&direct, "192.0.2.7", "127.0.0.5"), "200");

    lapi.cscli(&["decisions", "delete", "--ip", "192.0.2.7"]);
    until("the page after the end of the ban", || {
        visit("192.0.2.7") == "200"
    });
    until("the bouncer's report", || {
        lapi.cscli(&["bouncers", "list", "-o", "raw"])
            .contains("crowdsec-forward-auth")
    });
    lapi.stop();
    assert_eq!(visit("198.51.100.9"), "403");
    assert_eq!(visit("192.0.2.8"), "200");
    nginx.terminate(e2e::wait::PATIENCE).unwrap();
    forward_auth.terminate(e2e::wait::PATIENCE).unwrap();
}
