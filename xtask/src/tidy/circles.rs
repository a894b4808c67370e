//! The files of a crate: imports run one way, so that a file can be read without those that use it.
//!
//! A file may name the modules above it: they are its face. Everything else that leads back is a ring. Imports are read
//! from the text, by `use` and by path; inline tests do not count.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::{tracked_files, workspace};

/// Modules of one crate by path (`a::b`, the root is empty), with their texts.
type Modules = BTreeMap<String, String>;
/// For each module those that it names, with the names taken.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[test]
fn no_file_stands_in_a_ring_with_another() {
    let mut faults = Vec::new();
    for (name, modules) in crates() {
        let arrows = arrows(&modules);
        for (from, targets) in &arrows {
            for (to, names) in targets {
                if reaches(&arrows, to, from) {
                    faults.push(format!("{name}: {from} -> {to}: {}", join(names)));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "files that lead back to each other; move what both use into a file of its own: {faults:#?}"
    );
}

#[test]
fn a_ring_is_seen_and_a_face_is_none() {
    let modules = |texts: &[(&str, &str)]| -> Arrows {
        arrows(
            &texts
                .iter()
                .map(|(name, text)| ((*name).to_owned(), production(text)))
                .collect(),
        )
    };
    let ring = modules(&[
        ("a", "use crate::{b::{X, Y}, c};"),
        ("b", "fn f() { crate::a::g(); }"),
        ("c", ""),
    ]);
    assert!(reaches(&ring, "a", "b") && reaches(&ring, "b", "a"));
    assert!(!reaches(&ring, "c", "a"));
    let face = modules(&[("a", "mod b;\nfn f() { b::g(); }"), ("a::b", "use super::T;")]);
    assert!(reaches(&face, "a", "a::b") && !reaches(&face, "a::b", "a"));
    let test = modules(&[
        ("a", "use crate::b::X;"),
        ("b", "#[cfg(test)]\nmod tests { use crate::a::Y; }"),
    ]);
    assert!(!reaches(&test, "b", "a"));
}

/// The modules of every crate, by the crate's folder.
fn crates() -> BTreeMap<String, Modules> {
    let mut crates: BTreeMap<String, Modules> = BTreeMap::new();
    for file in tracked_files() {
        let Some((folder, inner)) = file.split_once("/src/") else {
            continue;
        };
        let Some(stem) = inner.strip_suffix(".rs") else {
            continue;
        };
        let is_test = stem.split('/').any(|part| part == "tests");
        if is_test || stem.starts_with("bin/") {
            continue;
        }
        let path = match stem {
            "lib" | "main" => String::new(),
            _ => stem.replace('/', "::"),
        };
        let text = std::fs::read_to_string(workspace().join(&file)).unwrap();
        crates
            .entry(folder.to_owned())
            .or_default()
            .insert(path, production(&text));
    }
    assert!(crates.len() > 10, "only {} crates were found", crates.len());
    crates
}

/// The text without comments and without its inline tests.
fn production(text: &str) -> String {
    let comments = Regex::new(r"//[^\n]*").unwrap();
    let text = comments.replace_all(text, "");
    let inline_tests = "#[cfg(test)]\nmod tests";
    text.split(inline_tests).next().unwrap_or_default().to_owned()
}

fn arrows(modules: &Modules) -> Arrows {
    modules
        .iter()
        .map(|(module, text)| {
            let mut targets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for path in paths(text) {
                let Some((target, name)) = resolve(modules, module, &path) else {
                    continue;
                };
                let is_face =
                    module == &target || target.is_empty() || module.starts_with(&format!("{target}::"));
                if !is_face {
                    targets.entry(target).or_default().insert(name);
                }
            }
            (module.clone(), targets)
        })
        .collect()
}

/// Every path that a text imports or writes out.
fn paths(text: &str) -> Vec<Vec<String>> {
    let uses = Regex::new(r"\buse\s+([^;]+);").unwrap();
    let written = Regex::new(r"\b[a-z_][a-z_0-9]*(?:::\w+)+").unwrap();
    let mut all: Vec<String> = uses
        .captures_iter(text)
        .flat_map(|found| expanded(&found[1].split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    let rest = uses.replace_all(text, "");
    all.extend(written.find_iter(&rest).map(|found| found.as_str().to_owned()));
    all.iter()
        .map(|path| path.split("::").map(|part| part.trim().to_owned()).collect())
        .collect()
}

/// `a::{b, c::{d, e as f}}` as its single paths.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.to_owned()];
    };
    // The last brace belongs to this level.
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut parts, mut depth) = (vec![String::new()], 0_usize);
    for character in inner.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| expanded(&part))
        .map(|part| format!("{}{part}", head.trim()))
        .collect()
}

/// The module that a path in `module` leads into, and what it takes there; none for another crate's.
fn resolve(modules: &Modules, module: &str, path: &[String]) -> Option<(String, String)> {
    let mut base: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
    match *path.first()? {
        "crate" => {
            base.clear();
            path.remove(0);
        }
        "self" => {
            path.remove(0);
        }
        "super" => {
            while path.first() == Some(&"super") {
                base.pop();
                path.remove(0);
            }
        }
        child => {
            let mut place = base.clone();
            place.push(child);
            if !modules.contains_key(&place.join("::")) {
                return None;
            }
        }
    }
    base.extend(path);
    (0..=base.len()).rev().find_map(|length| {
        let target = base[..length].join("::");
        modules
            .contains_key(&target)
            .then(|| (target, base[length..].join("::")))
    })
}

fn reaches(arrows: &Arrows, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        if module == to {
            return true;
        }
        if seen.insert(module) {
            open.extend(
                arrows
                    .get(module)
                    .into_iter()
                    .flat_map(|t| t.keys().map(String::as_str)),
            );
        }
    }
    false
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
