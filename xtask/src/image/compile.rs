//! The static binary of the image: no trace of this machine's paths, no library of the machine it runs on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::binary::workspace_dir;
use e2e::process::run_command;

use super::Arch;
use super::cross::{self, Toolchain};

/// Compiles `crowdsec` for a processor with the profile `image` and returns where it lies.
pub(super) fn binary(arch: Arch) -> Result<PathBuf> {
    let toolchain = cross::toolchain(arch)?;
    // Debian's rustc and rustup's must not share a folder: each would rebuild what the other built.
    let target = target_dir()?.join("image").join(toolchain.name);
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build
        .current_dir(workspace_dir()?)
        .args(["build", "--locked", "--package", "crowdsec", "--bin", "crowdsec"])
        .args(["--profile", "image", "--target", arch.target(), "--target-dir"])
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&toolchain, &target)?)
        .env("CARGO_INCREMENTAL", "0")
        .envs(toolchain.environment.clone())
        .env(
            format!("CFLAGS_{}", arch.target().replace('-', "_")),
            c_flags(&target)?,
        );
    // Its progress is for the reader, so it keeps the terminal.
    let ended = build.status().context("starting cargo")?;
    ensure!(ended.success(), "the binary did not compile");
    Ok(target.join(arch.target()).join("image/crowdsec"))
}

/// Cargo's target folder.
pub(super) fn target_dir() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(std::path::absolute(folder)?),
        None => Ok(workspace_dir()?.join("target")),
    }
}

/// Flags of rustc, separated as `CARGO_ENCODED_RUSTFLAGS` wants them.
fn flags(toolchain: &Toolchain, target: &Path) -> Result<OsString> {
    let mut flags = OsString::from("-Ctarget-feature=+crt-static");
    for (from, to) in places(target)? {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    // A toolchain that carries the sources of std would name them by its own folder.
    let sysroot = toolchain.rustc(&["--print", "sysroot"])?;
    flags.push(format!(
        "\u{1f}--remap-path-prefix={}/lib/rustlib/src/rust=/rustc",
        sysroot.trim()
    ));
    Ok(flags)
}

fn c_flags(target: &Path) -> Result<OsString> {
    let mut flags = OsString::new();
    for (from, to) in places(target)? {
        flags.push("-ffile-prefix-map=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
        flags.push(" ");
    }
    Ok(flags)
}

/// Folders of this machine that a compiler may write down, and what stands for them.
fn places(target: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    let mut places = vec![(workspace_dir()?, "/workspace"), (target.to_owned(), "/target")];
    let sources = cargo_home()?.join("registry/src");
    let mut registries: Vec<PathBuf> = std::fs::read_dir(&sources)
        .with_context(|| format!("reading {}", sources.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    registries.sort();
    places.extend(registries.into_iter().map(|folder| (folder, "/registry")));
    Ok(places)
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}

impl Toolchain {
    /// Runs its rustc and returns what it printed.
    pub(super) fn rustc(&self, arguments: &[&str]) -> Result<String> {
        let program = self
            .environment
            .get("RUSTC")
            .cloned()
            .unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(program);
        command.args(arguments).envs(&self.environment);
        run_command(command)
    }
}
