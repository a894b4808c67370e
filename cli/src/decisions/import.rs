//! `cscli decisions import`: many decisions from CSV, JSON or a list of values, an alert a batch.

use std::io::Read as _;

use jiff::Timestamp;
use serde::Deserialize;
use wire::alert::{Alert, Source};
use wire::decision::Decision;

use crate::context::Context;
use crate::decisions::{ImportArgs, add};
use crate::error::{Error, file};
use crate::output::csv;

/// More than any blocklist; a larger input is a mistake that should not fill the memory.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Values,
}

/// One decision as written; empty fields take the defaults of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Item {
    value: String,
    duration: String,
    scope: String,
    reason: String,
    #[serde(rename = "type")]
    kind: String,
}

pub(super) fn run(ctx: &Context, args: &ImportArgs) -> Result<(), Error> {
    let format = format(args)?;
    let text = read(&args.input)?;
    let name = match format {
        Format::Csv => "csv",
        Format::Json => "json",
        Format::Values => "values",
    };
    ctx.out.print(&format!("Parsing {name}\n"))?;
    let items = parse(format, &text).map_err(Error::new)?;
    if items.is_empty() {
        return Err(Error::new("no decisions found"));
    }
    let decisions = resolve(items, args)?;
    let client = ctx.lapi()?;
    let batch = usize::try_from(args.batch).unwrap_or(0);
    if batch > 0 {
        ctx.out.print(&format!("batch size: {batch}\n"))?;
    }
    let source = if args.input == "-" {
        "stdin"
    } else {
        args.input.as_str()
    };
    let bar = progress(ctx, decisions.len());
    for chunk in decisions.chunks(if batch == 0 { decisions.len() } else { batch }) {
        if add::push(ctx, &client, &[alert(source, chunk, service::clock::now())])? == 0 {
            let first = chunk
                .first()
                .and_then(|decision| decision.value.as_deref())
                .unwrap_or_default();
            ctx.out.warn(&format!(
                "the Local API kept none of the {} decisions from {first} on: allowlisted, or not valid for their scope",
                chunk.len()
            ));
        }
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    ctx.out.print(&format!("Imported {} decisions", decisions.len()))
}

fn progress(ctx: &Context, total: usize) -> indicatif::ProgressBar {
    if ctx.out.is_watched() {
        indicatif::ProgressBar::new(total as u64)
    } else {
        indicatif::ProgressBar::hidden()
    }
}

fn format(args: &ImportArgs) -> Result<Format, Error> {
    match args.format.as_str() {
        "csv" => return Ok(Format::Csv),
        "json" => return Ok(Format::Json),
        "values" => return Ok(Format::Values),
        "" => {}
        other => {
            return Err(Error::new(format!(
                "invalid format '{other}', expected one of 'json', 'csv', 'values'"
            )));
        }
    }
    let extension = std::path::Path::new(&args.input)
        .extension()
        .and_then(|extension| extension.to_str());
    match extension {
        Some("csv") => Ok(Format::Csv),
        Some("json") => Ok(Format::Json),
        _ => Err(Error::new(
            "unable to guess format from file extension, please provide a format with --format flag",
        )),
    }
}

fn read(input: &str) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let result = if input == "-" {
        std::io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        let path = std::path::Path::new(input);
        std::fs::File::open(path)
            .map_err(|error| Error::new(format!("unable to open {input}: {}", file("open", path, &error))))?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    };
    result.map_err(|error| Error::new(format!("unable to read {input}: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::new(format!(
            "{input} is larger than {MAX_BYTES} bytes; split it"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(format!("{input} is not UTF-8 text (byte {at})"))
    })
}

fn parse(format: Format, text: &str) -> Result<Vec<Item>, String> {
    match format {
        Format::Values => Ok(text
            .lines()
            .map(|line| Item {
                value: line.trim().to_owned(),
                ..Item::default()
            })
            .collect()),
        Format::Json => {
            if text.trim().is_empty() {
                return Err("unexpected end of JSON input".to_owned());
            }
            serde_json::from_str(text).map_err(|error| {
                if error.is_eof() {
                    "unexpected end of JSON input".to_owned()
                } else {
                    error.to_string()
                }
            })
        }
        Format::Csv => from_csv(text),
    }
}

fn from_csv(text: &str) -> Result<Vec<Item>, String> {
    let mut records = csv::parse(text)?.into_iter();
    let Some(header) = records.next() else {
        return Ok(Vec::new());
    };
    let mut items = Vec::new();
    for record in records {
        let mut item = Item::default();
        for (name, value) in header.iter().zip(record) {
            match name.trim() {
                "value" => item.value = value,
                "duration" => item.duration = value,
                "scope" => item.scope = value,
                "reason" => item.reason = value,
                "type" => item.kind = value,
                _ => {}
            }
        }
        items.push(item);
    }
    Ok(items)
}

fn resolve(items: Vec<Item>, args: &ImportArgs) -> Result<Vec<Decision>, Error> {
    let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
    items
        .into_iter()
        .enumerate()
        .map(|(position, item)| {
            if item.value.is_empty() {
                return Err(Error::new(format!("item {position}: missing 'value'")));
            }
            let duration = or(item.duration, &args.duration);
            add::check_duration(&duration)?;
            // A network in a list of addresses is what people mean by it.
            let default_scope = if item.value.contains('/') && args.scope.eq_ignore_ascii_case("ip") {
                wire::scope::RANGE
            } else {
                args.scope.as_str()
            };
            let scope = or(item.scope, default_scope);
            if wire::scope::is_network(&scope) && wire::range::Range::parse(&item.value).is_err() {
                return Err(Error::new(format!(
                    "item {position}: invalid ip address '{}'",
                    item.value
                )));
            }
            Ok(Decision {
                duration: Some(duration),
                origin: Some("cscli-import".to_owned()),
                scenario: Some(or(item.reason, &args.reason)),
                scope: Some(wire::scope::normalise(&scope).to_owned()),
                simulated: Some(false),
                type_: Some(or(item.kind, &args.kind)),
                value: Some(item.value),
                ..Decision::default()
            })
        })
        .collect()
}

fn alert(source: &str, decisions: &[Decision], now: Timestamp) -> Alert {
    let time = golang::time::Time::from_timestamp(now).rfc3339();
    Alert {
        decisions: Some(decisions.to_vec()),
        events: Some(Vec::new()),
        events_count: i32::try_from(decisions.len()).unwrap_or(i32::MAX),
        kind: "cscli".to_owned(),
        scenario: format!("import {source}: {} IPs", decisions.len()),
        source: Some(Source {
            scope: Some(String::new()),
            value: Some(String::new()),
            ..Source::default()
        }),
        start_at: time.clone(),
        stop_at: time,
        ..Alert::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_columns_are_found_by_name_and_may_be_absent() {
        let items = parse(Format::Csv, "duration,value,other\n1h,192.0.2.1,x\n,192.0.2.2\n").unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(
            (items[0].value.as_str(), items[0].duration.as_str()),
            ("192.0.2.1", "1h")
        );
        assert_eq!(
            (items[1].value.as_str(), items[1].duration.as_str()),
            ("192.0.2.2", "")
        );
    }

    #[test]
    fn cut_json_says_so_and_other_faults_say_where() {
        assert_eq!(
            parse(Format::Json, "[{").unwrap_err(),
            "unexpected end of JSON input"
        );
        let error = parse(Format::Json, "[{\"value\": 1}]").unwrap_err();
        assert!(error.contains("line 1 column"), "{error}");
    }

    #[test]
    fn the_import_alert_counts_its_decisions_and_has_no_source() {
        let now: Timestamp = "2026-11-24T23:38:20Z".parse().unwrap();
        let alert = alert("stdin", &[Decision::default(), Decision::default()], now);
        assert_eq!(alert.scenario, "import stdin: 2 IPs");
        assert_eq!(alert.source.unwrap().scope.as_deref(), Some(""));
    }
}
