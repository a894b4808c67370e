//! What compiles for the other processor: rustup's target when it is installed, else Debian's packages.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use e2e::packages::{cache_dir, ensure_tools};
use e2e::process::run;

use super::Arch;

/// A set of compilers, as variables for cargo.
pub(super) struct Toolchain {
    /// Name of its target folder.
    pub(super) name: &'static str,
    /// What cargo is told.
    pub(super) environment: BTreeMap<String, OsString>,
}

/// Finds or fetches what compiles for `arch` on this machine.
pub(super) fn toolchain(arch: Arch) -> Result<Toolchain> {
    let mut environment = BTreeMap::new();
    if Arch::host()? != arch {
        let linker = c_compiler(arch)?;
        let target = arch.target().replace('-', "_");
        environment.insert(
            format!("CARGO_TARGET_{}_LINKER", target.to_uppercase()),
            linker.into(),
        );
        environment.insert(format!("CC_{target}"), linker.into());
    }
    let own = Toolchain {
        name: "rustup",
        environment: environment.clone(),
    };
    if own.has_std(arch)? {
        return Ok(own);
    }
    let root = debian(arch).with_context(|| {
        format!(
            "rustc has no standard library for {0}; where rustup reaches its server, `rustup target add {0}` brings it; \
             fetching Debian's rustc-web instead failed",
            arch.target()
        )
    })?;
    let library = root.join("usr/lib").join(match Arch::host()? {
        Arch::Amd64 => "x86_64-linux-gnu",
        Arch::Arm64 => "aarch64-linux-gnu",
    });
    environment.insert("RUSTC".to_owned(), root.join("usr/bin/rustc").into());
    environment.insert("LD_LIBRARY_PATH".to_owned(), library.into());
    let debian = Toolchain {
        name: "debian",
        environment,
    };
    if !debian.has_std(arch)? {
        bail!("Debian's rustc-web has no standard library for {}", arch.target());
    }
    Ok(debian)
}

impl Toolchain {
    fn has_std(&self, arch: Arch) -> Result<bool> {
        let folder = self.rustc(&["--print", "target-libdir", "--target", arch.target()])?;
        let Ok(mut files) = std::fs::read_dir(folder.trim()) else {
            return Ok(false);
        };
        Ok(
            files
                .any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-"))),
        )
    }
}

/// The C compiler for the C parts (SQLite, ring) and for linking.
fn c_compiler(arch: Arch) -> Result<&'static str> {
    let (program, tools): (_, &[(&str, &str)]) = match arch {
        Arch::Arm64 => (
            "aarch64-linux-gnu-gcc",
            &[
                ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
                ("aarch64-linux-gnu-gcc", "libc6-dev-arm64-cross"),
            ],
        ),
        Arch::Amd64 => (
            "x86_64-linux-gnu-gcc",
            &[
                ("x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu"),
                ("x86_64-linux-gnu-gcc", "libc6-dev-amd64-cross"),
            ],
        ),
    };
    ensure_tools(tools)?;
    Ok(program)
}

/// Unpacks Debian's newest Rust with the standard library of `arch` into the cache; nothing is installed.
fn debian(arch: Arch) -> Result<PathBuf> {
    let root = cache_dir()?.join("debian").join(format!("rust-{}", arch.name()));
    if root.join(".complete").exists() {
        return Ok(root);
    }
    let parent = root.parent().context("the cache folder has no parent")?;
    std::fs::create_dir_all(parent)?;
    let work = tempfile::tempdir_in(parent)?;
    let archives = work.path().join("cache/archives");
    for folder in [
        archives.join("partial"),
        work.path().join("lists/partial"),
        work.path().join("root"),
    ] {
        std::fs::create_dir_all(folder)?;
    }
    let library = format!("libstd-rust-web-dev:{}", arch.name());
    apt(work.path(), arch, &["update", "-q"])?;
    apt(
        work.path(),
        arch,
        &[
            "install",
            "-y",
            "-q",
            "--download-only",
            "--no-install-recommends",
            "rustc-web",
        ],
    )?;
    apt(work.path(), arch, &["download", "-q", &library])?;
    let unpacked = work.path().join("root");
    for folder in [archives.as_path(), work.path()] {
        for file in std::fs::read_dir(folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|ending| ending == "deb") {
                run("dpkg", ["-x".as_ref(), path.as_os_str(), unpacked.as_os_str()])?;
            }
        }
    }
    std::fs::write(unpacked.join(".complete"), "")?;
    std::fs::rename(&unpacked, &root)?;
    Ok(root)
}

/// apt with lists of its own for both processors, so that the machine's stay as they are.
fn apt(work: &Path, arch: Arch, arguments: &[&str]) -> Result<()> {
    let mut command = std::process::Command::new("apt-get");
    command.current_dir(work);
    for (option, value) in [
        ("APT::Architecture", Arch::host()?.name().to_owned()),
        ("APT::Architectures::", Arch::host()?.name().to_owned()),
        ("APT::Architectures::", arch.name().to_owned()),
        (
            "Dir::State::Lists",
            work.join("lists").to_string_lossy().into_owned(),
        ),
        ("Dir::Cache", work.join("cache").to_string_lossy().into_owned()),
        // The machine's package database is only read.
        ("Debug::NoLocking", "1".to_owned()),
    ] {
        command.args(["-o", &format!("{option}={value}")]);
    }
    command.args(arguments);
    e2e::process::run_command(command).map(drop)
}
