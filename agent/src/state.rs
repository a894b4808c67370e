//! The state folder: what a restart goes on with, as long as it is a restart of the same installation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use client::lapi::Credentials;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::outbox::seal::hex;
use crate::outbox::{self, Outbox};
use crate::{checkpoint, keep, pipeline};

/// Name of the file that tells whose state it is.
const OWNER: &str = "owner";

/// What a restart goes on with.
pub(crate) struct State {
    pub(crate) dir: PathBuf,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) resume: crate::acquire::file::follow::Resume,
    pub(crate) restored: pipeline::Restored,
    pub(crate) group: u64,
}

impl State {
    /// Opens the folder below the data folder; with `owner`, only state of that machine with that password counts.
    pub(crate) fn open(data_dir: &Path, owner: Option<&Credentials>) -> anyhow::Result<Self> {
        let dir = folder(data_dir)?;
        if let Some(owner) = owner {
            claim(&dir, owner).with_context(|| format!("claiming the state folder {}", dir.display()))?;
        }
        let stored = match checkpoint::load(&dir) {
            Ok(stored) => stored,
            Err(error) => {
                tracing::error!(%error, "checkpoint is ignored: files are read as at a first start");
                None
            }
        };
        let group = stored.as_ref().map_or(0, |checkpoint| checkpoint.group);
        let (outbox, recent) = Outbox::open(&dir, outbox::DEFAULT_LIMIT, group)?;
        let (resume, restored) = keep::resume(stored, recent);
        Ok(Self {
            dir,
            outbox: Arc::new(outbox),
            resume,
            restored,
            group,
        })
    }
}

/// Returns the state folder; one that cannot be written is replaced by a temporary one, which a restart loses.
fn folder(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let dir = data_dir.join("agent");
    let Err(error) = usable(&dir) else { return Ok(dir) };
    let temporary = std::env::temp_dir().join(format!("crowdsec-agent-{}", std::process::id()));
    tracing::error!(
        %error,
        dir = %dir.display(),
        temporary = %temporary.display(),
        "state folder cannot be written; a restart will lose positions and undelivered alerts"
    );
    usable(&temporary).with_context(|| format!("no usable state folder, neither {}", dir.display()))?;
    Ok(temporary)
}

fn usable(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let probe = dir.join(".probe");
    std::fs::write(&probe, "")?;
    std::fs::remove_file(probe)
}

/// Puts state of somebody else aside: another installation of this name has other buckets and another Local API.
///
/// A key that is kept (the operator keeps it when it is uninstalled) makes the next installation the same one.
fn claim(dir: &Path, owner: &Credentials) -> std::io::Result<()> {
    let mark = mark(owner);
    let file = dir.join(OWNER);
    match std::fs::read_to_string(&file) {
        Ok(held) if held == mark => return Ok(()),
        Ok(_) => {
            let aside = dir.with_extension("previous");
            if aside.exists() {
                std::fs::remove_dir_all(&aside)?;
            }
            std::fs::rename(dir, &aside)?;
            std::fs::create_dir_all(dir)?;
            tracing::warn!(
                aside = %aside.display(),
                "the state is of another installation; it is put aside and files are read as at a first start"
            );
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::write(file, mark)
}

/// A digest that tells one machine's state from another's and gives nothing away.
fn mark(owner: &Credentials) -> String {
    let mut digest = Sha256::new();
    digest.update(b"state of an agent\0");
    digest.update(owner.login.as_bytes());
    digest.update(b"\0");
    digest.update(owner.password.expose_secret().as_bytes());
    hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(password: &str) -> Credentials {
        Credentials {
            login: "ns:lp:node".to_owned(),
            password: password.to_owned().into(),
            scenarios: Vec::new(),
        }
    }

    #[test]
    fn state_of_the_same_machine_and_password_is_taken_up() {
        let data = tempfile::tempdir().unwrap();
        drop(State::open(data.path(), Some(&owner("a"))).unwrap());
        let kept = data.path().join("agent/kept");
        std::fs::write(&kept, "x").unwrap();
        drop(State::open(data.path(), Some(&owner("a"))).unwrap());
        drop(State::open(data.path(), None).unwrap());
        assert!(kept.exists());
    }

    #[test]
    fn state_of_another_installation_is_put_aside_and_only_the_last_is_kept() {
        let data = tempfile::tempdir().unwrap();
        for password in ["a", "b", "c"] {
            drop(State::open(data.path(), Some(&owner(password))).unwrap());
            let own = data.path().join("agent").join(password);
            assert!(!data.path().join("agent/a").exists());
            std::fs::write(own, "x").unwrap();
        }
        assert!(data.path().join("agent/c").exists());
        assert!(data.path().join("agent.previous/b").exists());
        assert!(!data.path().join("agent.previous/a").exists());
    }

    #[test]
    fn state_that_nobody_claimed_is_taken_over() {
        let data = tempfile::tempdir().unwrap();
        drop(State::open(data.path(), None).unwrap());
        let kept = data.path().join("agent/kept");
        std::fs::write(&kept, "x").unwrap();
        drop(State::open(data.path(), Some(&owner("a"))).unwrap());
        assert!(kept.exists());
    }
}
