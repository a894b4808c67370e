//! Every recorded verdict: the same value, the same refusal, or an error where Go has one.

use expr::{Library, Memo, Type, Value};
use serde_json::{Value as Json, json};

use crate::event::{self, Event};

/// Writes a value as the recorder does: the type of a number is part of the verdict.
fn encode(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!({"i": number}),
        Value::Float(number) => json!({"f": go_float(*number)}),
        Value::Str(text) | Value::Zone(text) => json!(text.to_string()),
        Value::Bytes(bytes) => json!({"b": hex(bytes)}),
        Value::Array(items) => items.iter().map(encode).collect(),
        Value::Map(map) => {
            let mut pairs: Vec<Json> = map
                .iter()
                .map(|(key, value)| json!([encode(&key.to_value()), encode(value)]))
                .collect();
            pairs.sort_by_key(ToString::to_string);
            json!({"m": pairs})
        }
        Value::Duration(duration) => json!({"d": duration.0}),
        Value::Time(time) => json!({"t": time.rfc3339_nano()}),
        Value::Weekday(day) => json!({"i": day}),
        Value::Month(month) => json!({"i": month}),
        Value::Object(object) => json!({"o": object.kind.0}),
        Value::Place(_) => json!("place"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}

/// Sorts the pairs of recorded maps as `encode` does.
fn normalize(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(normalize).collect(),
        Json::Object(map) => match map.get("m").and_then(Json::as_array) {
            Some(pairs) => {
                let mut pairs: Vec<Json> = pairs.iter().map(normalize).collect();
                pairs.sort_by_key(ToString::to_string);
                json!({"m": pairs})
            }
            None if map.contains_key("o") => json!({"o": 0}),
            None => json.clone(),
        },
        other => other.clone(),
    }
}

/// Upstream has a stray blank before the place in one message, and calls every literal list `[]interface {}` where we
/// say what is in it.
fn comparable(message: &str) -> String {
    let lists = ["[]interface {}", "[]int", "[]string"];
    lists.iter().fold(message.replace("  (", " ("), |message, list| {
        message.replace(list, "list")
    })
}

fn check(fixture: &str, known: &[&str]) {
    let cases: Vec<Json> = serde_json::from_str(fixture).expect("fixture");
    let events: Vec<Json> = serde_json::from_str(include_str!("../fixtures/events.json")).expect("fixture");
    let objects = event::objects();
    let scheme = event::scheme(&objects);
    let mut differences = Vec::new();
    for case in &cases {
        let source = case["e"].as_str().expect("fixture");
        let mut library = Library::new(&objects);
        let compiled = library.compile(source, &scheme, &Type::Any);
        let mut difference = None;
        match (&compiled, case["c"].as_str()) {
            (Err(error), Some(expected)) => {
                let got = error.to_string();
                let got = got.lines().next().unwrap_or_default();
                if comparable(got) != comparable(expected) {
                    difference = Some(format!("refused with {got:?}, Go with {expected:?}"));
                }
            }
            (Err(error), None) => difference = Some(format!("refused: {error}")),
            (Ok(_), Some(expected)) => difference = Some(format!("accepted, Go refuses with {expected:?}")),
            (Ok(id), None) => {
                for (event, expected) in events.iter().zip(case["v"].as_array().expect("fixture")) {
                    let mut event = Event::of_json(event);
                    let got = library.eval(*id, &mut event, &mut Memo::new(&library));
                    let same = match (&got, expected.get("e")) {
                        (Err(_), Some(_)) => true,
                        (Ok(value), None) => normalize(&encode(value)) == normalize(expected),
                        _ => false,
                    };
                    if !same {
                        let got = got.map(|value| encode(&value).to_string());
                        difference = Some(format!("gives {got:?}, Go {expected}"));
                    }
                }
            }
        }
        if let Some(difference) = difference.filter(|_| !known.contains(&source)) {
            differences.push(format!("{source}\n    {difference}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}

#[test]
fn the_language_gives_what_go_gives() {
    check(include_str!("../fixtures/language.json"), &[]);
}

/// Writes a float as Go's `strconv.FormatFloat(x, 'g', -1, 64)` does.
fn go_float(number: f64) -> String {
    golang::fmt::sprintf("%v", &[golang::fmt::Arg::Float(number)])
}

#[test]
fn every_operator_on_every_pair_of_types_gives_what_go_gives() {
    // Go's `math.Pow` and the C library's `pow` differ here in the last bit.
    check(include_str!("../fixtures/operators.json"), &["evt.Count ** 2.5"]);
}

#[test]
fn functions_in_the_language_give_what_go_gives() {
    let known = [
        // Go prints a formatting mistake of its own (`type %!s(<nil>)`).
        "len(nil)",
        "int(nil)",
        "float(nil)",
        // The first overload that fails is named, not the last.
        "trim(1)",
        // Host structures are called `struct`, zones print by name.
        "type(evt)",
        "timezone(\"UTC\")",
        // The structure's pointer in Go.
        "get(evt, \"Count\")",
    ];
    check(include_str!("../fixtures/builtins.json"), &known);
}

/// Tells whether Go fails on this call of `date` only when it runs.
fn refused_earlier(case: &Json) -> bool {
    let is_date = case["e"]
        .as_str()
        .is_some_and(|source| source.starts_with("date(") && !source.starts_with("date(\""));
    is_date && case["v"][0]["e"].is_string()
}

#[test]
fn functions_on_edge_values_give_what_go_gives() {
    // only that both refuse is compared here, not in which words
    let cases: Vec<Json> = serde_json::from_str(include_str!("../fixtures/functions.json")).expect("fixture");
    let (accepted, refused): (Vec<Json>, Vec<Json>) = cases.into_iter().partition(|case| case["c"].is_null());
    let zones = jiff::tz::TimeZone::get("Europe/Berlin").is_ok();
    if !zones {
        println!("skipped: the cases of named time zones, as this machine has no zone database");
    }
    let accepted: Vec<Json> = accepted
        .into_iter()
        .filter(|case| zones || !case["e"].as_str().is_some_and(|source| source.contains('/')))
        .filter(|case| !refused_earlier(case))
        .collect();
    check(
        &Json::Array(accepted).to_string(),
        // Go visits a map in another order each time
        &[
            r#"keys({"a": [1], "b": nil})"#,
            r#"values({"a": [1], "b": nil})"#,
            r#"toPairs({"a": [1], "b": nil})"#,
        ],
    );
    let objects = event::objects();
    let scheme = event::scheme(&objects);
    let taken: Vec<&str> = refused
        .iter()
        .filter_map(|case| case["e"].as_str())
        .filter(|source| {
            Library::new(&objects)
                .compile(source, &scheme, &Type::Any)
                .is_ok()
        })
        .collect();
    assert!(taken.is_empty(), "taken, but refused by Go: {taken:?}");
}

/// Tells whether upstream's error is a mistake of its own: a panic that the expression engine caught.
fn is_crash(expected: &Json) -> bool {
    let crashes = [
        "runtime error:",
        "interface conversion:",
        "reflect:",
        "hash of unhashable",
    ];
    let message = expected.get("e").and_then(Json::as_str).unwrap_or_default();
    crashes.iter().any(|crash| message.starts_with(crash))
}

#[test]
fn helpers_on_edge_values_give_what_upstream_gives() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("../fixtures/helpers.json")).expect("fixture");
    let objects = event::objects();
    let scheme = event::scheme(&objects);
    let events: Vec<Json> = serde_json::from_str(include_str!("../fixtures/events.json")).expect("fixture");
    let mut event = events.into_iter().next().expect("an event");
    event["Unmarshaled"] = json!({});
    let mut differences = Vec::new();
    for case in &cases {
        let source = case["e"].as_str().expect("fixture");
        let mut library = Library::new(&objects);
        let expected = &case["v"][0];
        let got = match library.compile(source, &scheme, &Type::Any) {
            Err(error) => Err(error.to_string()),
            Ok(id) => {
                let mut event = Event::of_json(&event);
                library
                    .eval(id, &mut event, &mut Memo::new(&library))
                    .map_err(|error| error.to_string())
            }
        };
        let same = match &got {
            Err(_) => case["c"].is_string() || expected.get("e").is_some(),
            // where upstream's helper crashes, ours gives what it gives for nothing found
            Ok(_) if is_crash(expected) => true,
            Ok(value) => !case["c"].is_string() && normalize(&encode(value)) == normalize(expected),
        };
        // a path of nothing but slashes; no duration but an int without a database
        let known = source.ends_with("\"//\")") || source.starts_with("GetActiveDecisionsTimeLeft(");
        if !same && !known {
            let got = got.map(|value| encode(&value).to_string());
            differences.push(format!(
                "{source}\n    gives {got:?}, upstream {expected} {}",
                case["c"]
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}
