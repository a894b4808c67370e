//! Attacker and visitor: hosts outside of our own cluster, or requests with their addresses through a given one's port.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use e2e::cluster::Cluster;
use e2e::cluster::outside::Host;
use e2e::cluster::traefik::Traefik;
use e2e::curl::STATUS;
use e2e::engine::free_ports;
use e2e::process::Process;
use e2e::wait::PATIENCE;

use super::{EDGE, narrate};

pub(super) const ATTACKER: &str = "198.51.100.66";
pub(super) const VISITOR: &str = "198.51.100.77";

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    /// The one who will be banned.
    Attacker,
    /// An ordinary visitor.
    Visitor,
}

impl Who {
    fn address(self) -> &'static str {
        match self {
            Who::Attacker => ATTACKER,
            Who::Visitor => VISITOR,
        }
    }
}

/// How the two reach the ingress.
pub(super) enum Clients<'a> {
    /// From outside, each with its own address.
    Outside {
        attacker: Host<'a>,
        visitor: Host<'a>,
        url: String,
    },
    /// Through `kubectl port-forward`, which Traefik trusts like a load balancer's `X-Forwarded-For`.
    Forwarded {
        port: u16,
        /// Ends with the story.
        _forward: Process,
        _folder: tempfile::TempDir,
    },
}

impl<'a> Clients<'a> {
    pub(super) fn of(cluster: &'a Cluster, traefik: &Traefik) -> Result<Clients<'a>> {
        let clients = if let Some(own) = cluster.own() {
            Clients::Outside {
                attacker: Host::new(own, ATTACKER)?,
                visitor: Host::new(own, VISITOR)?,
                url: traefik.url(""),
            }
        } else {
            let port = free_ports().api;
            let folder = tempfile::tempdir()?;
            let ports = format!("{port}:80");
            let command = cluster.kubectl_command(&["port-forward", "-n", EDGE, "service/traefik", &ports]);
            Clients::Forwarded {
                port,
                _forward: Process::start("kubectl port-forward", command, &folder.path().join("out"))?,
                _folder: folder,
            }
        };
        let served = cluster.wait_for("the visitor to get the page", PATIENCE, || {
            Ok((clients.get(Who::Visitor, "/")? == "200").then_some(()))
        });
        served?;
        narrate::step(&format!(
            "attacker {ATTACKER}, visitor {VISITOR}: both get the page"
        ));
        Ok(clients)
    }

    /// Asks for a page; the HTTP status, or why there is none.
    pub(super) fn get(&self, who: Who, path: &str) -> Result<String> {
        match self {
            Clients::Outside {
                attacker,
                visitor,
                url,
            } => {
                let host = match who {
                    Who::Attacker => attacker,
                    Who::Visitor => visitor,
                };
                host.get(&format!("{url}{path}"), &[])
            }
            Clients::Forwarded { port, .. } => {
                let mut command = Command::new("curl");
                command
                    .args(STATUS)
                    .arg("-H")
                    .arg(format!("X-Forwarded-For: {}", who.address()))
                    .arg(format!("http://127.0.0.1:{port}{path}"));
                let output = command.stdin(Stdio::null()).output().context("starting curl")?;
                Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
        }
    }
}
