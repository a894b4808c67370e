//! How values look to Go's `fmt`.

use golang::fmt::Arg;
use golang::strings::quote;

use crate::value::Value;

/// Returns Go's `fmt.Sprintf(format, args…)` of values.
pub fn sprintf(format: &str, args: &[Value]) -> String {
    let args: Vec<Arg<'_>> = args.iter().map(go_arg).collect();
    golang::fmt::sprintf(format, &args)
}

/// Returns the value as an argument of Go's `fmt`, with the Go type its messages name.
pub fn go_arg(value: &Value) -> Arg<'_> {
    match value {
        Value::Nil | Value::Place(_) => Arg::Nil,
        Value::Bool(truth) => Arg::Bool(*truth),
        Value::Int(number) => Arg::Int(*number),
        Value::Float(number) => Arg::Float(*number),
        Value::Str(text) => Arg::Str(text.as_str().into()),
        Value::Bytes(bytes) => Arg::Slice(
            "[]uint8",
            bytes.iter().map(|byte| Arg::Int(i64::from(*byte))).collect(),
        ),
        Value::Array(items) => {
            let name = match items.as_slice() {
                [Value::Str(_), ..] if items.iter().all(|i| matches!(i, Value::Str(_))) => "[]string",
                _ => "[]interface {}",
            };
            Arg::Slice(name, items.iter().map(go_arg).collect())
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| (go_key(key), go_arg(value)))
                .collect();
            Arg::Map("map[string]interface {}", entries)
        }
        Value::Duration(duration) => Arg::Duration(*duration),
        Value::Time(time) => Arg::Time((**time).clone()),
        Value::Weekday(day) => Arg::Object("time.Weekday", name_of(&golang::time::WEEKDAYS, *day).into()),
        Value::Month(month) => Arg::Object(
            "time.Month",
            name_of(&golang::time::MONTHS, month.saturating_sub(1)).into(),
        ),
        Value::Zone(name) => Arg::Object("*time.Location", name.as_str().into()),
        Value::Object(_) => Arg::Object("struct", "{}".into()),
    }
}

/// Returns Go's quoted form of a text, for messages.
pub(super) fn quoted(text: &str) -> String {
    quote(text)
}

/// Returns the weekday's or month's name; `index` counts from 0.
pub(super) fn name_of(names: &'static [&'static str], index: u8) -> &'static str {
    names.get(usize::from(index)).copied().unwrap_or_default()
}

fn go_key(key: &crate::value::MapKey) -> Arg<'_> {
    match key {
        crate::value::MapKey::Text(text) => Arg::Str(text.as_str().into()),
        crate::value::MapKey::Other(value) => go_arg(value),
    }
}
