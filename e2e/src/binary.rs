//! Our binary, as cargo built it, under its two names.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::run_command;

/// `crowdsec` and `cscli`: one file, two names.
#[derive(Debug, Clone)]
pub struct Binary {
    folder: PathBuf,
}

impl Binary {
    /// Builds the binary in the profile of the running program and puts `cscli` beside it.
    ///
    /// Cargo has nothing to do when it is fresh, so a test may call this first.
    pub fn built() -> Result<Binary> {
        let profile = profile_dir()?;
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build
            .current_dir(workspace_dir()?)
            .args(["build", "--quiet", "--workspace", "--bin", "crowdsec"]);
        if profile.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        run_command(build)?;
        let names = profile.join("names");
        std::fs::create_dir_all(&names)?;
        for name in ["crowdsec", "cscli"] {
            let link = names.join(name);
            if std::fs::read_link(&link).ok().as_deref() != Some(Path::new("../crowdsec")) {
                let fresh = names.join(format!(".{name}.{}", std::process::id()));
                std::os::unix::fs::symlink("../crowdsec", &fresh)?;
                std::fs::rename(&fresh, &link)?;
            }
        }
        ensure!(
            names.join("crowdsec").exists(),
            "cargo built no crowdsec in {}",
            profile.display()
        );
        Ok(Binary { folder: names })
    }

    /// Path of the engine.
    pub fn crowdsec(&self) -> PathBuf {
        self.folder.join("crowdsec")
    }

    /// Path of the administration tool.
    pub fn cscli(&self) -> PathBuf {
        self.folder.join("cscli")
    }
}

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_dir() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("e2e lies in no workspace")?.to_owned())
}

/// `target/debug` or `target/release`: where the running program lies, without `deps`.
fn profile_dir() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program
        .parent()
        .context("the running program lies in no folder")?;
    Ok(if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder).to_owned()
    } else {
        folder.to_owned()
    })
}
