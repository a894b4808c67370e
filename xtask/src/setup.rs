//! The ordinary programs that demo and tests call; apt brings what is missing, where the user may install.

use anyhow::Result;
use e2e::packages::{ensure_tools, is_root};
use e2e::process;

/// Programs with the packages that bring them; those after the first two need root to be of use.
const TOOLS: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("python3", "python3"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("ssh", "openssh-client"),
];

/// Installs what is missing. Without root only what loopback tests need is asked for.
pub fn run() -> Result<()> {
    let wanted = if is_root() {
        TOOLS
    } else {
        TOOLS.get(..2).unwrap_or_default()
    };
    ensure_tools(wanted)?;
    // Debian's python3 comes without the part that makes virtual environments.
    if run_python("import ensurepip").is_err() {
        ensure_tools(&[("no-program-tells-whether-venv-is-there", "python3-venv")])?;
    }
    Ok(())
}

fn run_python(code: &str) -> Result<String> {
    process::run("python3", ["-c", code])
}
