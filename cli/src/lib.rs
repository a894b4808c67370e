//! `cscli`: the administration tool, with upstream's verbs, flags and output shapes.
//!
//! One file a noun. A command is an ordinary function over a [`context::Context`]; only what it calls is
//! asynchronous. Machines, bouncers and flushes edit the database as upstream does; alerts and decisions go through
//! the Local API; hub content is files.

mod alerts;
mod args;
mod bouncers;
mod completion;
mod context;
mod decisions;
mod error;
mod explain;
mod global;
mod help;
mod hub_index;
pub mod hubtest;
mod installation;
mod items;
mod lapi_commands;
mod machines;
mod metrics;
mod output;
mod program;
mod settings;
mod simulation;
mod usage;
mod values;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::Command;
use crate::context::Context;
use crate::error::Error;

/// Runs `cscli` with `args` (the program's name first) and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = completion::answer(&args, usage::command) {
        return code;
    }
    let parsed = match usage::parse(&args) {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let path = parsed.path.clone();
    match run(parsed) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader went away (`cscli … | head`), which is nobody's mistake.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error @ Error::Configuration(_)) => {
            output::print_failure(&error.to_string());
            ExitCode::FAILURE
        }
        Err(error) => {
            output::print_failure(&format!("{path}: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(parsed: usage::Parsed) -> Result<(), Error> {
    let mut ctx = Context::new(&parsed.args.global, parsed.env, parsed.help)?;
    let Some(command) = parsed.args.command else {
        return Ok(());
    };
    ctx.check_config(command.is_free())?;
    match command {
        Command::Alerts(args) => alerts::run(&ctx, args),
        Command::Bouncers(args) => bouncers::run(&ctx, args),
        Command::Completion(args) => completion::run(&ctx, &args),
        Command::Config(args) => settings::run(&ctx, &args),
        Command::Decisions(args) => decisions::run(&ctx, args),
        Command::Explain(args) => explain::run(&ctx, &args),
        Command::Hub(args) => hub_index::run(&ctx, args),
        Command::Hubtest(args) => hubtest::command::run(&ctx, args),
        Command::Lapi(args) => lapi_commands::run(&ctx, args),
        Command::Machines(args) => machines::run(&ctx, args),
        Command::Metrics(args) => metrics::run(&ctx, args),
        Command::Simulation(args) => simulation::run(&ctx, args),
        Command::Version => version::run(&ctx),
        Command::Parsers(args) => items::run(&ctx, hub::ItemType::Parsers, args),
        Command::Postoverflows(args) => items::run(&ctx, hub::ItemType::Postoverflows, args),
        Command::Scenarios(args) => items::run(&ctx, hub::ItemType::Scenarios, args),
        Command::Contexts(args) => items::run(&ctx, hub::ItemType::Contexts, args),
        Command::Collections(args) => items::run(&ctx, hub::ItemType::Collections, args),
        Command::AppsecConfigs(args) => items::run(&ctx, hub::ItemType::AppsecConfigs, args),
        Command::AppsecRules(args) => items::run(&ctx, hub::ItemType::AppsecRules, args),
    }
}
