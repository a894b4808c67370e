//! How machines are shown: list and one by one.

use std::collections::BTreeMap;

use golang::duration::Duration;
use golang::time::Time;
use jiff::Timestamp;
use lapi::store::machines::MachineRow;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, chain};
use crate::machines::system;
use crate::output::table::{Align, Style};
use crate::output::{Format, Output, csv};

/// Two heartbeats may be missed before a machine looks silent.
const ALIVE: i64 = 120_000_000_000;

pub(super) fn list(out: &Output, rows: &[MachineRow], now: Timestamp) -> Result<(), Error> {
    match out.format {
        Format::Human => out.print(&table(out, rows, now)),
        Format::Json => out.print_json(&rows.iter().map(json).collect::<Vec<_>>(), "  "),
        Format::Raw => out.print(&raw(rows, now)),
    }
}

pub(super) fn table(out: &Output, rows: &[MachineRow], now: Timestamp) -> String {
    let mut table = out.table(Style::Plain).header([
        "Name",
        "IP Address",
        "Last Update",
        "Status",
        "Version",
        "OS",
        "Auth Type",
        "Last Heartbeat",
    ]);
    for row in rows {
        let (age, is_alive) = heartbeat(row, now);
        table.row([
            row.machine_id.clone(),
            row.ip_address.clone(),
            row.updated_at.map(seconds).unwrap_or_default(),
            if row.is_validated { "✔️" } else { "🚫" }.to_owned(),
            row.version.clone(),
            system(&row.os_name, &row.os_version),
            row.auth_type.clone(),
            if is_alive { age } else { format!("⚠️ {age}") },
        ]);
    }
    table.render()
}

/// Returns the time since the last heartbeat in whole seconds (`-` for never) and whether that is recent.
fn heartbeat(row: &MachineRow, now: Timestamp) -> (String, bool) {
    let Some(last) = row.last_heartbeat else {
        return ("-".to_owned(), false);
    };
    let age = Duration::from_jiff(now.duration_since(last));
    let whole = Duration(age.0 - age.0.rem_euclid(1_000_000_000));
    (whole.to_string(), age.0 < ALIVE)
}

fn raw(rows: &[MachineRow], now: Timestamp) -> String {
    let mut text = csv::record([
        "machine_id",
        "ip_address",
        "updated_at",
        "validated",
        "version",
        "auth_type",
        "last_heartbeat",
        "os",
    ]);
    for row in rows {
        text.push_str(&csv::record([
            row.machine_id.as_str(),
            &row.ip_address,
            &row.updated_at.map(seconds).unwrap_or_default(),
            if row.is_validated { "true" } else { "false" },
            &row.version,
            &row.auth_type,
            &heartbeat(row, now).0,
            // Upstream joins name and version here without asking whether it knows them.
            &format!("{}/{}", row.os_name, row.os_version),
        ]));
    }
    text
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_push: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_heartbeat: Option<String>,
    #[serde(rename = "machineId")]
    machine_id: &'a str,
    #[serde(rename = "ipAddress", skip_serializing_if = "str::is_empty")]
    ip_address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(rename = "isValidated", skip_serializing_if = "std::ops::Not::not")]
    is_validated: bool,
    auth_type: &'a str,
    os: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    featureflags: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    datasources: BTreeMap<String, i64>,
}

fn json(row: &MachineRow) -> Json<'_> {
    Json {
        created_at: row.created_at.map(nanos),
        updated_at: row.updated_at.map(nanos),
        last_push: row.last_push.map(nanos),
        last_heartbeat: row.last_heartbeat.map(nanos),
        machine_id: &row.machine_id,
        ip_address: &row.ip_address,
        version: &row.version,
        is_validated: row.is_validated,
        auth_type: &row.auth_type,
        os: system(&row.os_name, &row.os_version),
        featureflags: row
            .feature_flags
            .split(',')
            .filter(|flag| !flag.is_empty())
            .collect(),
        datasources: serde_json::from_str(&row.datasources).unwrap_or_default(),
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct HubItem {
    name: String,
    status: String,
    version: String,
}

type HubItems = BTreeMap<String, Vec<HubItem>>;

/// The order of the types in upstream's raw list.
const TYPES: [&str; 7] = [
    "appsec-configs",
    "appsec-rules",
    "contexts",
    "parsers",
    "postoverflows",
    "scenarios",
    "collections",
];

pub(super) fn inspect(ctx: &Context, name: &str, hub: bool) -> Result<(), Error> {
    let store = ctx.store()?;
    let row = ctx
        .wait(store.machine(name))
        .map_err(|error| Error::new(format!("unable to read machine data '{name}': {}", chain(&error))))?
        .ok_or_else(|| {
            Error::new(format!(
                "unable to read machine data '{name}': user '{name}': user doesn't exist"
            ))
        })?;
    let items: HubItems = serde_json::from_str(&row.hub_state).unwrap_or_default();
    if hub {
        return inspect_hub(ctx, &items);
    }
    match ctx.out.format {
        Format::Raw => Err(Error::Format("raw")),
        Format::Json => {
            #[derive(Serialize)]
            struct WithMetrics<'a> {
                #[serde(flatten)]
                machine: Json<'a>,
                metrics: BTreeMap<String, i64>,
            }
            let value = WithMetrics {
                machine: json(&row),
                metrics: BTreeMap::new(),
            };
            ctx.out.print_json(&value, "  ")
        }
        Format::Human => ctx.out.print(&inspect_table(&ctx.out, &row, &items)),
    }
}

fn inspect_table(out: &Output, row: &MachineRow, items: &HubItems) -> String {
    let time = |at: Option<Timestamp>| {
        at.map_or_else(
            || "<nil>".to_owned(),
            |at| Time::from_timestamp(at).to_go_string(),
        )
    };
    let mut table = out
        .table(Style::Boxed)
        .title(format!("Machine: {}", row.machine_id));
    table.row(["IP Address".to_owned(), row.ip_address.clone()]);
    table.row(["Created At".to_owned(), time(row.created_at)]);
    table.row(["Last Update".to_owned(), time(row.updated_at)]);
    table.row(["Last Heartbeat".to_owned(), time(row.last_heartbeat)]);
    table.row(["Validated?".to_owned(), row.is_validated.to_string()]);
    table.row(["CrowdSec version".to_owned(), row.version.clone()]);
    table.row(["OS".to_owned(), system(&row.os_name, &row.os_version)]);
    table.row(["Auth type".to_owned(), row.auth_type.clone()]);
    let datasources: BTreeMap<String, i64> = serde_json::from_str(&row.datasources).unwrap_or_default();
    let mut group = |name: &str, values: Vec<String>| {
        for (position, value) in values.into_iter().enumerate() {
            table.row([
                if position == 0 {
                    name.to_owned()
                } else {
                    String::new()
                },
                value,
            ]);
        }
    };
    group(
        "Datasources",
        datasources
            .iter()
            .map(|(kind, count)| format!("{kind}: {count}"))
            .collect(),
    );
    let flags = row.feature_flags.split(',').filter(|flag| !flag.is_empty());
    group("Feature Flags", flags.map(str::to_owned).collect());
    let collections = items.get("collections").into_iter().flatten();
    group("Collections", collections.map(|item| item.name.clone()).collect());
    table.render()
}

fn inspect_hub(ctx: &Context, items: &HubItems) -> Result<(), Error> {
    match ctx.out.format {
        Format::Json => {
            let all: BTreeMap<&str, &[HubItem]> = TYPES
                .into_iter()
                .map(|kind| (kind, items.get(kind).map_or(&[][..], Vec::as_slice)))
                .collect();
            ctx.out.print_json(&all, "  ")
        }
        Format::Raw => {
            let mut text = csv::record(["type", "name", "status", "version"]);
            for kind in TYPES {
                for item in items.get(kind).into_iter().flatten() {
                    text.push_str(&csv::record([kind, &item.name, &item.status, &item.version]));
                }
            }
            ctx.out.print(&text)
        }
        Format::Human => items
            .iter()
            .filter(|(_, items)| !items.is_empty())
            .try_for_each(|(kind, items)| {
                let mut table = ctx
                    .out
                    .table(Style::Boxed)
                    .title(kind)
                    .header(["Name", "Status", "Version"])
                    .header_align(Align::Left);
                for item in items {
                    table.row([&item.name, &item.status, &item.version].map(Clone::clone));
                }
                ctx.out.print(&table.render())
            }),
    }
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

    fn row() -> MachineRow {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        MachineRow {
            machine_id: "agent1".into(),
            ip_address: "127.0.0.1".into(),
            version: "v1.7.8-linux".into(),
            is_validated: true,
            auth_type: "password".into(),
            created_at: at("2026-11-24T23:35:51.030636701Z"),
            updated_at: at("2026-11-24T23:38:04.281092279Z"),
            last_push: at("2026-11-24T23:38:04.281091678Z"),
            last_heartbeat: at("2026-11-24T23:38:53.5Z"),
            os_name: "debian".into(),
            os_version: "12.11".into(),
            datasources: r#"{"file":2}"#.into(),
            ..MachineRow::default()
        }
    }

    fn pending() -> MachineRow {
        MachineRow {
            machine_id: "pending1".into(),
            auth_type: "password".into(),
            ..MachineRow::default()
        }
    }

    fn out() -> Output {
        Output {
            format: Format::Human,
            level: Level::Info,
            color: false,
        }
    }

    #[test]
    fn the_list_warns_of_silent_machines() {
        let now = "2026-11-24T23:39:33Z".parse().unwrap();
        insta::assert_snapshot!(table(&out(), &[row(), pending()], now), @r"
        -----------------------------------------------------------------------------------------------------------
         Name      IP Address  Last Update           Status  Version       OS            Auth Type  Last Heartbeat 
        -----------------------------------------------------------------------------------------------------------
         agent1    127.0.0.1   2026-11-24T23:38:04Z  ✔️       v1.7.8-linux  debian/12.11  password   39s            
         pending1                                    🚫                    ?             password   ⚠️ -            
        -----------------------------------------------------------------------------------------------------------
        ");
        insta::assert_snapshot!(raw(&[row(), pending()], now), @r"
        machine_id,ip_address,updated_at,validated,version,auth_type,last_heartbeat,os
        agent1,127.0.0.1,2026-11-24T23:38:04Z,true,v1.7.8-linux,password,39s,debian/12.11
        pending1,,,false,,password,-,/
        ");
    }

    #[test]
    fn one_machine_shows_its_collections_and_json_leaves_out_what_is_empty() {
        let items: HubItems = serde_json::from_str(
            r#"{"collections":[{"name":"a/one","status":"official","version":"1.4"},{"name":"a/two"}]}"#,
        )
        .unwrap();
        insta::assert_snapshot!(inspect_table(&out(), &row(), &items), @r"
        +------------------------------------------------------------+
        | Machine: agent1                                            |
        +------------------+-----------------------------------------+
        | IP Address       | 127.0.0.1                               |
        | Created At       | 2026-11-24 23:35:51.030636701 +0000 UTC |
        | Last Update      | 2026-11-24 23:38:04.281092279 +0000 UTC |
        | Last Heartbeat   | 2026-11-24 23:38:53.5 +0000 UTC         |
        | Validated?       | true                                    |
        | CrowdSec version | v1.7.8-linux                            |
        | OS               | debian/12.11                            |
        | Auth type        | password                                |
        | Datasources      | file: 2                                 |
        | Collections      | a/one                                   |
        |                  | a/two                                   |
        +------------------+-----------------------------------------+
        ");
        insta::assert_snapshot!(crate::output::json::pretty(&json(&pending()), "  "), @r#"
        {
          "machineId": "pending1",
          "auth_type": "password",
          "os": "?"
        }
        "#);
        insta::assert_snapshot!(crate::output::json::pretty(&json(&row()), "  "), @r#"
        {
          "created_at": "2026-11-24T23:35:51.030636701Z",
          "updated_at": "2026-11-24T23:38:04.281092279Z",
          "last_push": "2026-11-24T23:38:04.281091678Z",
          "last_heartbeat": "2026-11-24T23:38:53.5Z",
          "machineId": "agent1",
          "ipAddress": "127.0.0.1",
          "version": "v1.7.8-linux",
          "isValidated": true,
          "auth_type": "password",
          "os": "debian/12.11",
          "datasources": {
            "file": 2
          }
        }
        "#);
    }
}
