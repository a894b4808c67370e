//! Events as plain data: what buckets and alerts need of them after a restart.

use std::{collections::BTreeMap, sync::Arc};

use expr::{Map, Value};
use golang::time::Time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Event, Fields, Mode, Name, RawLine, Text,
    event::{Alert, Identity, RuntimeAlert, Source},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredEvent {
    live: bool,
    raw: String,
    source: String,
    labels: BTreeMap<String, String>,
    module: String,
    read_at: Timestamp,
    time: String,
    marshaled_time: String,
    str_time: String,
    stage: String,
    parsed: BTreeMap<String, String>,
    enriched: BTreeMap<String, String>,
    meta: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unmarshaled: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overflow: Option<StoredOverflow>,
}

/// What a scenario over overflows can ask of a queued one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredOverflow {
    mapkey: String,
    scenario: String,
    remediation: bool,
    sources: Vec<StoredSource>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredSource {
    key: String,
    scope: String,
    value: String,
    ip: String,
    range: String,
    as_name: String,
    as_number: String,
    cn: String,
    latitude: f32,
    longitude: f32,
}

pub(super) fn store(event: &Event) -> StoredEvent {
    let fields = |fields: &Fields| {
        fields
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect()
    };
    StoredEvent {
        live: event.mode == Mode::Live,
        raw: event.line.raw.to_string(),
        source: event.line.src.to_string(),
        labels: (*event.line.labels).clone(),
        module: event.line.module.to_string(),
        read_at: event.line.at,
        time: event.time.rfc3339_nano(),
        marshaled_time: event.marshaled_time.to_string(),
        str_time: event.str_time.to_string(),
        stage: event.stage.to_string(),
        parsed: fields(&event.parsed),
        enriched: fields(&event.enriched),
        meta: fields(&event.meta),
        unmarshaled: event.unmarshaled.as_ref().map(|map| map_json(map)),
        overflow: event.overflow.as_ref().map(|overflow| store_overflow(overflow)),
    }
}

pub(super) fn restore(stored: StoredEvent) -> Event {
    let fields = |stored: &BTreeMap<String, String>| {
        stored
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect::<Fields>()
    };
    let mode = if stored.live {
        Mode::Live
    } else {
        Mode::TimeMachine
    };
    let mut event = match stored.overflow {
        Some(overflow) => Event::from_overflow(
            restore_overflow(overflow),
            stored.read_at,
            Text::from(stored.marshaled_time.as_str()),
        ),
        None => Event::from_line(
            RawLine {
                text: Text::from(stored.raw),
                source: Arc::from(stored.source),
                labels: Arc::new(stored.labels),
                module: Name::new(&stored.module),
                at: stored.read_at,
            },
            mode,
        ),
    };
    if let Ok(time) = Time::parse(golang::time::RFC3339, &stored.time) {
        event.time = time;
    }
    event.marshaled_time = Text::from(stored.marshaled_time);
    event.str_time = Text::from(stored.str_time);
    event.stage = Name::new(&stored.stage);
    event.parsed = fields(&stored.parsed);
    event.enriched = fields(&stored.enriched);
    event.meta = fields(&stored.meta);
    if let Some(serde_json::Value::Object(entries)) = stored.unmarshaled {
        event.unmarshaled = Some(Arc::new(json_map(entries)));
    }
    event
}

fn store_overflow(overflow: &RuntimeAlert) -> StoredOverflow {
    let sources = overflow.sources.iter().map(|(key, source)| {
        let (scope, value) = overflow.identity(source);
        StoredSource {
            key: key.to_string(),
            scope: scope.to_owned(),
            value: value.to_owned(),
            ip: source.ip.to_string(),
            range: source.range.to_string(),
            as_name: source.as_name.to_string(),
            as_number: source.as_number.to_string(),
            cn: source.cn.to_string(),
            latitude: source.latitude,
            longitude: source.longitude,
        }
    });
    StoredOverflow {
        mapkey: overflow.mapkey.to_string(),
        scenario: overflow
            .alert()
            .map(|alert| alert.scenario.to_string())
            .unwrap_or_default(),
        remediation: overflow.alert().is_some_and(|alert| alert.remediation),
        sources: sources.collect(),
    }
}

fn restore_overflow(stored: StoredOverflow) -> RuntimeAlert {
    let mut overflow = RuntimeAlert {
        mapkey: Text::from(stored.mapkey),
        ..RuntimeAlert::default()
    };
    for (identity, source) in stored.sources.into_iter().enumerate() {
        overflow.identities.push(Identity {
            scope: Text::from(source.scope),
            value: Text::from(source.value),
        });
        let restored = Source {
            identity,
            ip: Text::from(source.ip),
            range: Text::from(source.range),
            as_name: Text::from(source.as_name),
            as_number: Text::from(source.as_number),
            cn: Text::from(source.cn),
            latitude: source.latitude,
            longitude: source.longitude,
        };
        overflow.alerts.push(Alert {
            scenario: Text::from(stored.scenario.as_str()),
            remediation: stored.remediation,
            source: Some(restored.clone()),
            ..Alert::default()
        });
        overflow.sources.insert(Text::from(source.key), restored);
    }
    overflow
}

fn map_json(map: &Map) -> serde_json::Value {
    let entries = map
        .iter()
        .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value_json(value))));
    serde_json::Value::Object(entries.collect())
}

fn value_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Str(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(value_json).collect(),
        Value::Map(map) => map_json(map),
        _ => serde_json::Value::Null,
    }
}

fn json_map(entries: serde_json::Map<String, serde_json::Value>) -> Map {
    entries
        .into_iter()
        .map(|(key, value)| (Text::from(key), json_value(value)))
        .collect()
}

fn json_value(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) if !number.is_f64() => Value::Int(whole),
            _ => Value::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(items) => Value::array(items.into_iter().map(json_value).collect()),
        serde_json::Value::Object(entries) => Value::map(json_map(entries)),
    }
}
