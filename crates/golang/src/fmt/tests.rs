//! Verdicts recorded from Go's `fmt` (`tests/record/sprintf.go`).

use serde_json::Value;

use super::*;

fn arg(value: &Value) -> Arg<'_> {
    match value {
        Value::Null => Arg::Nil,
        Value::Bool(b) => Arg::Bool(*b),
        Value::Number(n) => n
            .as_i64()
            .map_or_else(|| Arg::Float(n.as_f64().unwrap_or(0.0)), Arg::Int),
        Value::String(s) => Arg::Str(s.into()),
        Value::Array(items) => Arg::Slice("[]interface {}", items.iter().map(arg).collect()),
        Value::Object(map) => {
            let (key, inner) = map
                .iter()
                .next()
                .map_or(("", &Value::Null), |(k, v)| (k.as_str(), v));
            match key {
                "$duration" => Arg::Duration(Duration(inner.as_i64().unwrap_or(0))),
                "$time" => Arg::Time(
                    Time::parse(crate::time::RFC3339, inner.as_str().unwrap_or("")).expect("a time"),
                ),
                "$float" => Arg::Float(match inner.as_str().unwrap_or("") {
                    "+Inf" => f64::INFINITY,
                    "-Inf" => f64::NEG_INFINITY,
                    "NaN" => f64::NAN,
                    text => text.parse().expect("a float"),
                }),
                "$strings" => Arg::Slice(
                    "[]string",
                    inner.as_array().expect("a list").iter().map(arg).collect(),
                ),
                _ => Arg::Map(
                    "map[string]interface {}",
                    map.iter().map(|(k, v)| (Arg::Str(k.into()), arg(v))).collect(),
                ),
            }
        }
    }
}

#[test]
fn sprintf_writes_what_go_writes() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/fixtures/sprintf.json")).expect("the fixture is JSON");
    let mut wrong = Vec::new();
    for row in &rows {
        let format = row["format"].as_str().expect("a format");
        let args: Vec<_> = row["args"]
            .as_array()
            .expect("arguments")
            .iter()
            .map(arg)
            .collect();
        let seen = sprintf(format, &args);
        if Some(seen.as_str()) != row["out"].as_str() {
            wrong.push(format!(
                "{format:?} of {}: {seen:?}, Go {}",
                row["args"], row["out"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

#[test]
fn sprint_puts_a_space_between_two_that_are_no_texts() {
    assert_eq!(
        sprint(&[
            Arg::Int(1),
            Arg::Int(2),
            Arg::Str("a".into()),
            Arg::Int(3),
            Arg::Nil
        ]),
        "1 2a3 <nil>"
    );
}
