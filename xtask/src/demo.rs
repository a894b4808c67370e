//! The demo: an attack in a real log becomes a ban that a real bouncer enforces, with the times of each step.
//!
//! With root and network namespaces packets are dropped; without, the orders of a bouncer are recorded on loopback.

mod administrator;
mod hosts;
mod keep;
mod loopback;
pub mod narrate;
mod timeline;

use anyhow::Result;
use e2e::binary::Binary;
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
    /// On hosts of network namespaces where this machine allows them, else on loopback.
    Best,
    /// On loopback.
    Loopback,
}

/// Runs the demo.
pub fn run(stage: Stage, keep: Keep) -> Result<()> {
    narrate::chapter("Setting up");
    crate::setup::run()?;
    narrate::step("building crowdsec and cscli (cargo prints nothing when they are fresh)");
    let binary = Binary::built()?;
    let folder = tempfile::Builder::new().prefix("crowdsec-demo-").tempdir()?;
    let possible = match stage {
        Stage::Loopback => Err("asked for with --loopback".to_owned()),
        Stage::Best if packages::is_root() => netns::available(),
        Stage::Best => Err("this user is not root".to_owned()),
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
