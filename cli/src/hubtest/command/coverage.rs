//! `cscli hubtest coverage`: how many tests name each parser and scenario of the hub.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::case::{self, Case, Places},
    human_or_json,
};
use crate::{
    context::Context,
    error::{Error, chain},
    output::{Format, table::Style},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show the share alone
    #[arg(long)]
    percent: bool,
    /// Parsers only
    #[arg(long)]
    parsers: bool,
    /// Scenarios only
    #[arg(long)]
    scenarios: bool,
}

/// Items by name, each with the tests that name it.
type Covered = BTreeMap<String, Vec<String>>;

pub(super) fn run(ctx: &Context, places: &Places, args: &Args) -> Result<(), Error> {
    human_or_json(ctx)?;
    let both = !args.parsers && !args.scenarios;
    let mut rows = Vec::new();
    for (wanted, word, folder) in [
        (args.parsers || both, "Parser", "parsers"),
        (args.scenarios || both, "Scenario", "scenarios"),
    ] {
        if wanted {
            let covered = covered(places, folder)?;
            show(ctx, args, word, folder, &covered, &mut rows)?;
        }
    }
    if ctx.out.format == Format::Json && !args.percent {
        return ctx.out.print_json(&rows, " ");
    }
    Ok(())
}

fn show(
    ctx: &Context,
    args: &Args,
    word: &str,
    folder: &str,
    covered: &Covered,
    rows: &mut Vec<serde_json::Value>,
) -> Result<(), Error> {
    let tested = covered.values().filter(|tests| !tests.is_empty()).count();
    let percent = (tested * 100).checked_div(covered.len()).unwrap_or(0);
    if args.percent {
        return ctx.out.print(&format!("{folder}={percent}%\n"));
    }
    if ctx.out.format == Format::Json {
        rows.extend(covered.iter().map(|(name, tests)| {
            let present: serde_json::Map<_, _> =
                tests.iter().map(|test| (test.clone(), true.into())).collect();
            serde_json::json!({"Name": name, "TestsCount": tests.len(), "PresentIn": present})
        }));
        return Ok(());
    }
    let mut table = ctx
        .out
        .table(Style::Plain)
        .header([word, "Status", "Number of tests"]);
    for (name, tests) in covered {
        let mark = if tests.is_empty() { "🔴" } else { "🟢" };
        let count = tests.len();
        table.row([
            name.clone(),
            mark.to_owned(),
            format!("{count} times (across {count} tests)"),
        ]);
    }
    ctx.out.print(&table.render())?;
    ctx.out.print(&format!(
        "\n{}    : {percent}% of coverage\n",
        folder.to_uppercase()
    ))
}

fn covered(places: &Places, folder: &str) -> Result<Covered, Error> {
    let mut covered = Covered::new();
    let mut files = Vec::new();
    walk(&places.hub.join(folder), &mut files);
    for file in files {
        if let Some(name) = item_name(&file) {
            covered.insert(name, Vec::new());
        }
    }
    for test in case::names(&places.hub).map_err(|error| Error::new(chain(&error)))? {
        let Ok(case) = Case::read(places, &test) else {
            continue;
        };
        let named = if folder == "parsers" {
            case.config.parsers
        } else {
            case.config.scenarios
        };
        for name in named {
            let name = item_name(Path::new(&name))
                .filter(|_| name.ends_with(".yaml"))
                .unwrap_or(name);
            if let Some(tests) = covered.get_mut(&name)
                && !tests.contains(&test)
            {
                tests.push(test.clone());
            }
        }
    }
    Ok(covered)
}

/// Returns `author/name` of an item's file.
fn item_name(file: &Path) -> Option<String> {
    let author = file.parent()?.file_name()?.to_str()?;
    Some(format!("{author}/{}", file.file_stem()?.to_str()?))
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
}
