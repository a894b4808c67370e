//! The story without namespaces: everything on loopback, and a bouncer that records its orders.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::binary::Binary;
use e2e::engine::{Installation, free_ports};
use e2e::peers::{Bouncer, Nginx};
use e2e::process::run_command;
use e2e::wait;

use super::timeline::{Timeline, Watch};
use super::{Keep, narrate};

const ATTACKER: &str = "203.0.113.10";
/// How often the bouncer asks, as its configuration says it and as a duration.
const POLLING: (&str, Duration) = ("1s", Duration::from_secs(1));

/// Plays the story; nginx takes the client's address from a header, as it does behind a proxy.
pub(super) fn story(binary: &Binary, folder: &Path, keep: Keep) -> Result<()> {
    let web_port = free_ports()?.api;
    let nginx_folder = folder.join("nginx");
    std::fs::create_dir_all(&nginx_folder)?;
    let nginx = Nginx::start(&nginx_folder, &format!("127.0.0.1:{web_port}"), None, true)?;
    let acquisition = format!(
        "filenames: [{}]\nlabels: {{type: nginx}}\n",
        nginx.access_log().display()
    );
    let installation = Installation::create(binary, &folder.join("engine"), free_ports()?, &acquisition)?;
    installation.cscli(&["collections", "install", "starter/nginx"])?;
    installation.register_machine("demo")?;
    let key = installation.add_bouncer("demo-custom")?;
    let engine = installation.start(&[], None)?;
    let orders_folder = folder.join("bouncer");
    let mut bouncer = Bouncer::custom(&orders_folder, installation.ports().api, &key, POLLING.0)?;
    narrate::step("nginx, crowdsec and Debian's crowdsec-custom-bouncer run on loopback");

    narrate::chapter("An attack on the web server");
    let watch = Watch {
        installation: &installation,
        namespace: None,
        key: &key,
        address: ATTACKER,
        since: service::clock::now(),
    };
    for number in 1..=11 {
        request(web_port, &format!("/admin/{number}.php"))?;
    }
    let orders = orders_folder.join("orders.txt");
    let timeline = Timeline::watch(&watch, nginx.access_log(), || {
        bouncer.check_alive()?;
        Ok(read(&orders).contains(&format!("add {ATTACKER}")))
    })?;
    timeline.tell(POLLING.1)?;
    narrate::quote("cat orders.txt", &read(&orders), 5);
    narrate::quote("cscli decisions list", &watch.cscli(&["decisions", "list"])?, 20);

    narrate::chapter("The administrator forgives");
    watch.cscli(&["decisions", "delete", "--ip", ATTACKER])?;
    wait::until(
        "the bouncer to be told",
        Duration::from_secs(20),
        Duration::from_millis(20),
        || Ok(read(&orders).contains(&format!("del {ATTACKER}")).then_some(())),
    )?;
    narrate::quote("cat orders.txt", &read(&orders), 5);
    if keep == Keep::Yes {
        narrate::step(&format!(
            "kept: cscli -c {} decisions list; end with Ctrl-C",
            installation.path("etc/config.yaml").display()
        ));
        super::keep::until_stopped()?;
    }
    bouncer.stop()?;
    engine.terminate(Duration::from_secs(10))?;
    nginx.stop()?;
    ensure!(!read(&orders).is_empty(), "the bouncer recorded nothing");
    Ok(())
}

fn request(port: u16, path: &str) -> Result<String> {
    let mut command = Command::new("curl");
    command.args([
        "-s",
        "-m",
        "2",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--noproxy",
        "*",
    ]);
    command.args([
        "-H",
        &format!("X-Forwarded-For: {ATTACKER}"),
        &format!("http://127.0.0.1:{port}{path}"),
    ]);
    run_command(command)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
