//! `cscli parsers|postoverflows|scenarios|contexts|collections|appsec-configs|appsec-rules`: one set of commands for
//! every type of hub item.

mod diff;
mod inspect;

use std::collections::BTreeMap;

use clap::Subcommand;
use hub::plan::{InstallOptions, PlanError, Planner, RemoveOptions};
use hub::{Item, ItemType};
use serde::Serialize;

use crate::context::Context;
use crate::error::Error;
use crate::installation::{self, PlanArgs};
use crate::output::table::Style;
use crate::output::{Format, Output, csv, json as json_output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install items from the hub with everything they need
    Install {
        /// Names, author/name
        #[arg(required = true, num_args = 1.., value_name = "ITEM")]
        items: Vec<String>,
        #[command(flatten)]
        plan: PlanArgs,
        /// Only download, do not enable
        #[arg(short, long)]
        download_only: bool,
        /// Go on with the others when one cannot be installed
        #[arg(long)]
        ignore: bool,
    },
    /// Remove installed items with the parts nothing else needs
    #[command(alias = "delete")]
    Remove {
        /// Names, author/name
        #[arg(num_args = 0.., value_name = "ITEM")]
        items: Vec<String>,
        #[command(flatten)]
        plan: PlanArgs,
        /// Also delete the downloaded files
        #[arg(long)]
        purge: bool,
        /// All of this type
        #[arg(long)]
        all: bool,
    },
    /// Upgrade installed items to their latest version
    Upgrade {
        /// Names, author/name
        #[arg(num_args = 0.., value_name = "ITEM")]
        items: Vec<String>,
        #[command(flatten)]
        plan: PlanArgs,
        /// All of this type
        #[arg(short, long)]
        all: bool,
    },
    /// Show what is known about items, installed or not
    Inspect {
        /// Names, author/name
        #[arg(required = true, num_args = 1.., value_name = "ITEM")]
        items: Vec<String>,
        #[command(flatten)]
        show: inspect::Show,
    },
    /// List installed items
    List {
        /// Only these
        #[arg(num_args = 0.., value_name = "ITEM")]
        items: Vec<String>,
        /// Also those that are not installed
        #[arg(short, long)]
        all: bool,
    },
}

pub(crate) fn run(ctx: &Context, kind: ItemType, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Install {
            items,
            plan,
            download_only,
            ignore,
        }) => install(
            ctx,
            kind,
            &items,
            &plan,
            InstallOptions {
                download_only,
                force: plan.force,
            },
            ignore,
        ),
        Some(Command::Remove {
            items,
            plan,
            purge,
            all,
        }) => remove(
            ctx,
            kind,
            &items,
            &plan,
            RemoveOptions {
                purge,
                force: plan.force,
            },
            all,
        ),
        Some(Command::Upgrade { items, plan, all }) => upgrade(ctx, kind, &items, &plan, all),
        Some(Command::Inspect { items, show }) => inspect::run(ctx, kind, &items, &show),
        Some(Command::List { items, all }) => list(ctx, kind, &items, all),
    }
}

fn install(
    ctx: &Context,
    kind: ItemType,
    names: &[String],
    plan: &PlanArgs,
    options: InstallOptions,
    ignore: bool,
) -> Result<(), Error> {
    let hub = installation::open(ctx)?;
    let mut planner = Planner::new(&hub);
    for name in names {
        match planner.install(kind, name, options) {
            Err(error) if ignore => ctx.out.error(&error.to_string()),
            result => result?,
        }
    }
    installation::execute(ctx, &hub, &planner.finish(), plan)
}

fn remove(
    ctx: &Context,
    kind: ItemType,
    names: &[String],
    plan: &PlanArgs,
    options: RemoveOptions,
    all: bool,
) -> Result<(), Error> {
    let hub = installation::open(ctx)?;
    let names: Vec<String> = if all {
        let installed = hub.of_type(kind).into_iter().filter(|item| {
            !item.state.local && (item.state.is_installed() || options.purge && item.state.is_downloaded())
        });
        installed.map(|item| item.id.name.clone()).collect()
    } else if names.is_empty() {
        return Err(Error::new(format!(
            "specify at least one {} to remove or '--all'",
            kind.singular()
        )));
    } else {
        names.to_vec()
    };
    let mut planner = Planner::new(&hub);
    for name in &names {
        let known = planner.remove(kind, name, options, all);
        known.map_err(without_suggestion)?;
    }
    installation::execute(ctx, &hub, &planner.finish(), plan)
}

fn upgrade(ctx: &Context, kind: ItemType, names: &[String], plan: &PlanArgs, all: bool) -> Result<(), Error> {
    let hub = installation::open(ctx)?;
    let mut planner = Planner::new(&hub);
    if all {
        for item in hub.installed_of_type(kind) {
            planner.upgrade(kind, &item.id.name, plan.force)?;
        }
    } else if names.is_empty() {
        return Err(Error::new(format!(
            "specify at least one {} to upgrade or '--all'",
            kind.singular()
        )));
    }
    for name in names {
        let item = hub.find(kind, name).map_err(without_suggestion)?;
        if !item.state.is_installed() {
            ctx.out.warn(&format!("{name} is not installed"));
            continue;
        }
        planner.upgrade(kind, name, plan.force)?;
    }
    installation::execute(ctx, &hub, &planner.finish(), plan)
}

/// Guessing helps who installs; who removes or upgrades sees the installed names with `list`.
fn without_suggestion(error: PlanError) -> Error {
    match error {
        PlanError::Unknown { kind, name, .. } => Error::new(format!("can't find '{name}' in {kind}")),
        other @ PlanError::Tainted(_) => other.into(),
    }
}

fn list(ctx: &Context, kind: ItemType, names: &[String], all: bool) -> Result<(), Error> {
    let hub = installation::open(ctx)?;
    let items: Vec<&Item> = if names.is_empty() {
        if all {
            hub.of_type(kind)
        } else {
            hub.installed_of_type(kind)
        }
    } else {
        let missing: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| hub.find(kind, name).is_err())
            .collect();
        if !missing.is_empty() {
            return Err(Error::new(format!(
                "item(s) '{}' not found in {kind}",
                missing.join(", ")
            )));
        }
        names
            .iter()
            .filter_map(|name| hub.find(kind, name).ok())
            .collect()
    };
    let lists = [(kind, items)];
    match ctx.out.format {
        Format::Json => ctx.out.print(&json(&lists)),
        Format::Raw => ctx.out.print(&raw(&lists, false)),
        Format::Human => lists
            .iter()
            .try_for_each(|(kind, items)| ctx.out.print(&table(&ctx.out, *kind, items))),
    }
}

/// One type's items as a table.
pub(crate) fn table(out: &Output, kind: ItemType, items: &[&Item]) -> String {
    let mut table = out
        .table(Style::Plain)
        .title(kind.as_str().to_uppercase())
        .header(["Name", "📦 Status", "Version", "Local Path"]);
    for item in items {
        table.row([
            item.id.name.clone(),
            format!("{}  {}", item.sign(), item.status()),
            item.version().to_owned(),
            item.state
                .local_path
                .as_ref()
                .map(|path| path.display().to_string())
                .unwrap_or_default(),
        ]);
    }
    table.render()
}

/// Items of several types for programs, without a line end as upstream's.
pub(crate) fn json(lists: &[(ItemType, Vec<&Item>)]) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        name: &'a str,
        local_version: &'a str,
        local_path: String,
        description: &'a str,
        utf8_status: String,
        status: String,
    }
    let rows = |items: &Vec<&Item>| -> Vec<serde_json::Value> {
        items
            .iter()
            .filter_map(|item| {
                serde_json::to_value(Row {
                    name: &item.id.name,
                    local_version: item.version(),
                    local_path: item
                        .state
                        .local_path
                        .as_ref()
                        .map(|path| path.display().to_string())
                        .unwrap_or_default(),
                    description: item.description(),
                    utf8_status: format!("{}  {}", item.sign(), item.status()),
                    status: item.status(),
                })
                .ok()
            })
            .collect()
    };
    let by_type: BTreeMap<&str, Vec<serde_json::Value>> = lists
        .iter()
        .map(|(kind, items)| (kind.as_str(), rows(items)))
        .collect();
    json_output::pretty(&by_type, " ")
}

/// Items of several types for `cut`; the type is a column where there can be several.
pub(crate) fn raw(lists: &[(ItemType, Vec<&Item>)], with_type: bool) -> String {
    let mut header = vec!["name", "status", "version", "description"];
    if with_type {
        header.push("type");
    }
    let mut text = csv::record(header);
    for (kind, items) in lists {
        for item in items {
            let status = item.status();
            let mut row = vec![item.id.name.as_str(), &status, item.version(), item.description()];
            if with_type {
                row.push(kind.as_str());
            }
            text.push_str(&csv::record(row));
        }
    }
    text
}
