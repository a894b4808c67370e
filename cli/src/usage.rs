//! Turns the command line into arguments, and clap's refusals into what users of upstream's `cscli` know:
//! exit 1, `Error: <command>: <what>` on stderr, help on stdout where the shape of the command was wrong.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command as ClapCommand, CommandFactory as _, FromArgMatches as _};

use crate::args::Args;
use crate::help::{self, Help};
use crate::output::{print_failure, print_help};

/// A command line that can be run.
pub(crate) struct Parsed {
    /// The arguments.
    pub(crate) args: Args,
    /// `cscli machines add`: in front of errors.
    pub(crate) path: String,
    /// The help of the command.
    pub(crate) help: Help,
    /// The process's environment.
    pub(crate) env: BTreeMap<String, String>,
}

/// Parses, or says what is wrong and returns the exit code.
pub(crate) fn parse(args: &[OsString]) -> Result<Parsed, ExitCode> {
    let mut tree = command();
    let words: Vec<String> = args
        .iter()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let matches = tree
        .try_get_matches_from_mut(args.iter().cloned())
        .map_err(|error| refuse(&words, &error))?;
    let path = path_of_matches(&matches);
    if is_parent(&tree, &path) {
        print_help(&help::text(&mut tree, &path));
        return Err(ExitCode::SUCCESS);
    }
    let args = Args::from_arg_matches(&matches).map_err(|error| refuse(&words, &error))?;
    Ok(Parsed {
        args,
        path: path.join(" "),
        help: Help::new(command, path),
        env: crate::args::environment(),
    })
}

/// Returns the whole command tree. A flag given twice counts the last time, as in upstream's `cscli`.
pub(crate) fn command() -> ClapCommand {
    let mut command = last_wins(Args::command());
    command.build();
    command
}

fn last_wins(command: ClapCommand) -> ClapCommand {
    command.args_override_self(true).mut_subcommands(last_wins)
}

fn path_of_matches(matches: &clap::ArgMatches) -> Vec<String> {
    let mut path = vec!["cscli".to_owned()];
    let mut current = matches;
    while let Some((name, inner)) = current.subcommand() {
        path.push(name.to_owned());
        current = inner;
    }
    path
}

/// Follows the words of a refused command line down the tree; returns the path and the words that are left.
fn follow(command: &ClapCommand, words: &[String]) -> (Vec<String>, Vec<String>) {
    let mut path = vec!["cscli".to_owned()];
    let mut left = Vec::new();
    let mut current = command;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.starts_with('-') && word.len() > 1 {
            if takes_next(current, word) {
                words.next();
            }
        } else if word == "help" && left.is_empty() {
            // `cscli help machines` asks about `cscli machines`.
        } else if let Some(next) = current.find_subcommand(word).filter(|_| left.is_empty()) {
            path.push(next.get_name().to_owned());
            current = next;
        } else {
            left.push(word.clone());
        }
    }
    (path, left)
}

/// Returns whether the word after this flag is its value.
fn takes_next(command: &ClapCommand, flag: &str) -> bool {
    if flag.contains('=') {
        return false;
    }
    let argument = command
        .get_arguments()
        .find(|argument| match flag.strip_prefix("--") {
            Some(long) => argument.get_long() == Some(long),
            None => flag.len() == 2 && argument.get_short() == flag.chars().nth(1),
        });
    argument.is_some_and(|argument| argument.get_action().takes_values())
}

fn node<'a>(command: &'a ClapCommand, path: &[String]) -> Option<&'a ClapCommand> {
    path.iter()
        .skip(1)
        .try_fold(command, |current, name| current.find_subcommand(name))
}

/// A command whose only use is to hold others. `metrics` and `explain` do something themselves.
fn is_parent(command: &ClapCommand, path: &[String]) -> bool {
    node(command, path).is_some_and(|node| {
        node.get_subcommands().any(|sub| sub.get_name() != "help") && node.get_name() != "metrics"
    })
}

/// Works on a fresh tree: parsing leaves its own names in the one it used.
fn refuse(words: &[String], error: &clap::Error) -> ExitCode {
    let command = &mut command();
    let (path, left) = follow(command, words);
    let name = path.join(" ");
    let text = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            print_help(&help::text(command, &path));
            return ExitCode::SUCCESS;
        }
        ErrorKind::UnknownArgument => {
            let argument = context(error, ContextKind::InvalidArg);
            if let Some(short) = argument.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
                format!("unknown shorthand flag: '{short}' in {argument}")
            } else if argument.starts_with("--") {
                format!("unknown flag: {argument}")
            } else {
                print_help(&help::text(command, &path));
                arity(node(command, &path), &argument, &name, left.len())
            }
        }
        ErrorKind::InvalidSubcommand => {
            print_help(&help::text(command, &path));
            format!(
                "unknown command \"{}\" for \"{name}\"",
                context(error, ContextKind::InvalidSubcommand)
            )
        }
        ErrorKind::MissingRequiredArgument => {
            missing(command, &path, &context(error, ContextKind::InvalidArg))
        }
        ErrorKind::ValueValidation => {
            let value = context(error, ContextKind::InvalidValue);
            let flag = flag_name(node(command, &path), &context(error, ContextKind::InvalidArg));
            let cause = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
            format!("invalid argument \"{value}\" for \"{flag}\" flag: {cause}")
        }
        ErrorKind::InvalidValue => {
            let value = context(error, ContextKind::InvalidValue);
            if value.is_empty() {
                format!(
                    "flag needs an argument: {}",
                    context(error, ContextKind::InvalidArg)
                )
            } else {
                format!("invalid argument \"{value}\" for \"{name}\"")
            }
        }
        ErrorKind::ArgumentConflict => {
            let (one, other) = (
                context(error, ContextKind::InvalidArg),
                context(error, ContextKind::PriorArg),
            );
            format!("{one} cannot be used with {other}")
        }
        _ => error
            .to_string()
            .trim_start_matches("error: ")
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    print_failure(&format!("{name}: {text}"));
    ExitCode::FAILURE
}

/// A word too many: commands without positionals call it an unknown command, the others count.
fn arity(node: Option<&ClapCommand>, argument: &str, name: &str, received: usize) -> String {
    let accepted = node.map_or(0, |node| node.get_positionals().count());
    match node.and_then(|node| node.get_positionals().next()) {
        None => format!("unknown command \"{argument}\" for \"{name}\""),
        Some(first) if first.is_required_set() => format!("accepts {accepted} arg(s), received {received}"),
        Some(_) => format!("accepts at most {accepted} arg(s), received {received}"),
    }
}

fn missing(command: &mut ClapCommand, path: &[String], argument: &str) -> String {
    if let Some(flag) = argument.strip_prefix("--") {
        let flag = flag.split(' ').next().unwrap_or_default();
        return format!("required flag(s) \"{flag}\" not set");
    }
    print_help(&help::text(command, path));
    let positional = node(command, path).and_then(|node| node.get_positionals().next());
    let many = positional.is_some_and(|arg| arg.get_num_args().is_some_and(|range| range.max_values() > 1));
    if many {
        "requires at least 1 arg(s), only received 0".to_owned()
    } else {
        let count = node(command, path).map_or(1, |node| node.get_positionals().count());
        format!("accepts {count} arg(s), received 0")
    }
}

/// `-l, --limit` for `--limit <N>`.
fn flag_name(node: Option<&ClapCommand>, argument: &str) -> String {
    let long = argument.split_whitespace().next().unwrap_or_default();
    let name = long.trim_start_matches('-');
    let short = node
        .and_then(|node| node.get_arguments().find(|arg| arg.get_long() == Some(name)))
        .and_then(clap::Arg::get_short);
    short.map_or_else(|| long.to_owned(), |short| format!("-{short}, {long}"))
}

fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}
