//! `cscli hub`: the index, everything installed, upgrades. Also what the item commands share with it.

use clap::Subcommand;
use hub::plan::{Note, Plan, Planner};
use hub::source::{Fetch, FetchError, Origin, Sources};
use hub::{Hub, ItemType, Paths, apply};

use crate::context::Context;
use crate::error::{Error, chain};
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

/// How a plan is shown and carried out.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Ask before doing anything, when a person is there to answer
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Only show what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Overwrite changed files, get data files again
    #[arg(long)]
    pub(crate) force: bool,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Branch) => ctx.out.print(&format!("{}\n", branch(ctx)?)),
        Some(Command::List { all }) => list(ctx, all),
        Some(Command::Update { with_content: _ }) => update(ctx),
        Some(Command::Upgrade(args)) => upgrade(ctx, &args),
        Some(Command::Types) => types(ctx),
    }
}

/// Opens the hub and passes on what its scan noticed.
pub(crate) fn open(ctx: &Context) -> Result<Hub, Error> {
    let hub = Hub::open(paths(ctx)?)?;
    for warning in &hub.warnings {
        ctx.out.warn(warning);
    }
    Ok(hub)
}

fn paths(ctx: &Context) -> Result<Paths, Error> {
    let paths = &ctx.config()?.paths;
    Ok(Paths {
        hub_dir: paths.hub_dir.clone(),
        index_path: paths.index.clone(),
        install_dir: paths.config_dir.clone(),
        data_dir: paths.data_dir.clone(),
    })
}

fn branch(ctx: &Context) -> Result<String, Error> {
    let configured = &ctx.config()?.cscli.hub_branch;
    let branch = ctx.branch.as_ref().unwrap_or(configured);
    Ok(if branch.is_empty() {
        "master".to_owned()
    } else {
        branch.clone()
    })
}

/// The network, by the client every other request uses too.
struct Remote<'a>(&'a Context);

impl Fetch for Remote<'_> {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let limits = client::transport::Limits {
            connect: std::time::Duration::from_secs(10),
            total: std::time::Duration::from_mins(10),
            answer: hub::source::MAX_BYTES,
        };
        self.0
            .wait(client::fetch::get(url, &crate::version::user_agent(), &limits))
            .map_err(|error| {
                let url = url.to_owned();
                match error.status().map(|status| status.as_u16()) {
                    Some(404) => FetchError::NotFound { url },
                    Some(code) => FetchError::Status { url, code },
                    None => FetchError::Unreachable {
                        url,
                        cause: chain(&error),
                    },
                }
            })
    }
}

/// Calls `work` with the sources of this run: `HUB_DIR`, the configured hub, `HUB_DATA_DIR`.
pub(crate) fn with_sources<T>(
    ctx: &Context,
    work: impl FnOnce(&Sources<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let remote = Remote(ctx);
    let mut sources = Sources::new(&ctx.config()?.cscli.hub_url_template, &branch(ctx)?, &remote);
    if let Some(folder) = ctx.env.get("HUB_DIR").filter(|folder| !folder.is_empty()) {
        sources.folder = Some(folder.into());
    }
    sources.data_folder = ctx
        .env
        .get("HUB_DATA_DIR")
        .filter(|folder| !folder.is_empty())
        .map(Into::into);
    work(&sources)
}

fn update(ctx: &Context) -> Result<(), Error> {
    let index_path = &ctx.config()?.paths.index;
    ctx.out
        .print(&format!("Downloading {}\n", index_path.display()))?;
    let (origin, changed, problem) =
        with_sources(ctx, |sources| Ok(apply::update_index(index_path, sources)?))?;
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
    let hub = open(ctx)?;
    let mut planner = Planner::new(&hub);
    for kind in ItemType::ALL {
        for item in hub.installed_of_type(kind) {
            planner.upgrade(kind, &item.id.name, args.force)?;
        }
    }
    planner.refresh_data(args.force);
    execute(ctx, &hub, &planner.finish(), args)
}

fn list(ctx: &Context, all: bool) -> Result<(), Error> {
    let hub = open(ctx)?;
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

/// Shows a plan, asks if told to, and carries it out.
pub(crate) fn execute(ctx: &Context, hub: &Hub, plan: &Plan, args: &PlanArgs) -> Result<(), Error> {
    for note in &plan.notes {
        match note {
            Note::Info(text) => ctx.out.info(text),
            Note::Warning(text) => ctx.out.warn(text),
        }
    }
    if plan.actions.is_empty() {
        return ctx.out.print("Nothing to install or remove.\n");
    }
    let description = if ctx.out.format == Format::Raw {
        plan.verbose()
    } else {
        plan.compact()
    };
    ctx.out.print(&format!("Action plan:\n{description}\n"))?;
    if args.dry_run {
        return ctx.out.print("Dry run, no action taken.\n");
    }
    if args.interactive && !crate::machines::ask(ctx, "Do you want to continue?", true)? {
        return ctx.out.print("Nothing was changed.\n");
    }
    let mut failed = None;
    with_sources(ctx, |sources| {
        let mut tell = |line: &str| {
            if let Err(error) = ctx.out.print(&format!("{line}\n")) {
                failed.get_or_insert(error);
            }
        };
        apply::apply(hub, plan, sources, &mut tell)?;
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if plan.needs_reload() {
        ctx.out
            .print("\nRun 'sudo systemctl reload crowdsec' for the new configuration to be effective.\n")?;
    }
    Ok(())
}
