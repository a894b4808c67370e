//! `cscli simulation`: which scenarios only pretend, kept in `simulation.yaml`.

use std::path::PathBuf;

use clap::Subcommand;
use hub::ItemType;

use crate::alerts::yaml_scalar;
use crate::context::{Context, problems_text};
use crate::error::{Error, file};
use crate::installation;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate: decisions are stored, bouncers do not get them
    Enable(Change),
    /// Stop simulating
    Disable(Change),
    /// Show what is simulated
    Status,
}

#[derive(Debug, clap::Args)]
struct Change {
    /// Names of scenarios
    #[arg(num_args = 0.., value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// All scenarios, and none excepted
    #[arg(short, long)]
    global: bool,
}

/// The file as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    on: bool,
    /// In the order they were named, as upstream keeps them.
    exclusions: Vec<String>,
}

const RELOAD: &str = "\nRun 'sudo systemctl reload crowdsec' for the new configuration to be effective.\n";

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Status) => status(ctx),
        Some(Command::Enable(change)) => set(ctx, &change, true),
        Some(Command::Disable(change)) => set(ctx, &change, false),
    }
}

fn path(ctx: &Context) -> Result<PathBuf, Error> {
    Ok(ctx.config()?.paths.simulation.clone())
}

fn load(ctx: &Context) -> Result<State, Error> {
    let path = path(ctx)?;
    if !path.exists() {
        return Ok(State::default());
    }
    let loaded = config::load::simulation(&path).map_err(|problems| Error::new(problems_text(&problems)))?;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut exclusions: Vec<String> = loaded.exclusions.into_iter().collect();
    // The set has no order; the file's is where each name first stands.
    exclusions.sort_by_key(|name| text.find(name.as_str()));
    Ok(State {
        on: loaded.on,
        exclusions,
    })
}

fn status(ctx: &Context) -> Result<(), Error> {
    ctx.out.print(&status_text(&load(ctx)?))
}

fn status_text(state: &State) -> String {
    let mut text = format!(
        "global simulation: {}\n",
        if state.on { "enabled" } else { "disabled" }
    );
    if !state.exclusions.is_empty() {
        let not = if state.on { "not " } else { "" };
        text.extend(["\nScenarios ", not, "in simulation mode:\n"]);
        for name in &state.exclusions {
            text.extend(["  - ", name, "\n"]);
        }
    }
    text
}

fn set(ctx: &Context, change: &Change, on: bool) -> Result<(), Error> {
    let mut state = load(ctx)?;
    if !change.scenarios.is_empty() {
        for name in &change.scenarios {
            if on && !exists(ctx, name)? {
                let quoted = golang::strings::quote(name);
                ctx.out
                    .error(&format!("{quoted} does not exist or is not a scenario"));
                continue;
            }
            match switch(&mut state, name, on) {
                Ok(line) => ctx.out.print(&(line + "\n"))?,
                Err(line) => ctx.out.warn(&line),
            }
        }
        save(ctx, &state)?;
    } else if change.global {
        state = State {
            on,
            exclusions: Vec::new(),
        };
        save(ctx, &state)?;
        ctx.out.print(&status_text(&state))?;
    } else {
        ctx.help.print();
    }
    ctx.out.print(RELOAD)
}

/// Turns simulation of one scenario on or off: a scenario is excepted when it differs from the global state.
fn switch(state: &mut State, name: &str, on: bool) -> Result<String, String> {
    let quoted = golang::strings::quote(name);
    let position = state.exclusions.iter().position(|excluded| excluded == name);
    let is_on = state.on != position.is_some();
    if is_on == on {
        return if on {
            Ok(format!("simulation for {quoted} is already enabled"))
        } else {
            Err(format!("{name} isn't in simulation mode"))
        };
    }
    match position {
        Some(position) => {
            state.exclusions.remove(position);
        }
        None => state.exclusions.push(name.to_owned()),
    }
    Ok(format!(
        "simulation mode for {quoted} {}",
        if on { "enabled" } else { "disabled" }
    ))
}

fn exists(ctx: &Context, name: &str) -> Result<bool, Error> {
    let hub = installation::open(ctx)?;
    Ok(hub
        .find(ItemType::Scenarios, name)
        .is_ok_and(|item| item.state.is_installed()))
}

fn save(ctx: &Context, state: &State) -> Result<(), Error> {
    let path = path(ctx)?;
    hub::data::write_atomic(&path, yaml(state).as_bytes()).map_err(|error| {
        Error::new(format!(
            "cannot write simulation config: {}",
            file("open", &path, &error)
        ))
    })
}

fn yaml(state: &State) -> String {
    let mut text = format!("simulation: {}\n", state.on);
    if !state.exclusions.is_empty() {
        text.push_str("exclusions:\n");
        for name in &state.exclusions {
            text.extend(["    - ", &yaml_scalar(name), "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_the_opposite_of_the_global_state() {
        let mut state = State::default();
        assert_eq!(
            switch(&mut state, "a/b", true).unwrap(),
            "simulation mode for \"a/b\" enabled"
        );
        assert_eq!(
            switch(&mut state, "a/b", true).unwrap(),
            "simulation for \"a/b\" is already enabled"
        );
        assert_eq!(yaml(&state), "simulation: false\nexclusions:\n    - a/b\n");
        assert_eq!(
            status_text(&state),
            "global simulation: disabled\n\nScenarios in simulation mode:\n  - a/b\n"
        );
        assert_eq!(
            switch(&mut state, "x/y", false).unwrap_err(),
            "x/y isn't in simulation mode"
        );
        let mut state = State {
            on: true,
            exclusions: Vec::new(),
        };
        assert_eq!(
            switch(&mut state, "a/b", false).unwrap(),
            "simulation mode for \"a/b\" disabled"
        );
        assert_eq!(state.exclusions, ["a/b"]);
    }
}
