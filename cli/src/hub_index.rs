//! `cscli hub`: the index, everything installed, upgrades.

use clap::Subcommand;
use hub::plan::Planner;
use hub::source::Origin;
use hub::{Hub, ItemType, apply};

use crate::context::Context;
use crate::error::Error;
use crate::installation::{self, PlanArgs};
use crate::items;
use crate::output::Format;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the branch the hub is read from
    Branch,
    /// List installed items of every type
    #[command(
        after_help = "Examples:\n  cscli hub list       # installed items\n  cscli hub list -a    # all items"
    )]
    List {
        /// Also items that are not installed
        #[arg(short, long)]
        all: bool,
    },
    /// Get the latest index
    ///
    /// The index comes from the folder in `HUB_DIR` when it is set, otherwise from the configured hub. When that
    /// cannot be reached and there is no index yet, the starter set compiled into this program is used.
    Update {
        /// Accepted for compatibility: embedded contents are used when the index has them
        #[arg(long)]
        with_content: bool,
    },
    /// Upgrade all installed items and their data files
    Upgrade(PlanArgs),
    /// List the types of items
    Types,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Branch) => ctx.out.print(&format!("{}\n", installation::branch(ctx)?)),
        Some(Command::List { all }) => list(ctx, all),
        Some(Command::Update { with_content: _ }) => update(ctx),
        Some(Command::Upgrade(args)) => upgrade(ctx, &args),
        Some(Command::Types) => types(ctx),
    }
}

fn update(ctx: &Context) -> Result<(), Error> {
    let index_path = &ctx.config()?.paths.index;
    ctx.out
        .print(&format!("Downloading {}\n", index_path.display()))?;
    let (origin, changed, problem) =
        installation::with_sources(ctx, |sources| Ok(apply::update_index(index_path, sources)?))?;
    if origin == Origin::Starter {
        let cause = problem.map_or_else(String::new, |problem| format!("{problem}; "));
        ctx.out.warn(&format!(
            "{cause}using the starter set of this program. Run 'cscli hub update' again when the hub can be \
             reached, or set HUB_DIR to a copy of it."
        ));
    }
    if changed {
        Ok(())
    } else {
        ctx.out.print("Nothing to do, the hub index is up to date.\n")
    }
}

fn upgrade(ctx: &Context, args: &PlanArgs) -> Result<(), Error> {
    let hub = installation::open(ctx)?;
    let mut planner = Planner::new(&hub);
    for kind in ItemType::ALL {
        for item in hub.installed_of_type(kind) {
            planner.upgrade(kind, &item.id.name, args.force)?;
        }
    }
    planner.refresh_data(args.force);
    installation::execute(ctx, &hub, &planner.finish(), args)
}

fn list(ctx: &Context, all: bool) -> Result<(), Error> {
    let hub = installation::open(ctx)?;
    if ctx.out.format == Format::Human || ctx.out.level >= crate::output::Level::Error {
        counts(ctx, &hub);
    }
    let lists: Vec<(ItemType, Vec<&hub::Item>)> = ItemType::ALL
        .into_iter()
        .map(|kind| {
            (
                kind,
                if all {
                    hub.of_type(kind)
                } else {
                    hub.installed_of_type(kind)
                },
            )
        })
        .collect();
    match ctx.out.format {
        Format::Json => ctx.out.print(&items::json(&lists)),
        Format::Raw => ctx.out.print(&items::raw(&lists, true)),
        Format::Human if lists.iter().all(|(_, items)| items.is_empty()) => {
            ctx.out.print("No items to display\n")
        }
        Format::Human => lists
            .iter()
            .filter(|(_, items)| !items.is_empty())
            .try_for_each(|(kind, items)| ctx.out.print(&items::table(&ctx.out, *kind, items))),
    }
}

fn counts(ctx: &Context, hub: &Hub) {
    let (by_type, local, tainted) = hub.counts();
    let texts: Vec<String> = by_type
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    if !texts.is_empty() {
        ctx.out.note(&format!("Loaded: {}", texts.join(", ")));
    }
    if local + tainted > 0 {
        ctx.out
            .note(&format!("Unmanaged items: {local} local, {tainted} tainted"));
    }
}

fn types(ctx: &Context) -> Result<(), Error> {
    let names = ItemType::ALL.map(ItemType::as_str);
    match ctx.out.format {
        Format::Human => names
            .iter()
            .try_for_each(|name| ctx.out.print(&format!("- {name}\n"))),
        Format::Raw => names
            .iter()
            .try_for_each(|name| ctx.out.print(&format!("{name}\n"))),
        Format::Json => ctx.out.print(&format!("{}\n", serde_json::json!(names))),
    }
}
