//! The story with packets: a server, an attacker and a visitor, each a network namespace.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::binary::Binary;
use e2e::curl::STATUS;
use e2e::engine::{Installation, Ports};
use e2e::netns::Namespace;
use e2e::peers::{Bouncer, Nginx, Sshd};
use e2e::process::{Process, run_command};
use e2e::wait;

use super::administrator::look_around;
use super::timeline::{Timeline, Watch};
use super::{Keep, narrate};

const ATTACKER: &str = "203.0.113.10";
const SERVER_TO_ATTACKER: &str = "203.0.113.1";
const VISITOR: &str = "198.51.100.20";
const SERVER_TO_VISITOR: &str = "198.51.100.1";
const SSH_PORT: u16 = 22;
/// How often the firewall bouncer asks, as its configuration says it and as a duration.
const POLLING: (&str, Duration) = ("1s", Duration::from_secs(1));

/// The three hosts; the cables go with them.
struct Hosts {
    server: Namespace,
    attacker: Namespace,
    visitor: Namespace,
}

/// Everything that runs on the server.
struct Server<'a> {
    installation: Installation<'a>,
    key: String,
    engine: Process,
    bouncer: Bouncer,
    nginx: Nginx,
    sshd: Sshd,
}

/// Plays the whole story and takes everything down, unless it is to be kept.
pub(super) fn story(binary: &Binary, folder: &Path, keep: Keep) -> Result<()> {
    let hosts = Hosts::cabled()?;
    let server = Server::start(binary, folder, &hosts)?;
    let watch = || Watch {
        installation: &server.installation,
        namespace: Some(&hosts.server),
        key: &server.key,
        address: ATTACKER,
        since: service::clock::now(),
    };
    web_attack(&hosts, &server, &watch())?;
    look_around(&watch())?;
    forgive(&hosts, &watch())?;
    ssh_attack(&hosts, &server, &watch())?;
    if keep == Keep::Yes {
        keep_running(&hosts, &server)?;
    }
    narrate::chapter("Taking everything down");
    server.stop()?;
    drop(hosts);
    narrate::step("programs ended, namespaces gone, folder removed");
    Ok(())
}

impl Hosts {
    fn cabled() -> Result<Hosts> {
        let name = |role: &str| format!("cs-demo-{role}-{}", std::process::id());
        let hosts = Hosts {
            server: Namespace::new(&name("server"))?,
            attacker: Namespace::new(&name("attacker"))?,
            visitor: Namespace::new(&name("visitor"))?,
        };
        hosts
            .attacker
            .connect(&hosts.server, "att", ATTACKER, SERVER_TO_ATTACKER)?;
        hosts
            .visitor
            .connect(&hosts.server, "vis", VISITOR, SERVER_TO_VISITOR)?;
        narrate::step(&format!(
            "three hosts: server, attacker ({ATTACKER}), visitor ({VISITOR})"
        ));
        Ok(hosts)
    }

    /// Fetches a page from the attacker's or the visitor's host; the HTTP status, or why there is none.
    fn get(from: &Namespace, server: &str, path: &str) -> Result<String> {
        let mut command = Command::new("curl");
        command.args(STATUS);
        command.arg(format!("http://{server}{path}"));
        let output = from.wrap(&command).output()?;
        let status = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(if output.status.success() {
            status
        } else {
            "no connection".to_owned()
        })
    }

    fn attacker_gets(&self, path: &str) -> Result<String> {
        Hosts::get(&self.attacker, SERVER_TO_ATTACKER, path)
    }

    fn visitor_gets(&self, path: &str) -> Result<String> {
        Hosts::get(&self.visitor, SERVER_TO_VISITOR, path)
    }
}

impl<'a> Server<'a> {
    fn start(binary: &'a Binary, folder: &Path, hosts: &Hosts) -> Result<Server<'a>> {
        narrate::step("nginx and sshd from Debian's packages, unpacked, on the server");
        let nginx_folder = folder.join("nginx");
        std::fs::create_dir_all(&nginx_folder)?;
        let nginx = Nginx::start(&nginx_folder, "0.0.0.0:80", Some(&hosts.server), false)?;
        let sshd = Sshd::start(&folder.join("sshd"), SSH_PORT, &hosts.server)?;
        let acquisition = format!(
            "filenames: [{}]\nlabels: {{type: nginx}}\n---\nfilenames: [{}]\nlabels: {{type: syslog}}\n",
            nginx.access_log().display(),
            sshd.auth_log().display()
        );
        let ports = Ports {
            api: 8080,
            metrics: 6060,
        };
        let installation = Installation::create(binary, &folder.join("engine"), ports, &acquisition)?;
        installation.cscli(&["collections", "install", "starter/nginx", "starter/linux"])?;
        installation.register_machine("demo")?;
        let key = installation.add_bouncer("demo-firewall")?;
        narrate::step(
            "cscli: collections starter/nginx and starter/linux installed, machine and bouncer registered",
        );
        let engine = installation.start(&[], Some(&hosts.server))?;
        narrate::step("crowdsec runs: agent and Local API");
        let mut bouncer =
            Bouncer::firewall(&folder.join("bouncer"), ports.api, &key, POLLING.0, &hosts.server)?;
        wait::until(
            "the firewall bouncer's table",
            wait::PATIENCE,
            Duration::from_millis(50),
            || {
                bouncer.check_alive()?;
                Ok(ruleset(&hosts.server)?.contains("crowdsec").then_some(()))
            },
        )?;
        narrate::step(&format!(
            "Debian's crowdsec-firewall-bouncer runs, asking every {}",
            POLLING.0
        ));
        Ok(Server {
            installation,
            key,
            engine,
            bouncer,
            nginx,
            sshd,
        })
    }

    fn stop(self) -> Result<()> {
        let Server {
            installation: _,
            key: _,
            engine,
            bouncer,
            nginx,
            sshd,
        } = self;
        bouncer.stop()?;
        engine.terminate(wait::PATIENCE)?;
        nginx.stop()?;
        sshd.stop()
    }
}

fn web_attack(hosts: &Hosts, server: &Server<'_>, watch: &Watch<'_>) -> Result<()> {
    narrate::chapter("An attack on the web server");
    ensure!(
        hosts.visitor_gets("/")? == "200",
        "the visitor does not get the page before the attack"
    );
    ensure!(
        hosts.attacker_gets("/")? == "200",
        "the attacker does not get the page before the attack"
    );
    narrate::step("before: visitor 200, attacker 200");
    narrate::step("the attacker asks for eleven pages that do not exist");
    for number in 1..=11 {
        hosts.attacker_gets(&format!("/admin/{number}.php"))?;
    }
    let timeline = Timeline::watch(watch, server.nginx.access_log(), || is_blocked(&hosts.server))?;
    timeline.tell(POLLING.1)?;
    let (attacker, visitor) = (hosts.attacker_gets("/")?, hosts.visitor_gets("/")?);
    narrate::step(&format!("now: visitor {visitor}, attacker {attacker}"));
    ensure!(attacker == "no connection", "the attacker still gets {attacker}");
    ensure!(visitor == "200", "the visitor gets {visitor}");
    Ok(())
}

fn forgive(hosts: &Hosts, watch: &Watch<'_>) -> Result<()> {
    narrate::chapter("The administrator forgives");
    narrate::quote(
        &format!("cscli decisions delete --ip {ATTACKER}"),
        &watch.cscli(&["decisions", "delete", "--ip", ATTACKER])?,
        5,
    );
    let start = std::time::Instant::now();
    wait::until(
        "the attacker to be let in",
        wait::PATIENCE,
        Duration::from_millis(20),
        || Ok((!is_blocked(&hosts.server)?).then_some(())),
    )?;
    let status = hosts.attacker_gets("/")?;
    ensure!(status == "200", "the attacker gets {status} after the deletion");
    narrate::step(&format!(
        "attacker 200 again, {} ms after the order",
        start.elapsed().as_millis()
    ));
    Ok(())
}

fn ssh_attack(hosts: &Hosts, server: &Server<'_>, watch: &Watch<'_>) -> Result<()> {
    narrate::chapter("An attack on the SSH server");
    narrate::step(
        "the attacker tries user names until he is stopped; sshd's messages go through a real syslog daemon",
    );
    for number in 1..=6 {
        let mut command = Command::new("ssh");
        command.args([
            "-o",
            "BatchMode=yes",
            "-o",
            "NumberOfPasswordPrompts=0",
            "-o",
            "ConnectTimeout=2",
        ]);
        command.args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]);
        command.arg(format!("guess{number}@{SERVER_TO_ATTACKER}"));
        // A refused log-in is the point, so the exit code says nothing.
        hosts.attacker.wrap(&command).output()?;
    }
    let log = std::fs::read_to_string(server.sshd.auth_log())?;
    narrate::quote("tail -n 3 auth.log", &e2e::process::tail(&log, 3), 3);
    let timeline = Timeline::watch(watch, server.sshd.auth_log(), || is_blocked(&hosts.server))?;
    timeline.tell(POLLING.1)?;
    let mut probe = Command::new("curl");
    probe.args([
        "-s",
        "-m",
        "2",
        "--noproxy",
        "*",
        &format!("telnet://{SERVER_TO_ATTACKER}:{SSH_PORT}"),
    ]);
    let refused = hosts.attacker.wrap(&probe).output()?.stdout.is_empty();
    ensure!(refused, "the attacker still reaches sshd");
    narrate::step("the attacker's next connection to port 22 gets no answer");
    Ok(())
}

fn keep_running(hosts: &Hosts, server: &Server<'_>) -> Result<()> {
    narrate::chapter("Kept running");
    let exec = format!("ip netns exec {}", hosts.server.name());
    let config = server.installation.path("etc/config.yaml");
    narrate::step(&format!(
        "server:   {exec} {} -c {} decisions list",
        "cscli",
        config.display()
    ));
    narrate::step(&format!(
        "attacker: ip netns exec {} curl http://{SERVER_TO_ATTACKER}/",
        hosts.attacker.name()
    ));
    narrate::step(&format!(
        "visitor:  ip netns exec {} curl http://{SERVER_TO_VISITOR}/",
        hosts.visitor.name()
    ));
    narrate::step(&format!("firewall: {exec} nft list ruleset"));
    narrate::step(&format!(
        "end it:   kill -INT {}   (or Ctrl-C here)",
        std::process::id()
    ));
    super::keep::until_stopped()
}

/// Whether the attacker stands in the firewall's set.
fn is_blocked(server: &Namespace) -> Result<bool> {
    Ok(ruleset(server)?.contains(ATTACKER))
}

fn ruleset(server: &Namespace) -> Result<String> {
    let mut command = Command::new("nft");
    command.args(["list", "ruleset"]);
    run_command(server.wrap(&command))
}
