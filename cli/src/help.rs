//! The help of a command.

use clap::Command;

use crate::output::print_help;

/// The help of the command that runs.
pub(crate) struct Help {
    tree: fn() -> Command,
    path: Vec<String>,
}

impl Help {
    /// Takes what makes the whole command tree, and the words from `cscli` down to the command.
    pub(crate) fn new(tree: fn() -> Command, path: Vec<String>) -> Self {
        Self { tree, path }
    }

    /// Returns the whole command tree.
    pub(crate) fn tree(&self) -> Command {
        (self.tree)()
    }

    /// Writes the help on stdout.
    pub(crate) fn print(&self) {
        print_help(&text(&mut self.tree(), &self.path));
    }
}

/// One line a flag, and the long description where there is one.
pub(crate) fn text(command: &mut Command, path: &[String]) -> String {
    let mut current = command;
    for name in path.iter().skip(1) {
        match current.find_subcommand_mut(name) {
            Some(next) => current = next,
            None => return String::new(),
        }
    }
    let mut shown = current.clone();
    if let Some(long) = current.get_long_about() {
        shown = shown.about(long.clone());
    }
    shown.render_help().to_string()
}
