//! What bouncers reported with `/v1/usage-metrics`, from the database, added up by origin.
//! Upstream: `cmd/crowdsec-cli/climetrics` (gauges keep the last value, counters add up, identical items count once).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::chain;
use crate::metrics::number;
use crate::output::Output;
use crate::output::table::{Align, Style};

/// Bouncer → its numbers.
pub(super) type Reports = BTreeMap<String, Report>;

/// The numbers of one bouncer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Report {
    /// Unix seconds of the oldest report.
    since: i64,
    /// Origin → (metric, unit) → value.
    values: BTreeMap<String, BTreeMap<(String, String), i64>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    metrics: Vec<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    items: Vec<Item>,
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    utc_now_timestamp: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    name: String,
    unit: String,
    value: f64,
    labels: BTreeMap<String, String>,
}

/// Reads the reports; without a database on this machine there are none.
pub(super) fn load(ctx: &Context) -> Reports {
    let Ok(store) = ctx.store() else {
        return Reports::new();
    };
    match ctx.wait(store.usage()) {
        Ok(rows) => {
            let payloads = rows
                .iter()
                .filter(|row| row.kind == "RC")
                .map(|row| (&*row.by, &*row.payload));
            add_up(payloads)
        }
        Err(error) => {
            ctx.out
                .warn(&format!("unable to read bouncer metrics: {}", chain(&error)));
            Reports::new()
        }
    }
}

fn add_up<'a>(payloads: impl Iterator<Item = (&'a str, &'a str)>) -> Reports {
    let mut reports = Reports::new();
    let mut gauges: BTreeMap<(String, String, String, String, String), i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (bouncer, payload) in payloads {
        let Ok(payload) = serde_json::from_str::<Payload>(payload) else {
            continue;
        };
        let report = reports.entry(bouncer.to_owned()).or_default();
        for detail in payload.metrics {
            let at = detail.meta.utc_now_timestamp;
            if report.since == 0 || at < report.since {
                report.since = at;
            }
            for item in detail.items {
                let label = |name: &str| item.labels.get(name).cloned().unwrap_or_default();
                let (origin, family) = (label("origin"), label("ip_type"));
                let value = item.value.to_string();
                if !seen.insert((
                    bouncer,
                    at,
                    origin.clone(),
                    item.name.clone(),
                    item.unit.clone(),
                    family.clone(),
                    value,
                )) {
                    continue;
                }
                #[expect(clippy::cast_possible_truncation, reason = "upstream truncates as well")]
                let value = item.value as i64;
                if item.name == "active_decisions" || item.name.ends_with("_gauge") {
                    let name = item.name.trim_end_matches("_gauge").to_owned();
                    gauges.insert((bouncer.to_owned(), origin, name, item.unit, family), value);
                } else {
                    let values = report.values.entry(origin).or_default();
                    *values.entry((item.name, item.unit)).or_default() += value;
                }
            }
        }
    }
    for ((bouncer, origin, name, unit, _family), value) in gauges {
        let report = reports.entry(bouncer).or_default();
        *report
            .values
            .entry(origin)
            .or_default()
            .entry((name, unit))
            .or_default() += value;
    }
    reports
}

/// `{bouncer: {origin: {metric: {unit: value}}}}`.
pub(super) fn json(reports: &Reports) -> Value {
    let mut all = Map::new();
    for (bouncer, report) in reports {
        let mut origins = Map::new();
        for (origin, values) in &report.values {
            let mut metrics: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
            for ((name, unit), value) in values {
                metrics
                    .entry(name)
                    .or_default()
                    .insert(unit.clone(), json!(value));
            }
            origins.insert(origin.clone(), json!(metrics));
        }
        all.insert(bouncer.clone(), Value::Object(origins));
    }
    Value::Object(all)
}

/// A table a bouncer: origins down, metrics across, a total below.
pub(super) fn tables(out: &Output, reports: &Reports, exact: bool) -> String {
    reports
        .iter()
        .map(|(bouncer, report)| table(out, bouncer, report, exact))
        .collect()
}

fn table(out: &Output, bouncer: &str, report: &Report, exact: bool) -> String {
    let columns: BTreeSet<&(String, String)> = report.values.values().flat_map(BTreeMap::keys).collect();
    if columns.is_empty() {
        return String::new();
    }
    let since = jiff::Timestamp::from_second(report.since).unwrap_or_default();
    let since = golang::time::Time::from_timestamp(since).to_go_string();
    let header = columns
        .iter()
        .map(|(name, unit)| format!("{name} {}", plural(unit)));
    let mut table = out
        .table(Style::Boxed)
        .title(format!("Bouncer Metrics ({bouncer}) since {since}"))
        .header(std::iter::once("Origin".to_owned()).chain(header))
        .align(std::iter::once(Align::Left).chain(columns.iter().map(|_| Align::Right)));
    let mut totals: BTreeMap<&(String, String), i64> = BTreeMap::new();
    for (origin, values) in &report.values {
        for (column, value) in values {
            *totals.entry(column).or_default() += value;
        }
        // Numbers without an origin (such as all processed packets) only appear in the total.
        if !origin.is_empty() {
            let cells = columns
                .iter()
                .map(|column| number(values.get(*column).copied().unwrap_or(0), exact));
            table.row(std::iter::once(origin_text(origin)).chain(cells));
        }
    }
    let cells: Vec<String> = columns
        .iter()
        .map(|column| number(totals.get(column).copied().unwrap_or(0), exact))
        .collect();
    table
        .footer(std::iter::once("Total".to_owned()).chain(cells))
        .render()
}

fn origin_text(origin: &str) -> String {
    match origin {
        "CAPI" => "CAPI (community blocklist)".to_owned(),
        "crowdsec" => "crowdsec (security engine)".to_owned(),
        "cscli" => "cscli (manual decisions)".to_owned(),
        "cscli-import" => "cscli-import (imported decisions)".to_owned(),
        "console" => "console (console decisions)".to_owned(),
        other => other.to_owned(),
    }
}

fn plural(unit: &str) -> String {
    match unit {
        "" => String::new(),
        "ip" => "IPs".to_owned(),
        other => format!("{other}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Format, Level};

    const PAYLOAD: &str = r#"{"metrics":[{"meta":{"utc_now_timestamp":1795563480},"items":[
        {"name":"active_decisions","unit":"ip","value":42,"labels":{"origin":"CAPI","ip_type":"ipv4"}},
        {"name":"dropped","unit":"byte","value":123456,"labels":{"origin":"CAPI"}},
        {"name":"dropped","unit":"packet","value":789,"labels":{"origin":"CAPI"}},
        {"name":"dropped","unit":"packet","value":789,"labels":{"origin":"CAPI"}},
        {"name":"dropped","unit":"packet","value":12,"labels":{"origin":"crowdsec"}},
        {"name":"processed","unit":"packet","value":100000}]}]}"#;

    #[test]
    fn counters_add_up_gauges_keep_the_last_and_repeats_count_once() {
        let later = PAYLOAD
            .replace("1795563480", "1795563490")
            .replace(":42,", ":40,");
        let reports = add_up([("b1", PAYLOAD), ("b1", later.as_str())].into_iter());
        let values = json(&reports);
        assert_eq!(values["b1"]["CAPI"]["active_decisions"]["ip"], 40);
        assert_eq!(values["b1"]["CAPI"]["dropped"]["packet"], 1578);
        assert_eq!(values["b1"][""]["processed"]["packet"], 200_000);
    }

    #[test]
    fn the_table_has_a_row_an_origin_and_a_total() {
        let reports = add_up([("b1", PAYLOAD)].into_iter());
        let out = Output {
            format: Format::Human,
            level: Level::Info,
            color: false,
        };
        insta::assert_snapshot!(tables(&out, &reports, false), @r"
        +---------------------------------------------------------------------------------------------------------+
        | Bouncer Metrics (b1) since 2026-11-24 23:38:00 +0000 UTC                                                |
        +----------------------------+----------------------+---------------+-----------------+-------------------+
        |           Origin           | active_decisions IPs | dropped bytes | dropped packets | processed packets |
        +----------------------------+----------------------+---------------+-----------------+-------------------+
        | CAPI (community blocklist) |                   42 |       123.46k |             789 |                 - |
        | crowdsec (security engine) |                    - |             - |              12 |                 - |
        +----------------------------+----------------------+---------------+-----------------+-------------------+
        | Total                      |                   42 |       123.46k |             801 |           100.00k |
        +----------------------------+----------------------+---------------+-----------------+-------------------+
        ");
    }
}
