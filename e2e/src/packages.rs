//! Programs that nobody here wrote, from Debian's packages: unpacked into the user's cache, never installed.
//!
//! Unpacking instead of installing keeps the machine as it was: no service starts, no configuration is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{run, run_command};

/// A folder that holds unpacked packages as one root: `usr/bin`, `usr/sbin`, `lib`, …
#[derive(Debug, Clone)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// Unpacks `packages` at the version apt offers, once per set of versions.
    pub fn unpacked(name: &str, packages: &[&str]) -> Result<Root> {
        let versions = candidate_versions(packages)?;
        let tag = versions
            .iter()
            .map(|(p, v)| format!("{p}={v}"))
            .collect::<Vec<_>>()
            .join("+");
        let path = cache_dir()?
            .join("debian")
            .join(format!("{name}-{:016x}", fnv(tag.as_bytes())));
        if path.join(".complete").exists() {
            return Ok(Root { path });
        }
        let parent = path.parent().context("the cache folder has no parent")?;
        std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        let staging = tempfile::tempdir_in(parent)?;
        download_and_unpack(staging.path(), packages)?;
        std::fs::write(staging.path().join(".complete"), &tag)?;
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::rename(staging.keep(), &path)?;
        Ok(Root { path })
    }

    /// Path of a file below the root.
    pub fn path(&self, below: &str) -> PathBuf {
        self.path.join(below)
    }

    /// A command for a program of the root that finds the libraries unpacked beside it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.env("LD_LIBRARY_PATH", self.library_path());
        command
    }

    /// Value of `LD_LIBRARY_PATH` for programs of this root.
    pub fn library_path(&self) -> String {
        [
            "usr/lib/x86_64-linux-gnu",
            "lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu",
            "lib/aarch64-linux-gnu",
        ]
        .iter()
        .map(|p| self.path(p).to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(":")
    }
}

/// The Python of a virtual environment in the cache that holds `requirements` from PyPI.
pub fn python(name: &str, requirements: &[&str]) -> Result<PathBuf> {
    let tag = fnv(requirements.join(" ").as_bytes());
    let path = cache_dir()?.join("python").join(format!("{name}-{tag:016x}"));
    let interpreter = path.join("bin/python");
    if path.join(".complete").exists() {
        return Ok(interpreter);
    }
    // Made in place, since a virtual environment cannot be moved.
    run("python3", ["-m", "venv", "--clear", &path.to_string_lossy()])?;
    let mut install = Command::new(&interpreter);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(requirements);
    run_command(install)?;
    std::fs::write(path.join(".complete"), "")?;
    Ok(interpreter)
}

/// Installs ordinary tools (no services) that are missing, with apt, if the user may.
pub fn ensure_tools(tools: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> = tools
        .iter()
        .filter(|(program, _)| !is_on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    ensure!(
        is_root(),
        "missing programs, install them first: apt-get install {}",
        missing.join(" ")
    );
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(&missing);
    if run_command(command).is_err() {
        run("apt-get", ["update", "-q"])?;
        let mut again = Command::new("apt-get");
        again.env("DEBIAN_FRONTEND", "noninteractive");
        again
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(&missing);
        run_command(again)?;
    }
    Ok(())
}

/// Whether a program is found on the PATH or in the system folders.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    run("id", ["-u"]).is_ok_and(|id| id.trim() == "0")
}

/// The folder where peers and other downloads are kept between runs.
pub fn cache_dir() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(base.join("crowdsec-operator"))
}

fn candidate_versions(packages: &[&str]) -> Result<BTreeMap<String, String>> {
    let first = policy(packages)?;
    if first.len() == packages.len() || !is_root() {
        ensure!(
            first.len() == packages.len(),
            "apt knows no candidate for all of {packages:?}: run apt-get update"
        );
        return Ok(first);
    }
    run("apt-get", ["update", "-q"])?;
    let second = policy(packages)?;
    ensure!(
        second.len() == packages.len(),
        "apt offers only {:?} of {packages:?}",
        second.keys()
    );
    Ok(second)
}

fn policy(packages: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut versions = BTreeMap::new();
    for package in packages {
        let text = run("apt-cache", ["policy", package])?;
        let candidate = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "));
        if let Some(version) = candidate.filter(|v| *v != "(none)") {
            versions.insert((*package).to_owned(), version.to_owned());
        }
    }
    Ok(versions)
}

fn download_and_unpack(staging: &Path, packages: &[&str]) -> Result<()> {
    let archives = staging.join(".archives");
    std::fs::create_dir_all(&archives)?;
    let mut download = Command::new("apt-get");
    download
        .current_dir(&archives)
        .args(["download", "-q"])
        .args(packages);
    if run_command(download).is_err() && is_root() {
        run("apt-get", ["update", "-q"])?;
        let mut again = Command::new("apt-get");
        again
            .current_dir(&archives)
            .args(["download", "-q"])
            .args(packages);
        run_command(again)?;
    }
    let mut unpacked = 0;
    for entry in std::fs::read_dir(&archives)? {
        let archive = entry?.path();
        run(
            "dpkg",
            [
                std::ffi::OsStr::new("-x"),
                archive.as_os_str(),
                staging.as_os_str(),
            ],
        )?;
        unpacked += 1;
    }
    ensure!(
        unpacked == packages.len(),
        "apt-get download brought {unpacked} of {packages:?}"
    );
    std::fs::remove_dir_all(&archives)?;
    Ok(())
}

/// FNV-1a; names a cache folder, so it must not change between releases of the standard library.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
