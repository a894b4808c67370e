//! Writes the assertions that describe a run: what an empty assertion file is to be filled with.

use engine::{Event, Fields, trace::Trace};
use golang::strings::quote;

/// Returns the assertions of `parser.assert`, in upstream's order.
pub fn of_parsers(trace: &Trace) -> String {
    let mut lines = vec![format!("len(results) == {}", trace.nodes.len())];
    for (stage, names) in trace.nodes.iter().filter(|(stage, _)| *stage != "success") {
        for (name, results) in names {
            let all = format!("results[{}][{}]", quote(stage), quote(name));
            lines.push(format!("len({all}) == {}", results.len()));
            for (number, result) in results.iter().enumerate() {
                let one = format!("{all}[{number}]");
                lines.push(format!("{one}.Success == {}", result.success));
                if result.success {
                    event(&mut lines, &one, &result.event);
                }
            }
        }
    }
    lines.join("\n") + "\n"
}

fn event(lines: &mut Vec<String>, one: &str, event: &Event) {
    fields(lines, &format!("{one}.Evt.Parsed"), &event.parsed);
    fields(lines, &format!("{one}.Evt.Meta"), &event.meta);
    fields(lines, &format!("{one}.Evt.Enriched"), &event.enriched);
    if let Some(map) = &event.unmarshaled {
        for (key, value) in map.iter() {
            let Some(key) = key.as_str() else { continue };
            unmarshaled(lines, &format!("{one}.Evt.Unmarshaled[{}]", quote(key)), value);
        }
    }
    lines.push(format!("{one}.Evt.Whitelisted == {}", event.whitelisted));
    if event.whitelisted && !event.whitelist_reason.is_empty() {
        lines.push(format!(
            "{one}.Evt.WhitelistReason == {}",
            quote(&event.whitelist_reason)
        ));
    }
}

fn fields(lines: &mut Vec<String>, map: &str, fields: &Fields) {
    for (key, value) in fields.sorted() {
        if value.is_empty() {
            continue;
        }
        let field = format!("{map}[{}]", quote(key));
        lines.push(if key == "datasource_path" {
            let base = value.rsplit('/').next().unwrap_or(value);
            format!("basename({field}) == {}", quote(base))
        } else {
            format!("{field} == {}", quote(value))
        });
    }
}

fn unmarshaled(lines: &mut Vec<String>, field: &str, value: &expr::Value) {
    match value {
        expr::Value::Map(map) => {
            for (key, value) in map.iter() {
                let Some(key) = key.as_str() else { continue };
                unmarshaled(lines, &format!("{field}[{}]", quote(key)), value);
            }
        }
        expr::Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                unmarshaled(lines, &format!("{field}[{number}]"), value);
            }
        }
        expr::Value::Str(text) if !text.is_empty() => lines.push(format!("{field} == {}", quote(text))),
        expr::Value::Bool(truth) => lines.push(format!("{field} == {truth}")),
        expr::Value::Int(number) => lines.push(format!("{field} == {number}")),
        expr::Value::Float(number) => lines.push(format!(
            "FloatApproxEqual({field}, {})",
            golang::json::float(*number)
        )),
        _ => {}
    }
}

/// Returns the assertions of `scenario.assert`, in upstream's order.
pub fn of_overflows(trace: &Trace) -> String {
    let overflows = trace.sorted_overflows();
    let mut lines = vec![format!("len(results) == {}", overflows.len())];
    for (number, event) in overflows.iter().enumerate() {
        let Some(overflow) = &event.overflow else { continue };
        let one = format!("results[{number}].Overflow");
        for (key, source) in &overflow.sources {
            let (scope, value) = overflow.identity(source);
            let key = quote(key);
            lines.push(format!("{key} in {one}.GetSources()"));
            lines.push(format!("{one}.Sources[{key}].IP == {}", quote(&source.ip)));
            lines.push(format!("{one}.Sources[{key}].Range == {}", quote(&source.range)));
            lines.push(format!("{one}.Sources[{key}].GetScope() == {}", quote(scope)));
            lines.push(format!("{one}.Sources[{key}].GetValue() == {}", quote(value)));
        }
        let Some(alert) = overflow.alert() else { continue };
        for (position, event) in alert.events.iter().enumerate() {
            for (key, value) in event.meta.sorted() {
                let call = format!("{one}.Alert.Events[{position}].GetMeta({})", quote(key));
                lines.push(if key == "datasource_path" {
                    let base = value.rsplit('/').next().unwrap_or(value);
                    format!("basename({call}) == {}", quote(base))
                } else {
                    format!("{call} == {}", quote(value))
                });
            }
        }
        lines.push(format!("{one}.Alert.GetScenario() == {}", quote(&alert.scenario)));
        lines.push(format!("{one}.Alert.Remediation == {}", alert.remediation));
        lines.push(format!("{one}.Alert.GetEventsCount() == {}", alert.events_count));
    }
    lines.join("\n") + "\n"
}
