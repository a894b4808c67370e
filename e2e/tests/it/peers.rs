//! Programs that nobody here wrote work with ours, and ours with theirs.

mod bouncers;
mod cscli;
mod forward_auth;
mod machines;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use e2e::binary::Binary;
use e2e::engine::{Installation, free_ports};
use e2e::process::Process;
use e2e::wait;

/// The binary, built once for the whole test program.
pub(crate) fn binary() -> &'static Binary {
    static BINARY: OnceLock<Binary> = OnceLock::new();
    BINARY.get_or_init(|| Binary::built().unwrap())
}

/// A running Local API of ours, with its installation.
pub(crate) struct LocalApi {
    pub(crate) installation: Installation<'static>,
    pub(crate) process: Process,
}

impl LocalApi {
    /// Starts one below `folder`, with a machine for `cscli`.
    pub(crate) fn start(folder: &Path) -> LocalApi {
        let installation = Installation::create(binary(), folder, free_ports(), "").unwrap();
        installation.register_machine("local").unwrap();
        let process = installation.start(&["-no-cs"], None).unwrap();
        LocalApi {
            installation,
            process,
        }
    }

    /// Runs our `cscli`.
    pub(crate) fn cscli(&self, arguments: &[&str]) -> String {
        self.installation.cscli(arguments).unwrap()
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.installation.ports().api)
    }

    /// Waits until `cscli decisions list` names `text`.
    pub(crate) fn wait_for_decision(&self, text: &str) {
        until(&format!("a decision on {text}"), || {
            self.cscli(&["decisions", "list", "-o", "raw"]).contains(text)
        });
    }

    /// Stops it in an orderly way.
    pub(crate) fn stop(self) {
        self.process.terminate(wait::PATIENCE).unwrap();
    }
}

/// Waits for a fact.
pub(crate) fn until(what: &str, mut fact: impl FnMut() -> bool) {
    wait::until(what, wait::PATIENCE, Duration::from_millis(50), || {
        Ok(fact().then_some(()))
    })
    .unwrap();
}
