//! Verdicts of yaml.v2 strict, yaml.v3 with known fields and goccy strict (`tests/record/yaml.go`).

use std::collections::BTreeMap;

use golang::yaml::{self, Dialect, Node};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize, Default, PartialEq)]
#[serde(default)]
struct Sub {
    s: String,
    n: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Doc {
    s: String,
    n: i64,
    u: u8,
    b: bool,
    f: f64,
    l: Vec<String>,
    ln: Vec<i64>,
    m: BTreeMap<String, String>,
    i: Value,
    sub: Sub,
    p: Option<String>,
    pb: Option<bool>,
    ls: Vec<Sub>,
}

impl Sub {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        put(&mut map, "s", self.s.clone());
        put(&mut map, "n", self.n);
        Value::Object(map)
    }
}

/// Puts a value that Go's `omitempty` would write.
fn put(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let empty = match &value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
    };
    if !empty {
        map.insert(key.to_owned(), value);
    }
}

impl Doc {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        put(&mut map, "s", self.s.clone());
        put(&mut map, "n", self.n);
        put(&mut map, "u", self.u);
        put(&mut map, "b", self.b);
        put(&mut map, "f", if self.f.is_finite() { self.f } else { -999.0 });
        put(&mut map, "l", self.l.clone());
        put(&mut map, "ln", self.ln.clone());
        put(&mut map, "m", serde_json::to_value(&self.m).expect("a map"));
        // an interface is written unless it is nil
        if !self.i.is_null() {
            map.insert("i".to_owned(), self.i.clone());
        }
        put(&mut map, "sub", self.sub.to_json());
        if let Some(p) = &self.p {
            map.insert("p".to_owned(), p.clone().into());
        }
        if let Some(pb) = self.pb {
            map.insert("pb".to_owned(), pb.into());
        }
        put(
            &mut map,
            "ls",
            self.ls.iter().map(Sub::to_json).collect::<Vec<_>>(),
        );
        Value::Object(map)
    }
}

fn read(text: &str, dialect: Dialect) -> Result<Value, yaml::Problem> {
    let documents = yaml::documents(text)?;
    let docs: Result<Vec<Value>, _> = documents
        .iter()
        .map(|document| Ok(document.decode::<Doc>(dialect)?.to_json()))
        .collect();
    docs.map(Value::Array)
}

/// Makes whole floats integers, which JSON as Go writes it cannot tell apart.
fn normal(value: Value) -> Value {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 && f.abs() < 1e15 => Value::from(f as i64),
            Some(f) => Value::from(f),
            None => Value::Number(n),
        },
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, normal(v))).collect(),
        other => other,
    }
}

/// Compares with one decoder's verdicts; the known differences stand in `yaml_differences.json`, by text.
fn compare(dialect: Dialect, name: &str, column: usize) {
    let rows: Vec<Vec<String>> =
        serde_json::from_str(include_str!("../fixtures/yaml.json")).expect("the fixture is JSON");
    let known: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../fixtures/yaml_differences.json")).expect("the list is JSON");
    let mut wrong = BTreeMap::new();
    for row in &rows {
        let (text, expected) = (&row[0], row.get(column).unwrap_or_else(|| &row[row.len() - 1]));
        let seen = read(text, dialect);
        let equal = match (&seen, expected.as_str()) {
            (Err(_), "!") => true,
            (Err(_), _) | (Ok(_), "!") => false,
            // a stream without any document is null in Go's verdict
            (Ok(seen), "null") => seen.as_array().is_some_and(Vec::is_empty),
            (Ok(seen), expected) => {
                normal(seen.clone()) == normal(serde_json::from_str(expected).expect("a verdict"))
            }
        };
        if !equal {
            let seen = seen.map_or_else(|problem| format!("! {problem}"), |value| value.to_string());
            wrong.insert(text.clone(), format!("{text:?}: {seen}, Go {expected}"));
        }
    }
    let known = &known[name];
    let new: Vec<_> = wrong
        .iter()
        .filter(|(text, _)| !known.contains(text))
        .map(|(_, line)| line.as_str())
        .collect();
    assert!(
        new.is_empty(),
        "{} of {} differ anew:\n{}",
        new.len(),
        rows.len(),
        new.join("\n")
    );
    let gone: Vec<_> = known.iter().filter(|text| !wrong.contains_key(*text)).collect();
    assert!(
        gone.is_empty(),
        "these differ no longer and must leave the list: {gone:?}"
    );
}

#[test]
fn strict_v2_takes_and_refuses_what_go_does() {
    compare(Dialect::V2Strict, "v2", 1);
}

#[test]
fn v3_with_known_fields_takes_and_refuses_what_go_does() {
    compare(Dialect::V3Known, "v3", 2);
}

#[test]
fn strict_goccy_takes_and_refuses_what_go_does() {
    compare(Dialect::GoccyStrict, "goccy", 3);
}

#[test]
fn kept_nodes_read_like_the_text_they_stand_for() {
    #[derive(Deserialize)]
    struct Outer {
        rest: Node,
    }
    let outer: Outer = yaml::from_str("rest:\n  s: 2.0\n  l: [off]\n", Dialect::V3Known).expect("a node");
    let doc: Doc = outer.rest.decode(Dialect::V2Strict).expect("a document");
    assert_eq!((doc.s.as_str(), doc.l), ("2.0", vec!["off".to_owned()]));
}
