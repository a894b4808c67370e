//! `cscli decisions`: list, add, import and delete through the Local API.

mod add;
mod import;
mod list;

use clap::Subcommand;
use golang::duration::Duration;

use crate::alerts::Query;
use crate::context::Context;
use crate::error::{Error, client_text};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List active decisions
    #[command(
        after_help = "Examples:\n  cscli decisions list -i 1.2.3.4\n  cscli decisions list -r 1.2.3.0/24\n  \
        cscli decisions list -s crowdsecurity/ssh-bf\n  cscli decisions list --origin lists --scenario list_name"
    )]
    List(ListArgs),
    /// Add a decision by hand
    #[command(
        after_help = "Examples:\n  cscli decisions add --ip 1.2.3.4\n  cscli decisions add --range 1.2.3.0/24\n  \
        cscli decisions add --ip 1.2.3.4 --duration 24h --type captcha\n  \
        cscli decisions add --scope username --value foobar"
    )]
    Add(AddArgs),
    /// End decisions
    #[command(
        alias = "remove",
        after_help = "Examples:\n  cscli decisions delete -r 1.2.3.0/24\n  cscli decisions delete -i 1.2.3.4\n  \
        cscli decisions delete --id 42\n  cscli decisions delete --type captcha\n  \
        cscli decisions delete --origin lists --scenario list_name"
    )]
    Delete(DeleteArgs),
    /// Add many decisions from a file or standard input
    #[command(after_help = "Formats:\n  \
        csv     a header line and the columns value, duration, scope, reason, type; only value is required\n  \
        json    a list of objects with the same keys\n  values  one value a line\n\n\
        Examples:\n  cscli decisions import -i decisions.csv\n  \
        cscli decisions import -i - --format values --duration 24h < addresses.txt")]
    Import(ImportArgs),
}

#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command line that are each on or off"
)]
struct ListArgs {
    /// Include decisions of the Central API
    #[arg(short, long)]
    all: bool,
    /// Only of alerts newer than this (4h, 30d)
    #[arg(long, value_parser = crate::values::duration, value_name = "DURATION")]
    since: Option<Duration>,
    /// Only of alerts older than this (4h, 30d)
    #[arg(long, value_parser = crate::values::duration, value_name = "DURATION")]
    until: Option<Duration>,
    /// Only of this type (ban, captcha)
    #[arg(short = 't', long = "type", allow_hyphen_values = true, value_name = "TYPE")]
    kind: Option<String>,
    /// Only of this scope (ip, range, username)
    #[arg(long, allow_hyphen_values = true, value_name = "SCOPE")]
    scope: Option<String>,
    /// Only of this origin (cscli, crowdsec, console, cscli-import, lists, CAPI)
    #[arg(long, allow_hyphen_values = true, value_name = "ORIGIN")]
    origin: Option<String>,
    /// Only with this value
    #[arg(short, long, allow_hyphen_values = true, value_name = "VALUE")]
    value: Option<String>,
    /// Only of this scenario (crowdsecurity/ssh-bf)
    #[arg(short, long, allow_hyphen_values = true, value_name = "NAME")]
    scenario: Option<String>,
    /// Only for this address (short for --scope ip --value <IP>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "IP")]
    ip: Option<String>,
    /// Only for this range (short for --scope range --value <RANGE>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "CIDR")]
    range: Option<String>,
    /// Of at most this many alerts (0 for all)
    #[arg(short, long, default_value = "100", value_parser = crate::values::integer, value_name = "N",
          allow_hyphen_values = true)]
    limit: i64,
    /// Leave out decisions in simulation mode
    #[arg(long)]
    no_simu: bool,
    /// Show the machine that raised the alert
    #[arg(short, long)]
    machine: bool,
    /// Also decisions that lie inside the range
    #[arg(long)]
    contained: bool,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Address (short for --scope ip --value <IP>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "IP")]
    ip: Option<String>,
    /// Range (short for --scope range --value <RANGE>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "CIDR")]
    range: Option<String>,
    /// How long it holds (4h, 30m, 7d)
    #[arg(
        short,
        long,
        default_value = "4h",
        allow_hyphen_values = true,
        value_name = "DURATION"
    )]
    duration: String,
    /// Value within the scope
    #[arg(short, long, allow_hyphen_values = true, value_name = "VALUE")]
    value: Option<String>,
    /// Scope: ip, range, country, as, or one of your own
    #[arg(long, default_value = "Ip", allow_hyphen_values = true, value_name = "SCOPE")]
    scope: String,
    /// Why
    #[arg(short = 'R', long, allow_hyphen_values = true, value_name = "TEXT")]
    reason: Option<String>,
    /// What bouncers do (ban, captcha, throttle)
    #[arg(
        short = 't',
        long = "type",
        default_value = "ban",
        allow_hyphen_values = true,
        value_name = "TYPE"
    )]
    kind: String,
    /// Add it even when the value is on an allowlist
    #[arg(short = 'B', long)]
    bypass_allowlist: bool,
}

#[derive(Debug, clap::Args)]
struct DeleteArgs {
    /// For this address (short for --scope ip --value <IP>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "IP")]
    ip: Option<String>,
    /// For this range (short for --scope range --value <RANGE>)
    #[arg(short, long, allow_hyphen_values = true, value_name = "CIDR")]
    range: Option<String>,
    /// Of this type (ban, captcha)
    #[arg(short = 't', long = "type", allow_hyphen_values = true, value_name = "TYPE")]
    kind: Option<String>,
    /// With this value
    #[arg(short, long, allow_hyphen_values = true, value_name = "VALUE")]
    value: Option<String>,
    /// Of this scenario (crowdsecurity/ssh-bf)
    #[arg(short, long, allow_hyphen_values = true, value_name = "NAME")]
    scenario: Option<String>,
    /// Of this origin (cscli, crowdsec, console, cscli-import, lists, CAPI)
    #[arg(long, allow_hyphen_values = true, value_name = "ORIGIN")]
    origin: Option<String>,
    /// The one with this id
    #[arg(long, allow_hyphen_values = true, value_name = "ID")]
    id: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Also decisions that lie inside the range
    #[arg(long)]
    contained: bool,
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// File, or - for standard input
    #[arg(short, long, required = true, allow_hyphen_values = true, value_name = "FILE")]
    input: String,
    /// Duration of those that have none of their own
    #[arg(
        short,
        long,
        default_value = "4h",
        allow_hyphen_values = true,
        value_name = "DURATION"
    )]
    duration: String,
    /// Scope of those that have none of their own
    #[arg(long, default_value = "Ip", allow_hyphen_values = true, value_name = "SCOPE")]
    scope: String,
    /// Reason of those that have none of their own
    #[arg(
        short = 'R',
        long,
        default_value = "manual",
        allow_hyphen_values = true,
        value_name = "TEXT"
    )]
    reason: String,
    /// Type of those that have none of their own
    #[arg(
        short = 't',
        long = "type",
        default_value = "ban",
        allow_hyphen_values = true,
        value_name = "TYPE"
    )]
    kind: String,
    /// Send this many in one alert (0 for all in one)
    #[arg(long, default_value = "0", value_parser = crate::values::integer, value_name = "N")]
    batch: i64,
    /// Format: json, csv, values; by default from the file's name
    #[arg(long, default_value = "", hide_default_value = true, value_name = "FORMAT")]
    format: String,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::List(args)) => list::run(ctx, &args),
        Some(Command::Add(args)) => add::run(ctx, args),
        Some(Command::Delete(args)) => delete(ctx, &args),
        Some(Command::Import(args)) => import::run(ctx, &args),
    }
}

fn delete(ctx: &Context, args: &DeleteArgs) -> Result<(), Error> {
    let mut query = Query::default();
    if !args.all {
        query.text("type", args.kind.as_deref());
        query.text("value", args.value.as_deref());
        query.text("scenario", args.scenario.as_deref());
        query.text("origin", args.origin.as_deref());
        query.address(args.ip.as_deref(), args.range.as_deref())?;
        if query.is_empty() && args.id.is_none() {
            ctx.help.print();
            return Err(Error::new("at least one filter or --all must be specified"));
        }
        if args.contained {
            query.push("contains", "false");
        }
    }
    let id = args.id.as_ref().map(|id| {
        id.parse::<i64>().map_err(|_not_a_number| {
            let quoted = golang::strings::quote(id);
            Error::new(format!(
                "id '{id}' is not an integer: strconv.Atoi: parsing {quoted}: invalid syntax"
            ))
        })
    });
    let id = id.transpose()?;
    let client = ctx.lapi()?;
    let count = match id {
        Some(id) => ctx.wait(client.delete_decision(id)),
        None => ctx.wait(client.delete_decisions(&query.pairs())),
    };
    let count = count.map_err(|error| {
        let what = if id.is_some() {
            "unable to delete decision"
        } else {
            "unable to delete decisions"
        };
        Error::new(format!("{what}: {}", client_text(&error)))
    })?;
    ctx.out.info(&format!("{count} decision(s) deleted"));
    Ok(())
}
