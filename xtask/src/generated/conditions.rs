//! The tables of conditions in `docs/concepts.md`.

use std::fmt::Write as _;

use operator::crd::conditions::DOCUMENTED;

use super::{Generated, between_marks, cell, read};

pub(super) fn file() -> Generated {
    let mut text = String::new();
    for condition in DOCUMENTED {
        writeln!(text, "\n### {}\n\n{}\n", condition.name, condition.about.trim()).unwrap();
        text.push_str("| reason | status | meaning |\n|---|---|---|\n");
        for (reason, status, meaning) in condition.reasons {
            writeln!(text, "| `{reason}` | {} | {} |", status.as_str(), cell(meaning)).unwrap();
        }
    }
    text.push('\n');
    between_marks("docs/concepts.md", "conditions", &text)
}

#[test]
fn troubleshooting_has_a_cure_for_every_reason_that_needs_one() {
    let text = read("docs/troubleshooting.md");
    let mut missing = Vec::new();
    for condition in DOCUMENTED {
        for (reason, status, _) in condition.reasons {
            let is_well = match condition.name {
                "Degraded" | "Progressing" => status.as_str() == "False",
                _ => status.as_str() == "True",
            };
            let exception = matches!(*reason, "Stalled" | "Paused");
            if (!is_well || exception) && !text.contains(&format!("`{reason}`")) {
                missing.push(format!("{} {reason}", condition.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
