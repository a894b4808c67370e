//! The table of defects that ours may not have: every number is there, and every test it names exists.

use super::{tracked_files, workspace};

const TABLE: &str = "e2e/tests/cluster/defects.rs";
/// How many there are.
const COUNT: usize = 22;

#[test]
fn every_defect_has_a_test_that_exists_or_a_reason() {
    let text = std::fs::read_to_string(workspace().join(TABLE)).unwrap();
    let sources: String = tracked_files()
        .into_iter()
        .filter(|file| file.ends_with(".rs"))
        .map(|file| std::fs::read_to_string(workspace().join(file)).unwrap())
        .collect();
    let mut faults = Vec::new();
    for number in 1..=COUNT {
        let head = format!("//! | D{number} |");
        let Some(row) = text.lines().find(|line| line.starts_with(&head)) else {
            faults.push(format!("D{number} is missing"));
            continue;
        };
        let tests: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() && !row.contains("| not built: ") {
            faults.push(format!("D{number} has neither a test nor a reason"));
        }
        for test in tests {
            if !sources.contains(&format!("fn {test}() {{")) {
                faults.push(format!("D{number}: no test {test}"));
            }
        }
    }
    assert!(faults.is_empty(), "{TABLE}: {faults:#?}");
}
