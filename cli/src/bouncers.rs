//! `cscli bouncers`: who may pull decisions; rows of the database.

use clap::Subcommand;
use golang::duration::Duration;
use golang::time::Time;
use jiff::Timestamp;
use lapi::store::bouncers::{BouncerRow, generate_key};
use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, chain};
use crate::machines::{self, ask};
use crate::output::table::Style;
use crate::output::{Format, Output, csv};

#[derive(Debug, clap::Args)]
#[command(
    long_about = "Registers, lists and removes bouncers, the programs that enforce decisions.\n\
    These commands open the database, so they run on the machine of the Local API."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a bouncer and print its API key
    #[command(after_help = "Examples:\n  cscli bouncers add MyBouncerName\n  \
        cscli bouncers add MyBouncerName --key <random-key>")]
    Add {
        /// Name of the bouncer
        name: String,
        /// Use this API key instead of a random one
        #[arg(
            short,
            long,
            default_value = "",
            hide_default_value = true,
            allow_hyphen_values = true
        )]
        key: String,
        /// Accepted for compatibility
        #[arg(short, long, hide = true)]
        length: Option<u32>,
    },
    /// Remove bouncers
    #[command(
        alias = "remove",
        after_help = "Example:\n  cscli bouncers delete \"bouncer1\" \"bouncer2\""
    )]
    Delete {
        /// Names of bouncers
        #[arg(required = true, num_args = 1.., value_name = "NAME")]
        names: Vec<String>,
        /// Say nothing about those that do not exist
        #[arg(long)]
        ignore_missing: bool,
    },
    /// Show one bouncer
    Inspect {
        /// Name of the bouncer
        name: String,
    },
    /// List bouncers
    List,
    /// Remove bouncers that have not pulled for a while
    #[command(after_help = "Examples:\n  cscli bouncers prune -d 45m\n  cscli bouncers prune -d 45m --force")]
    Prune {
        /// Time since the last pull
        #[arg(short, long, default_value = "60m", value_parser = crate::values::duration, value_name = "DURATION")]
        duration: Duration,
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Add { name, key, length: _ }) => add(ctx, &name, key),
        Some(Command::Delete {
            names,
            ignore_missing,
        }) => delete(ctx, &names, ignore_missing),
        Some(Command::Inspect { name }) => inspect(ctx, &name),
        Some(Command::List) => {
            let rows = all(ctx)?;
            print(&ctx.out, &rows)
        }
        Some(Command::Prune { duration, force }) => prune(ctx, duration, force),
    }
}

fn all(ctx: &Context) -> Result<Vec<BouncerRow>, Error> {
    let store = ctx.store()?;
    ctx.wait(store.bouncers())
        .map_err(|error| Error::new(format!("unable to list bouncers: {}", chain(&error))))
}

fn add(ctx: &Context, name: &str, key: String) -> Result<(), Error> {
    let store = ctx.store()?;
    let key = if key.is_empty() { generate_key() } else { key };
    let existing = ctx
        .wait(store.bouncer(name))
        .map_err(|error| Error::new(chain(&error)))?;
    if existing.is_some() {
        return Err(Error::new(format!(
            "unable to create bouncer: bouncer {name} already exists"
        )));
    }
    ctx.wait(store.add_bouncer(name, &key))
        .map_err(|error| Error::new(format!("unable to create bouncer: {}", chain(&error))))?;
    match ctx.out.format {
        Format::Raw => ctx.out.print(&key),
        Format::Json => ctx.out.print(&golang::json::quote(&key)),
        Format::Human => ctx.out.print(&format!(
            "API key for '{name}':\n\n   {key}\n\n\
             Please keep this key since you will not be able to retrieve it!\n"
        )),
    }
}

fn delete(ctx: &Context, names: &[String], ignore_missing: bool) -> Result<(), Error> {
    let store = ctx.store()?;
    for name in names {
        let row = ctx
            .wait(store.bouncer(name))
            .map_err(|error| Error::new(chain(&error)))?;
        match row {
            None if ignore_missing => continue,
            None => {
                return Err(Error::new(format!(
                    "unable to delete bouncer {name}: ent: bouncer not found"
                )));
            }
            Some(row) if row.auto_created && row.auth_type == "api-key" => {
                let parent = name.rsplit_once('@').map_or(name.as_str(), |(parent, _)| parent);
                ctx.out.warn(&format!(
                    "bouncer '{name}' is auto-created and cannot be deleted, delete parent bouncer {parent} instead"
                ));
                continue;
            }
            Some(_) => {}
        }
        ctx.wait(store.delete_bouncer(name))
            .map_err(|error| Error::new(format!("unable to delete bouncer {name}: {}", chain(&error))))?;
        ctx.out.info(&format!("bouncer '{name}' deleted successfully"));
    }
    Ok(())
}

fn prune(ctx: &Context, duration: Duration, force: bool) -> Result<(), Error> {
    const SHORT: i64 = 120_000_000_000;
    if duration.0 < SHORT
        && !ask(
            ctx,
            "The duration you provided is less than 2 minutes. This may remove active bouncers. Continue?",
            false,
        )?
    {
        return ctx.out.print("User aborted prune. No changes were made.\n");
    }
    let before = machines::ago(service::clock::now(), duration);
    let mut rows = all(ctx)?;
    rows.retain(|row| row.last_pull.is_some_and(|pull| pull <= before));
    if rows.is_empty() {
        return ctx.out.print("No bouncers to prune.\n");
    }
    ctx.out.print(&table(&ctx.out, &rows))?;
    if !force
        && !ask(
            ctx,
            "You are about to PERMANENTLY remove the above bouncers from the database. \
             These will NOT be recoverable. Continue?",
            false,
        )?
    {
        return ctx.out.print("User aborted prune. No changes were made.\n");
    }
    let store = ctx.store()?;
    let gone = ctx
        .wait(store.prune_bouncers(before))
        .map_err(|error| Error::new(format!("unable to prune bouncers: {}", chain(&error))))?;
    ctx.out
        .note(&format!("successfully deleted {} bouncers", gone.len()));
    Ok(())
}

fn print(out: &Output, rows: &[BouncerRow]) -> Result<(), Error> {
    match out.format {
        Format::Human => out.print(&table(out, rows)),
        Format::Json => out.print_json(&rows.iter().map(Json::from).collect::<Vec<_>>(), "  "),
        Format::Raw => out.print(&raw(rows)),
    }
}

fn table(out: &Output, rows: &[BouncerRow]) -> String {
    let header = [
        "Name",
        "IP Address",
        "Valid",
        "Last API pull",
        "Type",
        "Version",
        "Auth Type",
    ];
    let mut table = out.table(Style::Plain).header(header);
    for row in rows {
        table.row([
            row.name.clone(),
            row.ip_address.clone(),
            if row.revoked { "🚫" } else { "✔️" }.to_owned(),
            row.last_pull.map(seconds).unwrap_or_default(),
            row.kind.clone(),
            row.version.clone(),
            row.auth_type.clone(),
        ]);
    }
    table.render()
}

fn raw(rows: &[BouncerRow]) -> String {
    let mut text = csv::record([
        "name",
        "ip",
        "revoked",
        "last_pull",
        "type",
        "version",
        "auth_type",
    ]);
    for row in rows {
        let state = if row.revoked { "pending" } else { "validated" };
        text.push_str(&csv::record([
            row.name.as_str(),
            &row.ip_address,
            state,
            &row.last_pull.map(seconds).unwrap_or_default(),
            &row.kind,
            &row.version,
            &row.auth_type,
        ]));
    }
    text
}

#[derive(Serialize)]
struct Json<'a> {
    created_at: Option<String>,
    updated_at: Option<String>,
    name: &'a str,
    revoked: bool,
    ip_address: &'a str,
    r#type: &'a str,
    version: &'a str,
    last_pull: Option<String>,
    auth_type: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    os: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    featureflags: Vec<&'a str>,
    auto_created: bool,
}

impl<'a> From<&'a BouncerRow> for Json<'a> {
    fn from(row: &'a BouncerRow) -> Self {
        Self {
            created_at: row.created_at.map(nanos),
            updated_at: row.updated_at.map(nanos),
            name: &row.name,
            revoked: row.revoked,
            ip_address: &row.ip_address,
            r#type: &row.kind,
            version: &row.version,
            last_pull: row.last_pull.map(nanos),
            auth_type: &row.auth_type,
            os: machines::system(&row.os_name, &row.os_version),
            featureflags: row
                .feature_flags
                .split(',')
                .filter(|flag| !flag.is_empty())
                .collect(),
            auto_created: row.auto_created,
        }
    }
}

fn inspect(ctx: &Context, name: &str) -> Result<(), Error> {
    let store = ctx.store()?;
    let row = ctx
        .wait(store.bouncer(name))
        .map_err(|error| Error::new(format!("unable to read bouncer data '{name}': {}", chain(&error))))?
        .ok_or_else(|| {
            Error::new(format!(
                "unable to read bouncer data '{name}': ent: bouncer not found"
            ))
        })?;
    match ctx.out.format {
        Format::Raw => Err(Error::Format("raw")),
        Format::Json => ctx.out.print_json(&Json::from(&row), "  "),
        Format::Human => ctx
            .out
            .print(inspect_table(&ctx.out, &row).trim_end_matches('\n')),
    }
}

fn inspect_table(out: &Output, row: &BouncerRow) -> String {
    let time = |at: Option<Timestamp>| {
        at.map_or_else(
            || "<nil>".to_owned(),
            |at| Time::from_timestamp(at).to_go_string(),
        )
    };
    let mut table = out.table(Style::Plain).title(format!("Bouncer: {}", row.name));
    table.row(["Created At".to_owned(), time(row.created_at)]);
    table.row(["Last Update".to_owned(), time(row.updated_at)]);
    table.row(["Revoked?".to_owned(), row.revoked.to_string()]);
    table.row(["IP Address".to_owned(), row.ip_address.clone()]);
    table.row(["Type".to_owned(), row.kind.clone()]);
    table.row(["Version".to_owned(), row.version.clone()]);
    table.row(["Last Pull".to_owned(), time(row.last_pull)]);
    table.row(["Auth type".to_owned(), row.auth_type.clone()]);
    table.row(["OS".to_owned(), machines::system(&row.os_name, &row.os_version)]);
    table.row(["Auto Created".to_owned(), row.auto_created.to_string()]);
    for flag in row.feature_flags.split(',').filter(|flag| !flag.is_empty()) {
        table.row(["Feature Flags", flag]);
    }
    table.render()
}

fn seconds(at: Timestamp) -> String {
    Time::from_timestamp(at).rfc3339()
}

fn nanos(at: Timestamp) -> String {
    Time::from_timestamp(at).rfc3339_nano()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Level;

    fn rows() -> Vec<BouncerRow> {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        vec![
            BouncerRow {
                name: "b1".into(),
                ip_address: "127.0.0.1".into(),
                kind: "crowdsec-firewall-bouncer".into(),
                version: "v0.0.34".into(),
                auth_type: "api-key".into(),
                created_at: at("2026-11-24T23:37:59.954451912Z"),
                updated_at: at("2026-11-24T23:38:00.579740101Z"),
                last_pull: at("2026-11-24T23:38:00.513234301Z"),
                os_name: "debian".into(),
                os_version: "12".into(),
                ..BouncerRow::default()
            },
            BouncerRow {
                name: "b2".into(),
                auth_type: "api-key".into(),
                ..BouncerRow::default()
            },
        ]
    }

    fn out() -> Output {
        Output {
            format: Format::Human,
            level: Level::Info,
            color: false,
        }
    }

    #[test]
    fn the_list_is_a_plain_table() {
        insta::assert_snapshot!(table(&out(), &rows()), @r"
        ----------------------------------------------------------------------------------------------
         Name  IP Address  Valid  Last API pull         Type                       Version  Auth Type 
        ----------------------------------------------------------------------------------------------
         b1    127.0.0.1   ✔️      2026-11-24T23:38:00Z  crowdsec-firewall-bouncer  v0.0.34  api-key   
         b2                ✔️                                                                api-key   
        ----------------------------------------------------------------------------------------------
        ");
    }

    #[test]
    fn raw_and_json_have_upstreams_names() {
        insta::assert_snapshot!(raw(&rows()), @r"
        name,ip,revoked,last_pull,type,version,auth_type
        b1,127.0.0.1,validated,2026-11-24T23:38:00Z,crowdsec-firewall-bouncer,v0.0.34,api-key
        b2,,validated,,,,api-key
        ");
        insta::assert_snapshot!(crate::output::json::pretty(&Json::from(&rows()[0]), "  "), @r#"
        {
          "created_at": "2026-11-24T23:37:59.954451912Z",
          "updated_at": "2026-11-24T23:38:00.579740101Z",
          "name": "b1",
          "revoked": false,
          "ip_address": "127.0.0.1",
          "type": "crowdsec-firewall-bouncer",
          "version": "v0.0.34",
          "last_pull": "2026-11-24T23:38:00.513234301Z",
          "auth_type": "api-key",
          "os": "debian/12",
          "auto_created": false
        }
        "#);
    }

    #[test]
    fn one_bouncer_is_shown_with_gos_times() {
        insta::assert_snapshot!(inspect_table(&out(), &rows()[0]), @r"
        -------------------------------------------------------
         Bouncer: b1                                           
        -------------------------------------------------------
         Created At    2026-11-24 23:37:59.954451912 +0000 UTC 
         Last Update   2026-11-24 23:38:00.579740101 +0000 UTC 
         Revoked?      false                                   
         IP Address    127.0.0.1                               
         Type          crowdsec-firewall-bouncer               
         Version       v0.0.34                                 
         Last Pull     2026-11-24 23:38:00.513234301 +0000 UTC 
         Auth type     api-key                                 
         OS            debian/12                               
         Auto Created  false                                   
        -------------------------------------------------------
        ");
    }
}
