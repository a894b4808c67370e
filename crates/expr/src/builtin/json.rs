//! Values from JSON and to JSON, as Go's `encoding/json` does with `interface{}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::value::Map;
use crate::value::{Text, Value};

/// Returns the standard base64 form with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Returns the value of a JSON document: every number is a float, as Go decodes into `interface{}`.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::array(items.iter().map(from_json).collect()),
        Json::Object(entries) => {
            let map: Map = entries
                .iter()
                .map(|(k, v)| (Text::from(k.as_str()), from_json(v)))
                .collect();
            Value::map(map)
        }
    }
}

/// Returns the JSON form of a value; `None` for what Go's `json.Marshal` refuses (structures of the host are not known here).
pub fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::Number(serde_json::Number::from_f64(*number)?),
        Value::Str(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::from(base64(bytes)),
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(map) => Json::Object(
            map.iter()
                .map(|(key, value)| Some((key_text(&key.to_value())?, to_json(value)?)))
                .collect::<Option<_>>()?,
        ),
        Value::Duration(duration) => Json::from(duration.0),
        Value::Time(time) => Json::from(time.rfc3339_nano()),
        Value::Weekday(number) | Value::Month(number) => Json::from(*number),
        Value::Zone(_) => Json::Object(serde_json::Map::new()),
        Value::Object(_) | Value::Place(_) => return None,
    })
}

/// Returns the key of a JSON object: Go writes integers as text and refuses the rest.
fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::Str(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}
