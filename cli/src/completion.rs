//! `cscli completion`: scripts for shells, and the hidden `__complete` they (and upstream's scripts) call.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::context::Context;
use crate::error::Error;
use crate::output::print_help;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  source <(cscli completion bash)\n  \
    cscli completion bash > /etc/bash_completion.d/cscli\n  \
    cscli completion zsh > \"${fpath[1]}/_cscli\"\n  \
    cscli completion fish > ~/.config/fish/completions/cscli.fish\n  \
    cscli completion powershell | Out-String | Invoke-Expression")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "powershell", "fish"])]
    shell: String,
}

pub(crate) fn run(ctx: &Context, args: &Args) -> Result<(), Error> {
    let shell = match args.shell.as_str() {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut ctx.help.tree(), "cscli", &mut script);
    ctx.out.print(&String::from_utf8_lossy(&script))
}

/// Answers `cscli __complete WORD…`: the words that can stand where the last one is, and cobra's directive line.
pub(crate) fn answer(args: &[OsString], tree: fn() -> Command) -> Option<ExitCode> {
    let words: Vec<String> = args
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let [_, verb, before @ .., last] = words.as_slice() else {
        return None;
    };
    if verb != "__complete" && verb != "__completeNoDesc" {
        return None;
    }
    let lines = candidates(&tree(), before, last);
    // 4 is cobra's "do not offer files".
    print_help(format!("{}\n:4", lines.join("\n")).trim_start());
    Some(ExitCode::SUCCESS)
}

fn candidates(root: &Command, before: &[String], last: &str) -> Vec<String> {
    let mut current = root;
    for word in before.iter().filter(|word| !word.starts_with('-')) {
        if let Some(next) = current.find_subcommand(word) {
            current = next;
        }
    }
    let about = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
    if last.starts_with('-') {
        let flags = current
            .get_arguments()
            .chain(root.get_arguments())
            .filter(|arg| !arg.is_hide_set());
        let mut lines: Vec<String> = flags
            .filter_map(|arg| {
                let name = format!("--{}", arg.get_long()?);
                name.starts_with(last)
                    .then(|| format!("{name}\t{}", about(arg.get_help())))
            })
            .collect();
        lines.sort();
        lines.dedup();
        return lines;
    }
    current
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name().starts_with(last))
        .map(|command| format!("{}\t{}", command.get_name(), about(command.get_about())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(before: &[&str], last: &str) -> Vec<String> {
        let before: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        candidates(&crate::usage::command(), &before, last)
            .iter()
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn subcommands_and_flags_are_offered_by_their_beginning() {
        assert_eq!(names(&["machine"], "p"), ["prune"]);
        assert_eq!(names(&["decisions", "list"], "--li"), ["--limit"]);
        assert_eq!(names(&[], "par"), ["parsers"]);
    }
}
