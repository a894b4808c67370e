//! The verbs of `cscli hubtest`: list, info, run, eval, coverage, create, clean.

mod coverage;
mod create;
mod run;

use std::{fs, path::PathBuf};

use clap::Subcommand;

use super::{
    assertion::display,
    case::{self, Case, Places},
    replay::replay,
    results::Results,
};
use crate::{
    context::Context,
    error::{Error, chain},
    output::{Format, table::Style},
};

/// Runs, shows and makes tests of hub items.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Path to hub folder
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    hub: PathBuf,
    /// Accepted for upstream's scripts; the engine is built in
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    crowdsec: Option<PathBuf>,
    /// Accepted for upstream's scripts; the engine is built in
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    cscli: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the tests of the hub
    List,
    /// Show where the files of tests are
    Info(Names),
    /// Run tests and compare with their assertions
    Run(run::Args),
    /// Evaluate an expression on the parser results of tests
    Eval(Eval),
    /// Count the tests of each parser and scenario
    Coverage(coverage::Args),
    /// Make an empty test
    Create(create::Args),
    /// Remove what runs of upstream's cscli left behind
    Clean(Clean),
}

#[derive(Debug, clap::Args)]
struct Names {
    /// Names of tests
    #[arg(required = true, value_name = "TEST")]
    names: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Eval {
    #[command(flatten)]
    tests: Names,
    /// The expression; the variable is `results`
    #[arg(short, long = "expr", value_name = "EXPR", default_value = "results")]
    expression: String,
}

#[derive(Debug, clap::Args)]
struct Clean {
    /// Names of tests
    #[arg(value_name = "TEST")]
    names: Vec<String>,
    /// All tests
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    let hub = std::path::absolute(&args.hub).unwrap_or(args.hub);
    let data = ctx.env.get("HUB_DATA_DIR").map(PathBuf::from);
    let places = Places { hub, data };
    match args.verb {
        None => Ok(()),
        Some(Verb::List) => list(ctx, &places),
        Some(Verb::Info(names)) => info(ctx, &places, &names.names),
        Some(Verb::Run(args)) => run::run(ctx, &places, args),
        Some(Verb::Eval(args)) => eval(ctx, &places, &args),
        Some(Verb::Coverage(args)) => coverage::run(ctx, &places, &args),
        Some(Verb::Create(args)) => create::run(ctx, &places, &args),
        Some(Verb::Clean(args)) => clean(ctx, &places, args),
    }
}

/// Refuses the raw format, which upstream has not for tests.
fn human_or_json(ctx: &Context) -> Result<(), Error> {
    if ctx.out.format == Format::Raw {
        return Err(Error::new("only human/json output modes are supported"));
    }
    Ok(())
}

fn list(ctx: &Context, places: &Places) -> Result<(), Error> {
    human_or_json(ctx)?;
    let names = case::names(&places.hub).map_err(|error| Error::new(chain(&error)))?;
    if ctx.out.format == Format::Json {
        let rows: Vec<_> = names
            .iter()
            .map(|name| serde_json::json!({"Name": name, "Path": places.hub.join(".tests").join(name)}))
            .collect();
        return ctx.out.print_json(&rows, "  ");
    }
    let mut table = ctx.out.table(Style::Plain).header(["Name", "Path"]);
    for name in names {
        let path = places.hub.join(".tests").join(&name).display().to_string();
        table.row([name, path]);
    }
    ctx.out.print(&table.render())
}

fn info(ctx: &Context, places: &Places, names: &[String]) -> Result<(), Error> {
    for name in names {
        let dir = places.hub.join(".tests").join(name);
        let log = Case::read(places, name)
            .map(|case| case.config.log_file)
            .unwrap_or_default();
        let lines = [
            ("Test name", name.clone()),
            ("Test path", dir.display().to_string()),
            ("Log file", dir.join(log).display().to_string()),
            (
                "Parser assertion file",
                dir.join("parser.assert").display().to_string(),
            ),
            (
                "Scenario assertion file",
                dir.join("scenario.assert").display().to_string(),
            ),
            (
                "Configuration File",
                dir.join("config.yaml").display().to_string(),
            ),
        ];
        ctx.out.print(&facts(&lines))?;
    }
    Ok(())
}

/// Writes facts about a test as upstream does.
fn facts(lines: &[(&str, String)]) -> String {
    let lines = lines
        .iter()
        .map(|(name, value)| format!("  {name:<28}:  {value}\n"));
    format!("\n{}", lines.collect::<Vec<_>>().concat())
}

fn eval(ctx: &Context, places: &Places, args: &Eval) -> Result<(), Error> {
    for name in &args.tests.names {
        let case = Case::read(places, name).map_err(|error| Error::new(chain(&error)))?;
        let now = service::clock::now();
        let trace = replay(&case, places, now).map_err(|error| Error::new(chain(&error)))?;
        let mut results = Results::of_parsers(&trace, now);
        let value = results
            .eval(&args.expression)
            .map_err(|error| Error::new(chain(&error)))?;
        ctx.out.print(&format!("{}\n", display(&value).trim_end()))?;
    }
    Ok(())
}

fn clean(ctx: &Context, places: &Places, args: Clean) -> Result<(), Error> {
    let names = if args.all {
        case::names(&places.hub).map_err(|error| Error::new(chain(&error)))?
    } else {
        args.names
    };
    ctx.out.print("Cleaning test data...\n")?;
    for name in names {
        for folder in ["runtime", "results"] {
            let path = places.hub.join(".tests").join(&name).join(folder);
            if let Err(error) = fs::remove_dir_all(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(Error::new(format!(
                    "unable to remove '{}': {error}",
                    path.display()
                )));
            }
        }
    }
    Ok(())
}
