//! `cscli alerts list`: rows for people, for programs and for `cut`.

use std::collections::BTreeMap;

use wire::alert::Alert;

use crate::alerts::{ListArgs, Query, as_text};
use crate::context::Context;
use crate::error::{Error, client_text};
use crate::output::table::{Style, WRAP};
use crate::output::{Format, Output, csv};

pub(super) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Error> {
    let query = query(args)?;
    let client = ctx.lapi()?;
    let alerts = ctx
        .wait(client.alerts(&query.pairs()))
        .map_err(|error| Error::new(format!("unable to list alerts: {}", client_text(&error))))?;
    print(&ctx.out, &alerts, args.machine)
}

fn query(args: &ListArgs) -> Result<Query, Error> {
    let mut query = Query::default();
    query.address(args.ip.as_deref(), args.range.as_deref())?;
    query.text("decision_type", args.kind_of_decision.as_deref());
    query.push("include_capi", if args.all { "true" } else { "false" });
    query.text("kind", args.kind.as_deref());
    query.push("limit", args.limit.to_string());
    query.text("origin", args.origin.as_deref());
    query.text("scenario", args.scenario.as_deref());
    query.text("scope", args.scope.as_deref().map(wire::scope::normalise));
    query.text("value", args.value.as_deref());
    query.text("since", args.since.map(|age| age.to_string()).as_deref());
    query.text("until", args.until.map(|age| age.to_string()).as_deref());
    if args.contained {
        query.push("contains", "false");
    }
    Ok(query)
}

fn print(out: &Output, alerts: &[Alert], with_machine: bool) -> Result<(), Error> {
    match out.format {
        Format::Json => out.print_json(alerts, " "),
        Format::Raw => out.print(&raw(alerts, with_machine)),
        Format::Human if alerts.is_empty() => out.print("No active alerts\n"),
        Format::Human => out.print(&table(out, alerts, with_machine)),
    }
}

fn raw(alerts: &[Alert], with_machine: bool) -> String {
    let mut header = vec![
        "id",
        "scope",
        "value",
        "reason",
        "country",
        "as",
        "decisions",
        "created_at",
        "kind",
    ];
    if with_machine {
        header.push("machine");
    }
    let mut text = csv::record(header);
    for alert in alerts {
        let source = alert.source.as_ref();
        let mut row = vec![
            alert.id.to_string(),
            source.and_then(|source| source.scope.clone()).unwrap_or_default(),
            source.and_then(|source| source.value.clone()).unwrap_or_default(),
            alert.scenario.clone(),
            source.map(|source| source.cn.clone()).unwrap_or_default(),
            as_text(source),
            decisions_text(alert),
            alert.created_at.clone(),
            alert.kind.clone(),
        ];
        if with_machine {
            row.push(alert.machine_id.clone());
        }
        text.push_str(&csv::record(row));
    }
    text
}

fn table(out: &Output, alerts: &[Alert], with_machine: bool) -> String {
    let mut header = vec![
        "ID",
        "value",
        "reason",
        "country",
        "as",
        "decisions",
        "created_at",
        "kind",
    ];
    if with_machine {
        header.push("machine");
    }
    let mut table = out.table(Style::Boxed).header(header).wrap(1, WRAP).wrap(2, WRAP);
    for alert in alerts {
        let source = alert.source.as_ref();
        let mut row = vec![
            alert.id.to_string(),
            value_text(alert),
            alert.scenario.clone(),
            source.map(|source| source.cn.clone()).unwrap_or_default(),
            as_text(source),
            decisions_text(alert),
            alert.start_at.clone(),
            alert.kind.clone(),
        ];
        if with_machine {
            row.push(alert.machine_id.clone());
        }
        table.row(row);
    }
    table.render()
}

/// `Ip:192.0.2.1`, or `scope (3 Ips)` for an alert with several decisions.
fn value_text(alert: &Alert) -> String {
    let source = alert.source.as_ref();
    let scope = source
        .and_then(|source| source.scope.as_deref())
        .unwrap_or_default();
    let value = source
        .and_then(|source| source.value.as_deref())
        .unwrap_or_default();
    match alert.decisions.as_deref() {
        Some(decisions @ [first, _, ..]) => {
            format!(
                "{scope} ({} {}s)",
                decisions.len(),
                first.scope.as_deref().unwrap_or_default()
            )
        }
        _ if value.is_empty() => scope.to_owned(),
        _ => format!("{scope}:{value}"),
    }
}

/// `ban:2 captcha:1`.
fn decisions_text(alert: &Alert) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for decision in alert.decisions.iter().flatten() {
        let simulated = if decision.simulated == Some(true) {
            "(simul)"
        } else {
            ""
        };
        let key = format!("{simulated}{}", decision.type_.as_deref().unwrap_or_default());
        *counts.entry(key).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(kind, count)| format!("{kind}:{count}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Level;
    use wire::alert::Source;
    use wire::decision::Decision;

    fn alert(id: i64, scope: &str, value: &str, decisions: &[(&str, &str)]) -> Alert {
        let decisions = decisions.iter().map(|(scope, kind)| Decision {
            scope: Some((*scope).to_owned()),
            type_: Some((*kind).to_owned()),
            simulated: Some(false),
            ..Decision::default()
        });
        Alert {
            id,
            scenario: "crowdsecurity/ssh-bf".to_owned(),
            source: Some(Source {
                scope: Some(scope.into()),
                value: Some(value.into()),
                ..Source::default()
            }),
            decisions: Some(decisions.collect()),
            start_at: "2026-11-24T23:38:19Z".to_owned(),
            created_at: "2026-11-24T23:38:20Z".to_owned(),
            kind: "cscli".to_owned(),
            machine_id: "m".to_owned(),
            ..Alert::default()
        }
    }

    fn out(format: Format) -> Output {
        Output {
            format,
            level: Level::Info,
            color: false,
        }
    }

    #[test]
    fn several_decisions_are_counted_in_the_value() {
        let alerts = [
            alert(81, "", "", &[("Ip", "ban"), ("Ip", "captcha"), ("Range", "ban")]),
            alert(64, "Ip", "192.0.2.3", &[("Ip", "captcha")]),
            alert(3, "", "", &[]),
        ];
        insta::assert_snapshot!(table(&out(Format::Human), &alerts, true), @r"
        +----+--------------+----------------------+---------+----+-----------------+----------------------+-------+---------+
        | ID |     value    |        reason        | country | as |    decisions    |      created_at      |  kind | machine |
        +----+--------------+----------------------+---------+----+-----------------+----------------------+-------+---------+
        | 81 |  (3 Ips)     | crowdsecurity/ssh-bf |         |    | ban:2 captcha:1 | 2026-11-24T23:38:19Z | cscli | m       |
        | 64 | Ip:192.0.2.3 | crowdsecurity/ssh-bf |         |    | captcha:1       | 2026-11-24T23:38:19Z | cscli | m       |
        | 3  |              | crowdsecurity/ssh-bf |         |    |                 | 2026-11-24T23:38:19Z | cscli | m       |
        +----+--------------+----------------------+---------+----+-----------------+----------------------+-------+---------+
        ");
    }

    #[test]
    fn raw_rows_have_scope_and_value_apart() {
        insta::assert_snapshot!(raw(&[alert(64, "Ip", "192.0.2.3", &[("Ip", "ban")])], false), @r"
        id,scope,value,reason,country,as,decisions,created_at,kind
        64,Ip,192.0.2.3,crowdsecurity/ssh-bf,,,ban:1,2026-11-24T23:38:20Z,cscli
        ");
    }
}
