//! The hub of this installation: opened, its sources, and plans carried out.

use hub::plan::{Note, Plan};
use hub::source::{Fetch, FetchError, Sources};
use hub::{Hub, Paths, apply};

use crate::context::Context;
use crate::error::{Error, chain};
use crate::output::Format;

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

pub(crate) fn branch(ctx: &Context) -> Result<String, Error> {
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
            .wait(client::fetch::get(url, &crate::program::user_agent(), &limits))
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
