//! The demo: an attack in a real log becomes a ban that a real bouncer enforces, with the times of each step.
//!
//! In Kubernetes by default: the cluster in `KUBECONFIG`, or one of our own. Locally, with root and network namespaces,
//! packets are dropped; without, the orders of a bouncer are recorded on loopback.

mod administrator;
mod cluster;
mod hosts;
mod keep;
mod loopback;
pub mod narrate;
mod timeline;

use anyhow::Result;
use e2e::binary::Binary;
use e2e::cluster::Cluster;
use e2e::{netns, packages};

/// Whether everything stays up at the end, for looking around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Take everything down.
    No,
    /// Leave it running until the user presses Ctrl-C.
    Yes,
}

/// Where the story plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In Kubernetes, or on hosts where none can be had.
    Cluster,
    /// On hosts of network namespaces where this machine allows them, else on loopback.
    Hosts,
    /// On loopback.
    Loopback,
}

/// Runs the demo.
pub fn run(stage: Stage, keep: Keep) -> Result<()> {
    if stage == Stage::Cluster {
        match Cluster::obstacle() {
            None => return cluster::story(keep),
            Some(reason) => narrate::step(&format!("no Kubernetes ({reason}): the story on hosts")),
        }
    }
    on_this_machine(stage, keep)
}

fn on_this_machine(stage: Stage, keep: Keep) -> Result<()> {
    narrate::chapter("Setting up");
    crate::setup::run()?;
    narrate::step("building crowdsec and cscli (cargo prints nothing when they are fresh)");
    let binary = Binary::built()?;
    let folder = tempfile::Builder::new().prefix("crowdsec-demo-").tempdir()?;
    let possible = match stage {
        Stage::Loopback => Err("as asked for".to_owned()),
        Stage::Cluster | Stage::Hosts if packages::is_root() => netns::available(),
        Stage::Cluster | Stage::Hosts => Err("this user is not root".to_owned()),
    };
    let outcome = match possible {
        Ok(()) => hosts::story(&binary, folder.path(), keep),
        Err(reason) => {
            narrate::step(&format!(
                "no network namespaces ({reason}): the web attack on loopback, with a bouncer that records its orders \
                 instead of dropping packets, and without sshd, which needs them too"
            ));
            loopback::story(&binary, folder.path(), keep)
        }
    };
    if outcome.is_err() {
        narrate::step(&format!(
            "what each program printed is kept in {}",
            folder.keep().display()
        ));
    }
    outcome
}
