//! Makes the table of the starter set's files: path below `starter/` and bytes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("starter");
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root, &mut files)?;
    }
    files.sort();
    let mut table = String::from(
        "/// Every file of the starter set: path below its root, content.\npub static FILES: &[(&str, &[u8])] = &[\n",
    );
    for file in &files {
        let relative = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        let below = format!("/starter/{relative}");
        // Not the path itself: a target folder outlives the checkout it was made from, and the next one may lie elsewhere.
        writeln!(
            table,
            "    ({relative:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {below:?}))),",
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("starter.rs");
    fs::write(out, table)?;
    println!("cargo::rerun-if-changed=starter");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// Collects files below `folder`; folders that begin with a dot hold tests, and Markdown is for readers.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else if entry.path().extension().is_none_or(|extension| extension != "md") {
            files.push(entry.path());
        }
    }
    Ok(())
}
