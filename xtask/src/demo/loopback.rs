//! The story without namespaces: everything on loopback, and a bouncer that records its orders.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::binary::Binary;
use e2e::curl::STATUS;
use e2e::engine::{Installation, free_ports};
use e2e::peers::{Bouncer, Nginx};
use e2e::process::{Process, run_command};
use e2e::wait;

use super::administrator::look_around;
use super::timeline::{Timeline, Watch};
use super::{Keep, narrate};

const ATTACKER: &str = "203.0.113.10";
const VISITOR: &str = "198.51.100.20";
/// How often the bouncer asks, as its configuration says it and as a duration.
const POLLING: (&str, Duration) = ("1s", Duration::from_secs(1));

/// Everything that runs.
struct Host<'a> {
    installation: Installation<'a>,
    key: String,
    engine: Process,
    bouncer: Bouncer,
    orders: PathBuf,
    nginx: Nginx,
    web_port: u16,
}

/// Plays the story and takes everything down, unless it is to be kept.
pub(super) fn story(binary: &Binary, folder: &Path, keep: Keep) -> Result<()> {
    let mut host = Host::start(binary, folder)?;
    web_attack(&mut host)?;
    look_around(&host.watch())?;
    forgive(&host)?;
    if keep == Keep::Yes {
        keep_running(&host)?;
    }
    narrate::chapter("Taking everything down");
    host.stop()?;
    narrate::step("programs ended, folder removed");
    Ok(())
}

impl<'a> Host<'a> {
    /// Starts all; nginx takes the client's address from a header, as it does behind a proxy.
    fn start(binary: &'a Binary, folder: &Path) -> Result<Host<'a>> {
        let web_port = free_ports().api;
        let nginx_folder = folder.join("nginx");
        std::fs::create_dir_all(&nginx_folder)?;
        let nginx = Nginx::start(&nginx_folder, &format!("127.0.0.1:{web_port}"), None, true)?;
        let acquisition = format!(
            "filenames: [{}]\nlabels: {{type: nginx}}\n",
            nginx.access_log().display()
        );
        let installation = Installation::create(binary, &folder.join("engine"), free_ports(), &acquisition)?;
        installation.cscli(&["collections", "install", "starter/nginx"])?;
        installation.register_machine("demo")?;
        let key = installation.add_bouncer("demo-custom")?;
        narrate::step("cscli: collection starter/nginx installed, machine and bouncer registered");
        let engine = installation.start(&[], None)?;
        let bouncer_folder = folder.join("bouncer");
        let bouncer = Bouncer::custom(&bouncer_folder, installation.ports().api, &key, POLLING.0)?;
        narrate::step(&format!(
            "nginx, crowdsec and Debian's crowdsec-custom-bouncer run on loopback; the bouncer asks every {}",
            POLLING.0
        ));
        Ok(Host {
            installation,
            key,
            engine,
            bouncer,
            orders: bouncer_folder.join("orders.txt"),
            nginx,
            web_port,
        })
    }

    fn watch(&self) -> Watch<'_> {
        Watch {
            installation: &self.installation,
            namespace: None,
            key: &self.key,
            address: ATTACKER,
            since: service::clock::now(),
        }
    }

    /// What the bouncer was ordered so far, a line each.
    fn orders(&self) -> String {
        std::fs::read_to_string(&self.orders).unwrap_or_default()
    }

    /// Fetches a page as a client at `address`; the HTTP status.
    fn get(&self, address: &str, path: &str) -> Result<String> {
        let mut command = Command::new("curl");
        command.args(STATUS);
        command.args(["-H", &format!("X-Forwarded-For: {address}")]);
        command.arg(format!("http://127.0.0.1:{}{path}", self.web_port));
        run_command(command)
    }

    fn stop(self) -> Result<()> {
        let Host {
            installation: _,
            key: _,
            engine,
            bouncer,
            orders: _,
            nginx,
            web_port: _,
        } = self;
        bouncer.stop()?;
        engine.terminate(wait::PATIENCE)?;
        nginx.stop()
    }
}

fn web_attack(host: &mut Host<'_>) -> Result<()> {
    narrate::chapter("An attack on the web server");
    let before = (host.get(VISITOR, "/")?, host.get(ATTACKER, "/")?);
    narrate::step(&format!("before: visitor {}, attacker {}", before.0, before.1));
    ensure!(
        before.0 == "200" && before.1 == "200",
        "somebody does not get the page before the attack"
    );
    narrate::step("the attacker asks for eleven pages that do not exist");
    let watch = host.watch();
    for number in 1..=11 {
        host.get(ATTACKER, &format!("/admin/{number}.php"))?;
    }
    let order = format!("add {ATTACKER}");
    let timeline = Timeline::watch(&watch, host.nginx.access_log(), || {
        Ok(host.orders().contains(&order))
    })?;
    timeline.tell(POLLING.1)?;
    host.bouncer.check_alive()?;
    let orders = host.orders();
    narrate::quote("cat orders.txt", &orders, 5);
    ensure!(!orders.contains(VISITOR), "the visitor is to be refused too");
    narrate::step("the bouncer was told to refuse the attacker, and nobody else");
    Ok(())
}

fn forgive(host: &Host<'_>) -> Result<()> {
    narrate::chapter("The administrator forgives");
    narrate::quote(
        &format!("cscli decisions delete --ip {ATTACKER}"),
        &host.watch().cscli(&["decisions", "delete", "--ip", ATTACKER])?,
        5,
    );
    let start = Instant::now();
    let order = format!("del {ATTACKER}");
    wait::until(
        "the bouncer to be told",
        wait::PATIENCE,
        Duration::from_millis(20),
        || Ok(host.orders().contains(&order).then_some(())),
    )?;
    let waited = start.elapsed().as_millis();
    narrate::quote("tail -n 1 orders.txt", &e2e::process::tail(&host.orders(), 1), 1);
    narrate::step(&format!(
        "the bouncer lets the attacker in again, {waited} ms after the order"
    ));
    Ok(())
}

fn keep_running(host: &Host<'_>) -> Result<()> {
    narrate::chapter("Kept running");
    let config = host.installation.path("etc/config.yaml");
    narrate::step(&format!("cscli:    cscli -c {} decisions list", config.display()));
    narrate::step(&format!(
        "attacker: curl -H 'X-Forwarded-For: {ATTACKER}' http://127.0.0.1:{}/",
        host.web_port
    ));
    narrate::step(&format!("orders:   cat {}", host.orders.display()));
    narrate::step(&format!(
        "end it:   kill -INT {}   (or Ctrl-C here)",
        std::process::id()
    ));
    super::keep::until_stopped()
}
