//! `cscli alerts`: list, inspect, delete through the Local API; flush in the database.

mod inspect;
mod list;

use clap::Subcommand;
use golang::duration::Duration;

use crate::context::Context;
use crate::error::{Error, chain, client_text};

pub(crate) use inspect::scalar as yaml_scalar;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List alerts, newest first
    #[command(
        after_help = "Examples:\n  cscli alerts list\n  cscli alerts list --ip 1.2.3.4\n  \
        cscli alerts list --range 1.2.3.0/24\n  cscli alerts list --origin lists\n  \
        cscli alerts list -s crowdsecurity/ssh-bf\n  cscli alerts list --type ban"
    )]
    List(ListArgs),
    /// Show one or more alerts with their decisions and context
    #[command(after_help = "Examples:\n  cscli alerts inspect 123\n  cscli alerts inspect 123 124 --details")]
    Inspect {
        /// Ids of alerts
        #[arg(required = true, num_args = 1.., value_name = "ALERT_ID")]
        ids: Vec<String>,
        /// Also show the events
        #[arg(short, long)]
        details: bool,
    },
    /// Delete alerts with their decisions (from the Local API's machine or a trusted address)
    #[command(
        alias = "remove",
        after_help = "Examples:\n  cscli alerts delete --ip 1.2.3.4\n  cscli alerts delete --range 1.2.3.0/24\n  \
        cscli alerts delete -s crowdsecurity/ssh-bf"
    )]
    Delete(DeleteArgs),
    /// Delete old alerts from the database (on the machine of the Local API)
    #[command(after_help = "Example:\n  cscli alerts flush --max-items 1000 --max-age 7d")]
    Flush {
        /// Keep at most this many
        #[arg(long, default_value = "5000", value_parser = crate::values::integer, value_name = "N")]
        max_items: i64,
        /// Keep those younger than this
        #[arg(long, default_value = "7d", value_parser = crate::values::duration, value_name = "DURATION")]
        max_age: Duration,
    },
}

/// Which alerts; shared by `alerts list` and `decisions list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Include alerts and decisions of the Central API
    #[arg(short, long)]
    all: bool,
    /// Only those newer than this (4h, 30d)
    #[arg(long, value_parser = crate::values::duration, value_name = "DURATION")]
    since: Option<Duration>,
    /// Only those older than this (4h, 30d)
    #[arg(long, value_parser = crate::values::duration, value_name = "DURATION")]
    until: Option<Duration>,
    /// Only from this address (short for --scope ip --value <IP>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "IP")]
    ip: Option<String>,
    /// Only of this scenario (crowdsecurity/ssh-bf)
    #[arg(short, long, allow_hyphen_values = true, value_name = "NAME")]
    scenario: Option<String>,
    /// Only from this range (short for --scope range --value <RANGE>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "CIDR")]
    range: Option<String>,
    /// Only with decisions of this type (ban, captcha)
    #[arg(long = "type", allow_hyphen_values = true, value_name = "TYPE")]
    kind_of_decision: Option<String>,
    /// Only of this scope (ip, range)
    #[arg(long, allow_hyphen_values = true, value_name = "SCOPE")]
    scope: Option<String>,
    /// Only with this value
    #[arg(short, long, allow_hyphen_values = true, value_name = "VALUE")]
    value: Option<String>,
    /// Only of this origin (cscli, crowdsec, console, cscli-import, lists, CAPI)
    #[arg(long, allow_hyphen_values = true, value_name = "ORIGIN")]
    origin: Option<String>,
    /// Only of this kind (crowdsec, cscli, waf)
    #[arg(long, allow_hyphen_values = true, value_name = "KIND")]
    kind: Option<String>,
    /// Also those whose decisions lie inside the range
    #[arg(long)]
    contained: bool,
    /// Show the machine that raised each alert
    #[arg(short, long)]
    machine: bool,
    /// At most this many (0 for all)
    #[arg(short, long, default_value = "50", value_parser = crate::values::integer, value_name = "N",
          allow_hyphen_values = true)]
    limit: i64,
}

#[derive(Debug, clap::Args)]
struct DeleteArgs {
    /// Of this scope (ip, range)
    #[arg(long, allow_hyphen_values = true, value_name = "SCOPE")]
    scope: Option<String>,
    /// With this value
    #[arg(short, long, allow_hyphen_values = true, value_name = "VALUE")]
    value: Option<String>,
    /// Of this scenario
    #[arg(short, long, allow_hyphen_values = true, value_name = "NAME")]
    scenario: Option<String>,
    /// From this address (short for --scope ip --value <IP>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "IP")]
    ip: Option<String>,
    /// From this range (short for --scope range --value <RANGE>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "CIDR")]
    range: Option<String>,
    /// The one with this id
    #[arg(long, allow_hyphen_values = true, value_name = "ID")]
    id: Option<String>,
    /// All of them
    #[arg(short, long)]
    all: bool,
    /// Also those whose decisions lie inside the range
    #[arg(long)]
    contained: bool,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::List(args)) => list::run(ctx, &args),
        Some(Command::Inspect { ids, details }) => inspect::run(ctx, &ids, details),
        Some(Command::Delete(args)) => delete(ctx, &args),
        Some(Command::Flush { max_items, max_age }) => flush(ctx, max_items, max_age),
    }
}

fn delete(ctx: &Context, args: &DeleteArgs) -> Result<(), Error> {
    let mut query = Query::default();
    if !args.all {
        query.text("scope", args.scope.as_deref().map(wire::scope::normalise));
        query.text("value", args.value.as_deref());
        query.text("scenario", args.scenario.as_deref());
        query.address(args.ip.as_deref(), args.range.as_deref())?;
        if args.contained {
            query.push("contains", "false");
        }
        if query.is_empty() && args.id.is_none() {
            ctx.help.print();
            return Err(Error::new("at least one filter or --all must be specified"));
        }
    }
    let client = ctx.lapi()?;
    let count = match &args.id {
        Some(id) => {
            let id: i64 = id.parse().map_err(|_not_a_number| {
                let quoted = golang::strings::quote(id);
                Error::new(format!(
                    "id '{id}' is not an integer: strconv.Atoi: parsing {quoted}: invalid syntax"
                ))
            })?;
            ctx.wait(client.delete_alert(id))
        }
        None => ctx.wait(client.delete_alerts(&query.pairs())),
    };
    let count =
        count.map_err(|error| Error::new(format!("unable to delete alert: {}", client_text(&error))))?;
    ctx.out.info(&format!("{count} alert(s) deleted"));
    Ok(())
}

fn flush(ctx: &Context, max_items: i64, max_age: Duration) -> Result<(), Error> {
    let store = ctx.store()?;
    ctx.out.info("Flushing alerts. !! This may take a long time !!");
    let age = std::time::Duration::from_nanos(u64::try_from(max_age.0).unwrap_or(0));
    let count = u64::try_from(max_items).ok().filter(|count| *count > 0);
    ctx.wait(store.flush_alerts(count, Some(age)))
        .map_err(|error| Error::new(format!("unable to flush alerts: {}", chain(&error))))?;
    ctx.out.info("Alerts flushed");
    Ok(())
}

/// Parameters of a request, in the order given.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Adds a parameter.
    pub(crate) fn push(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    /// Adds a parameter that was given and is not empty.
    pub(crate) fn text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.push(name, value);
        }
    }

    /// Adds address and range after checking them.
    pub(crate) fn address(&mut self, ip: Option<&str>, range: Option<&str>) -> Result<(), Error> {
        check_address(ip, range)?;
        self.text("ip", ip);
        self.text("range", range);
        Ok(())
    }

    /// Returns whether there is no parameter.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the parameters as the client takes them.
    pub(crate) fn pairs(&self) -> Vec<(&str, String)> {
        self.0
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect()
    }
}

/// Refuses what is no address or no range.
pub(crate) fn check_address(ip: Option<&str>, range: Option<&str>) -> Result<(), Error> {
    if let Some(ip) = ip.filter(|ip| !ip.is_empty())
        && wire::range::parse_address(ip).is_none()
    {
        return Err(Error::new(format!("{ip} is not a valid ip")));
    }
    if let Some(range) = range.filter(|range| !range.is_empty())
        && (!range.contains('/') || wire::range::Range::parse(range).is_err())
    {
        return Err(Error::new(format!("{range} is not a valid range")));
    }
    Ok(())
}

/// Returns `number name` of an autonomous system, as upstream prints it.
pub(crate) fn as_text(source: Option<&wire::alert::Source>) -> String {
    let Some(source) = source else {
        return String::new();
    };
    let number = if source.as_number == "0" {
        ""
    } else {
        source.as_number.as_str()
    };
    if source.as_name.is_empty() {
        number.to_owned()
    } else {
        format!("{number} {}", source.as_name)
    }
}
