//! The signals a process answers to.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: stop gracefully.
    Terminate,
    /// SIGINT: stop gracefully.
    Interrupt,
    /// SIGHUP: read the configuration again.
    Reload,
}

impl Signal {
    /// Returns the name upstream's log lines use (`SIGTERM received, shutting down`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Reload => "SIGHUP",
        }
    }
}

/// The installed handlers; from their installation on the signals no longer end the process by themselves.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
}

impl Signals {
    /// Installs the handlers; needs a running tokio runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Returns the next signal; a stop wins over a reload that arrived with it.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_hangup_asks_for_a_reload() {
        let mut signals = Signals::install().unwrap();
        let own = std::process::id().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &own])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(signals.next().await, Signal::Reload);
    }
}
