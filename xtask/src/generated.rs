//! Files that are written from the code: each must be fresh, and `UPDATE=1` (`make gen`) writes them.

mod api;
mod chart;
mod conditions;
mod crds;
mod install;
mod network;
mod rules;
mod samples;
mod variants;

use std::path::Path;

use crate::tidy::workspace;

/// A file as it should be.
struct Generated {
    /// Path in the repository.
    path: String,
    /// Its whole text.
    text: String,
}

impl Generated {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self {
            path: path.into(),
            text,
        }
    }
}

#[test]
fn generated_files_are_fresh() {
    let mut files = vec![api::file(), conditions::file()];
    files.extend(crds::files());
    files.extend(network::files());
    files.extend(rules::files());
    write_or_compare(files);
    // What Helm renders is made of the files above.
    write_or_compare(install::file().into_iter().collect());
}

fn write_or_compare(files: Vec<Generated>) {
    let mut stale = Vec::new();
    for Generated { path, text } in files {
        let place = workspace().join(&path);
        if std::fs::read_to_string(&place).is_ok_and(|old| old == text) {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(&place, text).unwrap();
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "run `make gen` and commit: {stale:#?}");
}

/// Puts `content` between the two marks of a hand-written file.
fn between_marks(path: &str, name: &str, content: &str) -> Generated {
    let text = read(path);
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{path} has no `{begin}`"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{path} has no `{end}`"));
    Generated::new(path, format!("{before}{begin}{content}{end}{after}"))
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(workspace().join(path)).unwrap()
}

/// Text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
