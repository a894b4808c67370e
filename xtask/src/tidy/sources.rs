//! Source files: first lines, sizes, words, and what may not be committed.

use std::path::Path;

use super::{tracked_files, workspace};

/// Production lines (without inline tests) that a file may have.
const FILE_LINES_MAX: usize = 600;
/// Bytes of a tracked file outside lock files and fixtures.
const FILE_BYTES_MAX: u64 = 512 * 1024;

#[test]
fn every_source_file_opens_with_its_purpose() {
    let faults: Vec<String> = rust_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert!(faults.is_empty(), "no `//!` on the first line: {faults:#?}");
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let faults: Vec<String> = rust_files()
        .into_iter()
        .filter(|(file, _)| !file.contains("/tests/"))
        .map(|(file, text)| (file, production_lines(&text)))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(file, lines)| format!("{file}: {lines}"))
        .collect();
    assert!(
        faults.is_empty(),
        "more than {FILE_LINES_MAX} production lines: {faults:#?}"
    );
}

#[test]
fn no_large_file_is_tracked() {
    let faults: Vec<String> = tracked_files()
        .into_iter()
        .filter(|file| !file.ends_with(".lock") && !file.contains("/fixtures/"))
        .filter(|file| workspace().join(file).metadata().unwrap().len() > FILE_BYTES_MAX)
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn modules_are_named_files_and_never_mod_rs() {
    let faults: Vec<String> = tracked_files()
        .into_iter()
        .filter(|file| {
            file.ends_with("/mod.rs") || file.split('/').any(|part| part == "util" || part == "utils.rs")
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_note_to_do_names_its_issue() {
    let marks = ["TODO", "FIXME", "XXX"];
    let mut faults = Vec::new();
    for (file, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            let comment = line.split_once("//").map_or("", |(_, c)| c);
            if marks.iter().any(|m| comment.contains(m))
                && !comment.contains('#')
                && !file.starts_with("xtask/")
            {
                faults.push(format!("{file}:{}", number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn documents_link_to_files_that_exist() {
    let mut faults = Vec::new();
    for file in tracked_files().into_iter().filter(|f| f.ends_with(".md")) {
        let text = std::fs::read_to_string(workspace().join(&file)).unwrap();
        let folder = Path::new(&file).parent().map(Path::to_owned).unwrap_or_default();
        for target in links(&text).filter(|t| !t.contains("://") && !t.starts_with('#')) {
            let path = target.split('#').next().unwrap_or_default();
            if !workspace().join(&folder).join(path).exists() {
                faults.push(format!("{file} → {target}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A reader of a clone has `docs/`, upstream's repository and RFCs, nothing else.
#[test]
fn comments_cite_documents_that_a_clone_has() {
    let tracked: Vec<String> = tracked_files();
    let mut faults = Vec::new();
    for (file, text) in rust_files()
        .into_iter()
        .filter(|(f, _)| !f.starts_with("xtask/src/tidy"))
    {
        for (number, line) in text.lines().enumerate() {
            let comment = line.split_once("//").map_or("", |(_, c)| c);
            for word in comment.split(|c: char| c.is_whitespace() || "`()[],;:\"".contains(c)) {
                let name = word.trim_end_matches('.');
                let known = tracked
                    .iter()
                    .any(|f| f == name || f.ends_with(&format!("/{name}")));
                if name.ends_with(".md") && name.len() > 3 && !known {
                    faults.push(format!("{file}:{}: {name}", number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Targets of Markdown links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// Tracked Rust files with their text.
fn rust_files() -> Vec<(String, String)> {
    tracked_files()
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .map(|file| {
            let text = std::fs::read_to_string(workspace().join(&file)).unwrap();
            (file, text)
        })
        .collect()
}

/// Lines before an inline test module.
fn production_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod tests"));
    tests.unwrap_or(lines.len())
}
