//! `cscli decisions list`: the active decisions of the alerts that match, each address once.

use std::collections::BTreeSet;

use wire::alert::Alert;

use crate::alerts::{Query, as_text};
use crate::context::Context;
use crate::decisions::ListArgs;
use crate::error::{Error, client_text};
use crate::output::table::{Style, WRAP};
use crate::output::{Format, Output, csv};

pub(super) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Error> {
    let query = query(args)?;
    let client = ctx.lapi()?;
    let mut alerts = ctx
        .wait(client.alerts(&query.pairs()))
        .map_err(|error| Error::new(format!("unable to retrieve decisions: {}", client_text(&error))))?;
    let skipped = deduplicate(&mut alerts);
    match ctx.out.format {
        Format::Json => ctx.out.print_json(&alerts, " "),
        Format::Raw => ctx.out.print(&raw(&alerts, args.machine)),
        Format::Human if alerts.is_empty() => ctx.out.print("No active decisions\n"),
        Format::Human => {
            ctx.out.print(&table(&ctx.out, &alerts, args.machine))?;
            if skipped > 0 {
                ctx.out
                    .print(&format!("{skipped} duplicated entries skipped\n"))?;
            }
            Ok(())
        }
    }
}

fn query(args: &ListArgs) -> Result<Query, Error> {
    let mut query = Query::default();
    if args.contained {
        query.push("contains", "false");
    }
    query.text("decision_type", args.kind.as_deref());
    query.push("has_active_decision", "true");
    query.push("include_capi", if args.all { "true" } else { "false" });
    query.address(args.ip.as_deref(), args.range.as_deref())?;
    query.push("limit", args.limit.to_string());
    query.text("origin", args.origin.as_deref());
    query.text("scenario", args.scenario.as_deref());
    query.text("scope", args.scope.as_deref().map(wire::scope::normalise));
    if args.no_simu {
        query.push("simulated", "false");
    }
    query.text("since", args.since.map(|age| age.to_string()).as_deref());
    query.text("until", args.until.map(|age| age.to_string()).as_deref());
    query.text("value", args.value.as_deref());
    Ok(query)
}

/// Keeps the first decision for each type, scope and value; returns how many went. The alerts stay.
fn deduplicate(alerts: &mut [Alert]) -> usize {
    let mut seen = BTreeSet::new();
    let mut skipped = 0;
    for alert in alerts {
        let mut decisions = alert.decisions.take().unwrap_or_default();
        decisions.retain(|decision| {
            let key = (
                decision.simulated,
                decision.type_.clone(),
                decision.scope.clone(),
                decision.value.clone(),
            );
            let is_new = seen.insert(key);
            skipped += usize::from(!is_new);
            is_new
        });
        alert.decisions = Some(decisions);
    }
    skipped
}

fn raw(alerts: &[Alert], with_machine: bool) -> String {
    let mut header = vec![
        "id",
        "source",
        "ip",
        "reason",
        "action",
        "country",
        "as",
        "events_count",
        "expiration",
        "simulated",
        "alert_id",
    ];
    if with_machine {
        header.push("machine");
    }
    let mut text = csv::record(header);
    for row in rows(alerts) {
        let mut cells = vec![
            row.id,
            row.origin,
            row.value,
            row.reason,
            row.kind,
            row.country,
            row.system,
            row.events,
            row.expiration,
            row.simulated.to_string(),
            row.alert_id,
        ];
        if with_machine {
            cells.push(row.machine);
        }
        text.push_str(&csv::record(cells));
    }
    text
}

fn table(out: &Output, alerts: &[Alert], with_machine: bool) -> String {
    let mut header = vec![
        "ID",
        "Source",
        "Scope:Value",
        "Reason",
        "Action",
        "Country",
        "AS",
        "Events",
        "expiration",
        "Alert ID",
    ];
    if with_machine {
        header.push("Machine");
    }
    let mut table = out.table(Style::Boxed).header(header).wrap(2, WRAP).wrap(3, WRAP);
    for row in rows(alerts) {
        let kind = if row.simulated {
            format!("(simul){}", row.kind)
        } else {
            row.kind
        };
        let mut cells = vec![
            row.id,
            row.origin,
            row.value,
            row.reason,
            kind,
            row.country,
            row.system,
            row.events,
            row.expiration,
            row.alert_id,
        ];
        if with_machine {
            cells.push(row.machine);
        }
        table.row(cells);
    }
    table.render()
}

struct Row {
    id: String,
    origin: String,
    value: String,
    reason: String,
    kind: String,
    country: String,
    system: String,
    events: String,
    expiration: String,
    simulated: bool,
    alert_id: String,
    machine: String,
}

fn rows(alerts: &[Alert]) -> impl Iterator<Item = Row> {
    alerts.iter().flat_map(|alert| {
        alert.decisions.iter().flatten().map(|decision| {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            Row {
                id: decision.id.to_string(),
                origin: text(&decision.origin),
                value: format!("{}:{}", text(&decision.scope), text(&decision.value)),
                reason: text(&decision.scenario),
                kind: text(&decision.type_),
                country: alert
                    .source
                    .as_ref()
                    .map(|source| source.cn.clone())
                    .unwrap_or_default(),
                system: as_text(alert.source.as_ref()),
                events: alert.events_count.to_string(),
                expiration: text(&decision.duration),
                simulated: decision.simulated.unwrap_or_default(),
                alert_id: alert.id.to_string(),
                machine: alert.machine_id.clone(),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Level;
    use wire::decision::Decision;

    fn alert(id: i64, value: &str, reason: &str) -> Alert {
        let decision = Decision {
            id,
            origin: Some("cscli".into()),
            scope: Some("Ip".into()),
            value: Some(value.into()),
            type_: Some("ban".into()),
            scenario: Some(reason.into()),
            duration: Some("3h59m55s".into()),
            simulated: Some(false),
            ..Decision::default()
        };
        Alert {
            id,
            events_count: 1,
            machine_id: "m".into(),
            decisions: Some(vec![decision]),
            ..Alert::default()
        }
    }

    #[test]
    fn each_address_is_shown_once_and_long_reasons_wrap() {
        let reason = "manual 'ban' from '3d1219c7c4c5404aaa1f6d2a48adfda4fF2dMGlIjcVfwCzg'";
        let mut alerts = [alert(62, "192.0.2.1", reason), alert(61, "192.0.2.1", reason)];
        assert_eq!(deduplicate(&mut alerts), 1);
        let out = Output {
            format: Format::Human,
            level: Level::Info,
            color: false,
        };
        insta::assert_snapshot!(table(&out, &alerts, false), @r"
        +----+--------+--------------+--------------------------------------------------------------+--------+---------+----+--------+------------+----------+
        | ID | Source |  Scope:Value |                            Reason                            | Action | Country | AS | Events | expiration | Alert ID |
        +----+--------+--------------+--------------------------------------------------------------+--------+---------+----+--------+------------+----------+
        | 62 | cscli  | Ip:192.0.2.1 | manual 'ban' from                                            | ban    |         |    | 1      | 3h59m55s   | 62       |
        |    |        |              | '3d1219c7c4c5404aaa1f6d2a48adfda4fF2dMGlIjcVfwCzg'           |        |         |    |        |            |          |
        +----+--------+--------------+--------------------------------------------------------------+--------+---------+----+--------+------------+----------+
        ");
        insta::assert_snapshot!(raw(&alerts, true), @r"
        id,source,ip,reason,action,country,as,events_count,expiration,simulated,alert_id,machine
        62,cscli,Ip:192.0.2.1,manual 'ban' from '3d1219c7c4c5404aaa1f6d2a48adfda4fF2dMGlIjcVfwCzg',ban,,,1,3h59m55s,false,62,m
        ");
    }
}
