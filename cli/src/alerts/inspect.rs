//! `cscli alerts inspect`: everything the Local API knows about an alert.

use golang::duration::Duration;
use wire::alert::{Alert, Event, Meta};

use crate::alerts::as_text;
use crate::context::Context;
use crate::error::{Error, client_text};
use crate::output::table::{Style, WRAP};
use crate::output::{Format, Output};

pub(super) fn run(ctx: &Context, ids: &[String], details: bool) -> Result<(), Error> {
    let client = ctx.lapi()?;
    for id in ids {
        let number: i64 = id
            .parse()
            .map_err(|_not_a_number| Error::new(format!("bad alert id {id}")))?;
        let alert = ctx
            .wait(client.alert(number))
            .map_err(|error| Error::new(format!("can't find alert with id {id}: {}", client_text(&error))))?;
        match ctx.out.format {
            Format::Human => ctx.out.print(&human(&ctx.out, &alert, details))?,
            Format::Json => ctx.out.print_json(&alert, "  ")?,
            Format::Raw => ctx.out.print(&(yaml(&alert) + "\n"))?,
        }
    }
    Ok(())
}

fn human(out: &Output, alert: &Alert, details: bool) -> String {
    let source = alert.source.clone().unwrap_or_default();
    let scope = source.scope.clone().unwrap_or_default();
    let value = source.value.clone().unwrap_or_default();
    let mut text = format!("\n{}\n\n", "#".repeat(96));
    let mut line = |name: &str, value: &str| text.extend([" - ", &format!("{name:<13}: {value}"), "\n"]);
    line("ID", &alert.id.to_string());
    line("Date", &alert.created_at);
    line("Machine", &alert.machine_id);
    line("Simulation", &alert.simulated.to_string());
    line("Remediation", &alert.remediation.to_string());
    line("Kind", &alert.kind);
    line("Reason", &alert.scenario);
    line("Events Count", &alert.events_count.to_string());
    line("Scope:Value", &format!("{scope}:{value}"));
    line("Country", &source.cn);
    line("AS", &as_text(Some(&source)));
    line("Begin", &alert.start_at);
    line("End", &alert.stop_at);
    line("UUID", &alert.uuid);
    text.push('\n');
    text.push_str(&active_decisions(out, alert));
    if !alert.meta.is_empty() {
        text.push_str("\n - Context  :\n");
        text.push_str(&context_table(out, &alert.meta));
    }
    if details {
        text.push_str("\n - Events  :\n");
        for event in alert.events.iter().flatten() {
            text.push_str(&event_table(out, event));
        }
    }
    text
}

fn active_decisions(out: &Output, alert: &Alert) -> String {
    let mut table = out.table(Style::Boxed).title("Active Decisions").header([
        "ID",
        "scope:value",
        "action",
        "expiration",
        "created_at",
    ]);
    for decision in alert.decisions.iter().flatten() {
        let duration = decision.duration.clone().unwrap_or_default();
        if Duration::parse(&duration).is_ok_and(|left| left.0 > 0) {
            table.row([
                decision.id.to_string(),
                format!(
                    "{}:{}",
                    decision.scope.as_deref().unwrap_or_default(),
                    decision.value.as_deref().unwrap_or_default()
                ),
                decision.type_.clone().unwrap_or_default(),
                duration,
                alert.created_at.clone(),
            ]);
        }
    }
    if table.is_empty() {
        String::new()
    } else {
        table.render()
    }
}

fn context_table(out: &Output, meta: &[Meta]) -> String {
    let mut table = out
        .table(Style::Boxed)
        .header(["Key", "Value"])
        .wrap(0, WRAP)
        .wrap(1, WRAP);
    let mut meta: Vec<&Meta> = meta.iter().collect();
    meta.sort_by(|a, b| a.key.cmp(&b.key));
    for entry in meta {
        // The context's values are JSON lists; anything else is shown as it is.
        match serde_json::from_str::<Vec<String>>(&entry.value) {
            Ok(values) => {
                for value in values {
                    table.row([entry.key.clone(), value]);
                }
            }
            Err(_) => table.row([entry.key.clone(), entry.value.clone()]),
        }
    }
    table.render()
}

fn event_table(out: &Output, event: &Event) -> String {
    let mut table = out
        .table(Style::Boxed)
        .header(["Key", "Value"])
        .wrap(0, WRAP)
        .wrap(1, WRAP);
    let mut meta: Vec<&Meta> = event.meta.iter().flatten().collect();
    meta.sort_by(|a, b| a.key.cmp(&b.key));
    for entry in meta {
        table.row([entry.key.clone(), entry.value.clone()]);
    }
    format!("\n- Date: {}\n{}", event.timestamp, table.render())
}

/// The alert as yaml.v3 writes upstream's struct: field names in lower case, everything present.
fn yaml(alert: &Alert) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, key: &str, value: &str| {
        crate::output::line(&mut text, format_args!("{:indent$}{key}: {value}", ""));
    };
    line(0, "capacity", &alert.capacity.to_string());
    line(0, "createdat", &scalar(&alert.created_at));
    let decisions = alert.decisions.as_deref().unwrap_or_default();
    line(0, "decisions", if decisions.is_empty() { "[]" } else { "" });
    for decision in decisions {
        let field = |text: &Option<String>| scalar(text.as_deref().unwrap_or_default());
        line(4, "- duration", &field(&decision.duration));
        line(6, "id", &decision.id.to_string());
        line(6, "origin", &field(&decision.origin));
        line(6, "scenario", &field(&decision.scenario));
        line(6, "scope", &field(&decision.scope));
        line(
            6,
            "simulated",
            &decision.simulated.unwrap_or_default().to_string(),
        );
        line(6, "type", &field(&decision.type_));
        line(6, "until", &scalar(&decision.until));
        line(6, "uuid", &scalar(&decision.uuid));
        line(6, "value", &field(&decision.value));
    }
    let events = alert.events.as_deref().unwrap_or_default();
    line(0, "events", if events.is_empty() { "[]" } else { "" });
    for event in events {
        line(4, "- meta", "");
        for entry in event.meta.iter().flatten() {
            line(8, "- key", &scalar(&entry.key));
            line(10, "value", &scalar(&entry.value));
        }
        line(6, "timestamp", &scalar(&event.timestamp));
    }
    line(0, "eventscount", &alert.events_count.to_string());
    line(0, "id", &alert.id.to_string());
    line(0, "kind", &scalar(&alert.kind));
    line(0, "labels", "[]");
    line(0, "leakspeed", &scalar(&alert.leakspeed));
    line(0, "machineid", &scalar(&alert.machine_id));
    line(0, "message", &scalar(&alert.message));
    line(0, "meta", if alert.meta.is_empty() { "[]" } else { "" });
    for entry in &alert.meta {
        line(4, "- key", &scalar(&entry.key));
        line(6, "value", &scalar(&entry.value));
    }
    line(0, "remediation", &alert.remediation.to_string());
    line(0, "scenario", &scalar(&alert.scenario));
    line(0, "scenariohash", &scalar(&alert.scenario_hash));
    line(0, "scenarioversion", &scalar(&alert.scenario_version));
    line(0, "simulated", &alert.simulated.to_string());
    let source = alert.source.clone().unwrap_or_default();
    line(0, "source", "");
    line(4, "asname", &scalar(&source.as_name));
    line(4, "asnumber", &scalar(&source.as_number));
    line(4, "cn", &scalar(&source.cn));
    line(4, "ip", &scalar(&source.ip));
    line(4, "latitude", &source.latitude.to_string());
    line(4, "longitude", &source.longitude.to_string());
    line(4, "range", &scalar(&source.range));
    line(4, "scope", &scalar(source.scope.as_deref().unwrap_or_default()));
    line(4, "value", &scalar(source.value.as_deref().unwrap_or_default()));
    line(0, "startat", &scalar(&alert.start_at));
    line(0, "stopat", &scalar(&alert.stop_at));
    line(0, "uuid", &scalar(&alert.uuid));
    // A key without a value on its line has no blank after the colon.
    text.replace(": \n", ":\n")
}

/// A YAML scalar, quoted where yaml.v3 would quote it.
pub(crate) fn scalar(text: &str) -> String {
    let special = text.is_empty()
        || text.trim() != text
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.contains('\n')
        || text.starts_with(|c: char| "!&*-?[]{}|>@`\"'%#,:".contains(c))
        || looks_typed(text);
    if !special {
        text.to_owned()
    } else if text.contains(['\'', '\n']) || looks_typed(text) || text.is_empty() {
        golang::strings::quote(text)
    } else {
        format!("'{text}'")
    }
}

/// Numbers, booleans, nulls and RFC 3339 times would read back as something else than text.
fn looks_typed(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.parse::<f64>().is_ok()
        || matches!(
            lower.as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "~" | "y" | "n"
        )
        || text.parse::<jiff::Timestamp>().is_ok() && text.contains('T')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_that_would_read_back_as_something_else_are_quoted() {
        for (text, expected) in [
            ("0.3", "\"0.3\""),
            ("", "\"\""),
            ("10s", "10s"),
            ("ban", "ban"),
            ("2026-11-24T23:38:02Z", "\"2026-11-24T23:38:02Z\""),
            ("2026-11-24 23:37:38 +0000 UTC", "2026-11-24 23:37:38 +0000 UTC"),
            ("[\"a\",\"b\"]", "'[\"a\",\"b\"]'"),
            ("http common : scanners", "'http common : scanners'"),
        ] {
            assert_eq!(scalar(text), expected, "{text}");
        }
    }
}
