//! Rules of the repository, as tests: layers, rings, sizes, first lines, licences, words.

mod circles;
mod defects;
mod layers;
mod licences;
mod sources;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    e2e::binary::workspace_dir().unwrap()
}

/// Files under version control, relative to the workspace.
fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .current_dir(workspace())
        .args(["ls-files", "-z"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let files: Vec<String> = text
        .split('\0')
        .filter(|f| !f.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(
        !files.is_empty(),
        "git ls-files names no file: the tidy tests need a checkout"
    );
    files
        .into_iter()
        .filter(|f| workspace().join(f).exists())
        .collect()
}

/// `cargo metadata`, with or without the dependencies from registries.
fn metadata(arguments: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
