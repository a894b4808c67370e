//! Network namespaces as hosts: one server, and clients each on a cable of their own.

use std::process::Command;

use anyhow::Result;

use crate::process::run;

/// A namespace that is gone when it is dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace with its loopback up.
    pub fn new(name: &str) -> Result<Namespace> {
        run("ip", ["netns", "add", name])?;
        let namespace = Namespace {
            name: name.to_owned(),
        };
        run("ip", ["-n", name, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Lays a cable between this namespace (as `address_here`) and `other` (as `address_there`), both with prefix /24.
    ///
    /// `label` names the interface on both ends (at most 8 characters).
    pub fn connect(
        &self,
        other: &Namespace,
        label: &str,
        address_here: &str,
        address_there: &str,
    ) -> Result<()> {
        let (here, there) = (format!("{label}-a"), format!("{label}-b"));
        run(
            "ip",
            [
                "-n",
                &self.name,
                "link",
                "add",
                &here,
                "type",
                "veth",
                "peer",
                "name",
                &there,
                "netns",
                &other.name,
            ],
        )?;
        for (namespace, interface, address) in [
            (&self.name, &here, address_here),
            (&other.name, &there, address_there),
        ] {
            run(
                "ip",
                [
                    "-n",
                    namespace,
                    "address",
                    "add",
                    &format!("{address}/24"),
                    "dev",
                    interface,
                ],
            )?;
            run("ip", ["-n", namespace, "link", "set", interface, "up"])?;
        }
        Ok(())
    }

    /// The namespace's name, for `ip netns exec`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Turns a command into one that runs in this namespace.
    pub fn wrap(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("ip");
        wrapped
            .args(["netns", "exec", &self.name])
            .arg(command.get_program())
            .args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        wrapped
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = run("ip", ["netns", "delete", &self.name]) {
            report(&format!("namespace {} stays: {error}", self.name));
        }
    }
}

/// Whether this process may make namespaces and cables; the reason when it may not.
pub fn available() -> Result<(), String> {
    let name = format!("cs-probe-{}", std::process::id());
    let probe = Namespace::new(&name).map_err(|error| first_line(&error))?;
    run(
        "ip",
        [
            "-n",
            probe.name(),
            "link",
            "add",
            "probe-a",
            "type",
            "veth",
            "peer",
            "name",
            "probe-b",
        ],
    )
    .map(drop)
    .map_err(|error| first_line(&error))
}

fn first_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[expect(clippy::print_stderr, reason = "a drop has no other way to tell")]
fn report(text: &str) {
    eprintln!("{text}");
}
