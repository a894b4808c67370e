//! `make bench`: the figures of `docs/benchmarks.md`, from a release build.

mod forward_auth;
mod logs;
mod operator;
mod process;

use anyhow::{Result, bail};

use crate::demo::narrate;

/// Measures one part and tells the figures.
type Measure = fn() -> Result<()>;

/// What can be measured.
const PARTS: &[(&str, Measure)] = &[
    ("logs", logs::run),
    ("forward-auth", forward_auth::run),
    ("operator", operator::run),
];

/// Measures the named parts (none: all).
pub fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| PARTS.iter().all(|(part, _)| part != *name))
    {
        let parts: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        bail!(
            "`{unknown}` is no part that is measured; there are {}",
            parts.join(", ")
        );
    }
    for (part, measure) in PARTS {
        if names.is_empty() || names.contains(part) {
            narrate::chapter(part);
            measure()?;
        }
    }
    Ok(())
}
