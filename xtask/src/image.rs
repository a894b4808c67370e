//! The container image without a container engine: compile, lay out the root, write one archive.

mod archive;
mod compile;
mod cross;
mod layer;

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::demo::narrate;
use archive::Image;
use layer::User;

/// Processors that the image is built for, by their names in OCI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Arch {
    /// Returns the name that OCI and Kubernetes use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns the target that rustc knows it by.
    pub const fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Returns the processor this program runs on.
    fn host() -> Result<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Self::Amd64),
            "aarch64" => Ok(Self::Arm64),
            other => bail!("no image is built on {other}: use an amd64 or arm64 machine"),
        }
    }
}

impl FromStr for Arch {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "amd64" => Ok(Self::Amd64),
            "arm64" => Ok(Self::Arm64),
            other => bail!("ARCH={other}: use amd64 or arm64"),
        }
    }
}

/// Where the image is found once it is loaded; the chart's default (a test compares them).
pub const REPOSITORY: &str = "localhost/crowdsec-operator";

/// The tag: the version of the workspace, as the chart's `appVersion`.
pub const TAG: &str = env!("CARGO_PKG_VERSION");

/// Builds the image for a processor (none: this machine's) into `<target folder>/image/`.
pub fn run(arch: Option<&str>) -> Result<()> {
    let arch = match arch {
        Some(name) => name.parse()?,
        None => Arch::host()?,
    };
    let binary = compile::binary(arch)?;
    let bytes = std::fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
    let path = path(arch)?;
    let image = build(arch, &bytes)?;
    let archive = image.to_archive()?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, &archive).with_context(|| format!("writing {}", path.display()))?;
    narrate::step(&format!("{} ({})", path.display(), arch.name()));
    narrate::step(&format!(
        "{}  {}  binary {}, image {} to transfer, {} unpacked",
        image.reference,
        image.manifest_digest()?,
        mib(bytes.len()),
        mib(archive.len()),
        mib(image.layer.len()),
    ));
    Ok(())
}

/// Where the archive of a processor's image is written.
pub fn path(arch: Arch) -> Result<PathBuf> {
    let name = format!("crowdsec-operator-{}.tar", arch.name());
    Ok(compile::target_dir()?.join("image").join(name))
}

/// Puts the binary into its place in an image.
fn build(arch: Arch, binary: &[u8]) -> Result<Image> {
    Ok(Image {
        reference: format!("{REPOSITORY}:{TAG}"),
        arch,
        layer: layer::build(binary)?,
        entrypoint: "/usr/local/bin/crowdsec",
        user: User::CROWDSEC,
        labels: [
            ("org.opencontainers.image.title", "crowdsec-operator"),
            ("org.opencontainers.image.version", TAG),
            ("org.opencontainers.image.licenses", env!("CARGO_PKG_LICENSE")),
        ]
        .into(),
    })
}

fn mib(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
