//! What a node did to an event: the fields it created, changed and removed.

use std::collections::BTreeMap;

use engine::Event;
use engine::event::{Mode, Type};
use expr::Value;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// `Parsed.status`, without `evt.`.
    pub(super) field: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

/// A field of the struct always exists, an entry of a map may not.
type Flat = BTreeMap<(u8, String), String>;

/// Returns what changed from `before` (nothing for the first node) to `after`, in upstream's order of fields.
pub(super) fn between(before: Option<&Event>, after: &Event) -> Vec<Change> {
    let old = before.map_or_else(empty, flatten);
    let new = flatten(after);
    let mut keys: Vec<&(u8, String)> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| Change {
            field: key.1.clone(),
            from: old.get(key).cloned(),
            to: new.get(key).cloned(),
        })
        .collect()
}

/// An event before any line: Go's zero values.
fn empty() -> Flat {
    const ZERO_TIME: &str = "0001-01-01 00:00:00 +0000 UTC";
    let mut flat = Flat::new();
    for (rank, field, zero) in [
        (0, "Type", "0"),
        (1, "ExpectMode", "0"),
        (2, "Whitelisted", "false"),
        (3, "WhitelistReason", ""),
        (4, "Stage", ""),
        (5, "Line.Raw", ""),
        (6, "Line.Src", ""),
        (7, "Line.Time", ZERO_TIME),
        (9, "Line.Process", "false"),
        (10, "Line.Module", ""),
        (14, "Time", ZERO_TIME),
        (15, "StrTime", ""),
        (16, "StrTimeFormat", ""),
        (17, "MarshaledTime", ""),
    ] {
        flat.insert((rank, field.to_owned()), zero.to_owned());
    }
    flat
}

fn flatten(event: &Event) -> Flat {
    let mut flat = Flat::new();
    let mut put = |rank: u8, field: String, value: String| {
        flat.insert((rank, field), value);
    };
    let kind = match event.kind {
        Type::Log => "0",
        Type::Overflow => "1",
        Type::Appsec => "2",
    };
    put(0, "Type".to_owned(), kind.to_owned());
    let mode = if event.mode == Mode::TimeMachine { "1" } else { "0" };
    put(1, "ExpectMode".to_owned(), mode.to_owned());
    put(2, "Whitelisted".to_owned(), event.whitelisted.to_string());
    put(
        3,
        "WhitelistReason".to_owned(),
        event.whitelist_reason.to_string(),
    );
    put(4, "Stage".to_owned(), event.stage.as_str().to_owned());
    put(5, "Line.Raw".to_owned(), event.line.raw.to_string());
    put(6, "Line.Src".to_owned(), event.line.src.to_string());
    let read_at = golang::time::Time::from_timestamp(event.line.at);
    put(7, "Line.Time".to_owned(), read_at.to_go_string());
    for (key, value) in event.line.labels.iter() {
        put(8, format!("Line.Labels.{key}"), value.clone());
    }
    put(9, "Line.Process".to_owned(), event.line.process.to_string());
    put(10, "Line.Module".to_owned(), event.line.module.to_string());
    for (key, value) in event.parsed.iter() {
        put(11, format!("Parsed.{}", key.as_str()), value.to_string());
    }
    for (key, value) in event.enriched.iter() {
        put(12, format!("Enriched.{}", key.as_str()), value.to_string());
    }
    if let Some(map) = &event.unmarshaled {
        unmarshaled(&mut put, "Unmarshaled", map);
    }
    put(14, "Time".to_owned(), event.time.to_go_string());
    put(15, "StrTime".to_owned(), event.str_time.to_string());
    put(16, "StrTimeFormat".to_owned(), event.str_time_format.to_string());
    put(17, "MarshaledTime".to_owned(), event.marshaled_time.to_string());
    for (key, value) in event.meta.iter() {
        put(18, format!("Meta.{}", key.as_str()), value.to_string());
    }
    flat
}

fn unmarshaled(put: &mut impl FnMut(u8, String, String), path: &str, map: &expr::Map) {
    for (key, value) in map.iter() {
        let path = format!("{path}.{}", key.as_str().unwrap_or("?"));
        match value {
            Value::Map(inner) => unmarshaled(put, &path, inner),
            Value::Str(text) => put(13, path, text.to_string()),
            Value::Int(number) => put(13, path, number.to_string()),
            Value::Float(number) => put(13, path, number.to_string()),
            Value::Bool(flag) => put(13, path, flag.to_string()),
            other => put(13, path, format!("{other:?}")),
        }
    }
}
