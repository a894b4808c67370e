//! `cscli hubtest run`: verdicts on tests, several at a time.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{
    super::{
        assertion::{Failure, Outcome},
        case::{self, Case, Places},
        verdict::{self, Verdict},
    },
    human_or_json,
};
use crate::{
    context::Context,
    error::{Error, chain},
    output::{Format, table::Style},
};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of upstream's command")]
pub(super) struct Args {
    /// Names of tests
    #[arg(value_name = "TEST")]
    names: Vec<String>,
    /// Run all tests
    #[arg(long)]
    all: bool,
    /// Show the tests that passed too
    #[arg(long)]
    report_success: bool,
    /// How many tests run at once
    #[arg(long, value_name = "N")]
    max_jobs: Option<usize>,
    /// Accepted for upstream's scripts; a run leaves nothing behind
    #[arg(long, hide = true)]
    clean: bool,
    /// Accepted for upstream's scripts; a run leaves nothing behind
    #[arg(long, hide = true)]
    no_clean: bool,
}

/// The verdict on a test, or why there is none.
type Answer = Result<Verdict, String>;

pub(super) fn run(ctx: &Context, places: &Places, args: Args) -> Result<(), Error> {
    human_or_json(ctx)?;
    if args.names.is_empty() && !args.all {
        return Err(Error::new("please provide test to run or --all flag"));
    }
    let human = ctx.out.format == Format::Human;
    let jobs = args
        .max_jobs
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
        .max(1);
    let names = if args.all {
        ctx.out
            .print(&format!("Running all tests (max_jobs: {jobs})\n"))?;
        case::names(&places.hub).map_err(|error| Error::new(chain(&error)))?
    } else {
        args.names
    };
    if human {
        for name in &names {
            ctx.out.print(&format!("Running test '{name}'\n"))?;
        }
    }
    let answers = judge_all(places, &names, jobs);
    report(ctx, &names, answers, args.report_success)
}

/// Runs the tests on `jobs` threads and returns the answers in the order of `names`.
fn judge_all(places: &Places, names: &[String], jobs: usize) -> Vec<Answer> {
    let now = service::clock::now();
    let next = AtomicUsize::new(0);
    let mut answers: Vec<(usize, Answer)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.min(names.len()))
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(name) = names.get(index) else { return done };
                        done.push((index, judge(places, name, now)));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    });
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn judge(places: &Places, name: &str, now: jiff::Timestamp) -> Answer {
    let case = Case::read(places, name).map_err(|error| chain(&error))?;
    verdict::judge(&case, places, now).map_err(|error| chain(&error))
}

fn report(ctx: &Context, names: &[String], answers: Vec<Answer>, report_success: bool) -> Result<(), Error> {
    let human = ctx.out.format == Format::Human;
    let mut table = ctx
        .out
        .table(Style::Plain)
        .header(["Test", "Result", "Assertions"]);
    let (mut failed, mut passed) = (Vec::new(), Vec::new());
    for (name, answer) in names.iter().zip(answers) {
        let verdict = match answer {
            Ok(verdict) => verdict,
            Err(reason) if names.len() == 1 => return Err(Error::new(reason)),
            // Upstream ends the whole run here; the verdicts on the other tests are worth more than that.
            Err(reason) => {
                ctx.out.error(&format!("Test '{name}' has no verdict: {reason}"));
                failed.push(name.clone());
                table.row([name.clone(), "❌".to_owned(), "0".to_owned()]);
                continue;
            }
        };
        if !verdict.empty.is_empty() {
            return Err(fill(ctx, name, &verdict)?);
        }
        let (mark, list) = if verdict.passed() {
            ("✅", &mut passed)
        } else {
            ("❌", &mut failed)
        };
        list.push(name.clone());
        if human {
            explain(ctx, "Parser", name, verdict.parsers.as_ref())?;
            explain(ctx, "Scenario", name, verdict.scenarios.as_ref())?;
            if report_success || !verdict.passed() {
                table.row([name.clone(), mark.to_owned(), verdict.count().to_string()]);
            }
        }
    }
    if !human {
        ctx.out.print(&format!(
            "{}\n",
            serde_json::json!({"fail": failed, "success": passed})
        ))?;
    } else if failed.is_empty() && !report_success {
        ctx.out
            .print("All tests passed, use --report-success for more details.\n")?;
    } else {
        ctx.out.print(&table.render())?;
        if !failed.is_empty() && names.len() > 1 {
            ctx.out
                .info(&format!("{} of {} tests passed", passed.len(), names.len()));
        }
    }
    match (failed.is_empty(), report_success) {
        (true, _) => Ok(()),
        (false, true) => Err(Error::new("some tests failed")),
        (false, false) => Err(Error::new(
            "some tests failed, use --report-success to show them all",
        )),
    }
}

/// Writes the assertions that an empty file is to be filled with, and makes the file if it is not there.
fn fill(ctx: &Context, name: &str, verdict: &Verdict) -> Result<Error, Error> {
    for (file, assertions) in &verdict.empty {
        if !file.exists() {
            fs::write(file, "")
                .map_err(|error| Error::new(format!("unable to create '{}': {error}", file.display())))?;
        }
        ctx.out.warn(&format!(
            "Assert file '{}' is empty, generating assertion:",
            file.display()
        ));
        ctx.out.print(&format!("\n{assertions}\n"))?;
    }
    Ok(Error::new(format!(
        "please fill your assert file(s) for test '{name}', exiting"
    )))
}

/// Shows what was false, and what is the case instead.
fn explain(ctx: &Context, kind: &str, name: &str, outcome: Option<&Outcome>) -> Result<(), Error> {
    let Some(outcome) = outcome else { return Ok(()) };
    for failure in &outcome.forgiven {
        ctx.out.info(&format!(
            "Not enforced (L.{}): '{}'",
            failure.line, failure.assertion
        ));
    }
    if outcome.passed() {
        return Ok(());
    }
    ctx.out.error(&format!(
        "{kind} test '{name}' failed ({} errors)\n",
        outcome.failures.len()
    ));
    let lines: Vec<String> = outcome.failures.iter().map(lines).collect();
    ctx.out.print(&format!("\n{}", lines.concat()))
}

fn lines(failure: &Failure) -> String {
    let actual = failure
        .actual
        .as_ref()
        .map(|(side, value)| format!("            {side} = '{}'\n", value.trim_end()));
    format!(
        "(L.{})  🔴  => {}\n        Actual expression values:\n{}\n",
        failure.line,
        failure.assertion,
        actual.unwrap_or_default()
    )
}
