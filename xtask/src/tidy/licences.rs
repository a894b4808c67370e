//! Licences of everything that is linked.

use super::metadata;

/// Licences that may be linked into an Apache-2.0 program and shipped.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_has_an_accepted_licence() {
    let metadata = metadata(&[]);
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            Some(expression) if is_accepted(expression) => {}
            other => faults.push(format!("{name}: {other:?}")),
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_licence_expression_needs_all_of_and_and_one_of_or() {
    assert!(is_accepted("MIT OR GPL-3.0"));
    assert!(is_accepted("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(is_accepted("MIT/Apache-2.0"));
    assert!(!is_accepted("MIT AND AGPL-3.0-only"));
    assert!(!is_accepted("GPL-3.0"));
}

/// Every part joined by AND must offer an accepted alternative.
fn is_accepted(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|one| ACCEPTED.contains(&one.trim())))
}
