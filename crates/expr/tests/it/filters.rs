//! The joined filter program is equal to evaluating each filter in load order, on any filters and any event.

use std::sync::Arc;

use expr::{
    Effect, Env, EvalError, FieldId, FilterSet, Function, Host, Key, Library, Memo, MethodId, Object,
    Objects, Place, Scheme, Signature, Text, Type, Value,
};
use proptest::prelude::*;

use crate::event::{self, Event, evt};

/// The event with a world that has one data file.
#[derive(Clone)]
struct World(Event);

struct Files;

impl Host for Files {
    fn file(&self, name: &str) -> Option<Value> {
        let words = [
            "evil", "bot", "scan", "curl", "wget", "zgrab", "nikto", "sqlmap", "/wp", "alpha",
        ];
        match name {
            "words.txt" => Some(Value::texts(words)),
            "words.json" => Some(Value::texts(
                words.map(|word| format!(r#"{{"word": "{word}", "tag": "t-{word}"}}"#)),
            )),
            // one line has no word, so every text contains what it asks for
            "holes.json" => Some(Value::texts(words.map(|word| {
                format!(
                    r#"{{"{}": "{word}"}}"#,
                    if word == "bot" { "tag" } else { "word" }
                )
            }))),
            _ => None,
        }
    }
}

impl Env for World {
    fn field(&self, object: Object, field: FieldId) -> Value {
        self.0.field(object, field)
    }

    fn entry_text(&self, object: Object, field: FieldId, key: &Key) -> Option<&str> {
        self.0.entry_text(object, field, key)
    }

    fn field_text(&self, object: Object, field: FieldId) -> Option<&str> {
        self.0.fields.get(&field).filter(|_| object.index == 0)?.as_str()
    }

    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        self.0.method(object, method, args)
    }

    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        self.0.set_entry(place, key, value)
    }

    fn host(&self) -> &dyn Host {
        &Files
    }
}

/// The helpers that matter here: a data file, a writer that may fail, a pure function that may fail.
fn scheme(objects: &Arc<Objects>) -> Scheme {
    let file = Function::pure(
        "File",
        Signature::fixed([Type::String], Type::array(Type::String)),
        |call| {
            Ok(call
                .env
                .host()
                .file(call.text(0)?)
                .unwrap_or_else(|| Value::array(Vec::new())))
        },
    );
    let store = Function::with_effect(
        "Store",
        Signature::fixed([Type::String, Type::anys(), Type::String], Type::Any),
        Effect::WritesArgument(1),
        |call| {
            let (text, key) = (call.text(0)?.to_owned(), call.text(2)?.to_owned());
            if text.is_empty() {
                return Err(EvalError::new("nothing to store"));
            }
            let place = call.place(1)?;
            call.env.set_entry(place, &key, Value::from(text))?;
            Ok(Value::Nil)
        },
    );
    let strict = Function::pure(
        "Strict",
        Signature::fixed([Type::String], Type::String),
        |call| match call.text(0)? {
            "" => Err(EvalError::new("empty")),
            text => Ok(Value::from(Text::from(text).to_lowercase())),
        },
    );
    event::scheme(objects).with_functions([file, store, strict])
}

/// Evaluates one by one and by the joined program; both must show the same verdicts and leave the same event.
fn check(filters: &[String], event: &Event) {
    let objects = event::objects();
    let scheme = scheme(&objects);
    let mut library = Library::new(&objects);
    let filters: Vec<_> = filters
        .iter()
        .map(|source| library.compile(source, &scheme, &Type::Bool).expect("compiles"))
        .collect();

    let mut plain = World(event.clone());
    let mut expected = Vec::new();
    for (index, filter) in filters.iter().enumerate() {
        // A fresh memo each time: nothing is remembered from the filter before.
        match library.eval_bool(*filter, &mut plain, &mut Memo::new(&library)) {
            Ok(false) => {}
            verdict => expected.push((index, verdict)),
        }
    }

    let mut joined = World(event.clone());
    let set = FilterSet::new(&library, &filters, &Files);
    let mut memo = Memo::new(&library);
    let mut got = Vec::new();
    set.matching(&library, &mut joined, &mut memo, &mut |index, verdict| {
        got.push((index, verdict));
    });
    assert_eq!(got, expected);
    assert_eq!(joined.0.fields, plain.0.fields);

    // The same thread takes the next event with the same memo.
    memo.clear();
    let mut again = World(event.clone());
    let mut second = Vec::new();
    set.matching(&library, &mut again, &mut memo, &mut |index, verdict| {
        second.push((index, verdict));
    });
    assert_eq!(second, expected);
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "", "evil", "bot", "scan", "curl", "wget", "zgrab", "nikto", "sqlmap", "/wp", "alpha", "http", "ssh",
        "x",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

const TEXTS: &[&str] = &[
    "evt.Meta.service",
    "evt.Meta.log_type",
    "evt.Parsed.uri",
    "evt.Parsed.agent",
    "evt.Stage",
    "evt.Line.Raw",
    "evt.Alert.Scope",
    "Strict(evt.Parsed.agent)",
    "evt.Meta[evt.Stage]",
];

/// A text, or a value that may be one.
fn text() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        9 => prop::sample::select(TEXTS),
        2 => prop::sample::select(vec!["evt.Unmarshaled.s", "evt.Unmarshaled.none"]),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    word().prop_map(|word| format!("\"{word}\""))
}

fn atom() -> impl Strategy<Value = String> {
    let search = prop::sample::select(vec!["contains", "startsWith", "endsWith", "==", "!=", "matches"]);
    prop_oneof![
        6 => (text(), search, literal()).prop_map(|(text, op, word)| format!("{text} {op} {word}")),
        2 => (literal(), text()).prop_map(|(word, text)| format!("{word} == {text}")),
        3 => (text(), prop::collection::vec(literal(), 1..4))
            .prop_map(|(text, words)| format!("{text} in [{}]", words.join(", "))),
        3 => text().prop_map(|text| format!("any(File(\"words.txt\"), {{{text} contains #}})")),
        1 => text().prop_map(|text| format!("any(File(\"words.txt\"), {{{text} == #}})")),
        1 => text().prop_map(|text| format!("any(File(\"words.txt\"), {{Upper({text}) contains Upper(#)}})")),
        1 => text().prop_map(|text| format!("any(File(\"words.txt\"), {{Lower({text}) endsWith Lower(#)}})")),
        3 => prop::collection::vec(text(), 2..4).prop_map(|texts| {
            let loops: Vec<_> =
                texts.iter().map(|text| format!("any(File(\"words.txt\"), {{Upper({text}) contains Upper(#)}})")).collect();
            format!("({})", loops.join(" || "))
        }),
        2 => (text(), prop::sample::select(vec!["words.json", "holes.json"])).prop_map(|(text, file)| {
            format!(
                "any(File(\"{file}\"), {{{text} contains JsonExtract(#, \"word\") ? evt.SetMeta(\"x\", JsonExtract(#, \"tag\")) : false}})"
            )
        }),
        1 => (text(), literal()).prop_map(|(text, word)| {
            format!("any(File(\"words.txt\"), {{{text} contains # && # != {word}}})")
        }),
        2 => (text(), prop::collection::vec(literal(), 1..9))
            .prop_map(|(text, words)| format!("any([{}], {text} startsWith #)", words.join(", "))),
        2 => (text(), prop::collection::vec(literal(), 1..9)).prop_map(|(text, words)| {
            let items: Vec<_> = words.iter().map(|word| format!("{text} contains {word}")).collect();
            format!("({})", items.join(" || "))
        }),
        1 => word().prop_map(|word| format!("evt.SetMeta(\"service\", \"{word}\")")),
        1 => word().prop_map(|word| format!("evt.SetMeta(\"log_type\", \"{word}\")")),
        1 => prop::sample::select(TEXTS)
            .prop_map(|text| format!("Store({text}, evt.Unmarshaled, \"s\") == nil")),
        1 => Just("evt.Whitelisted".to_owned()),
        1 => Just("evt.Unmarshaled.none.x == \"a\"".to_owned()),
    ]
}

fn maybe_negated() -> impl Strategy<Value = String> {
    (atom(), any::<bool>()).prop_map(|(atom, not)| if not { format!("!({atom})") } else { atom })
}

fn filter() -> impl Strategy<Value = String> {
    let group = prop_oneof![
        4 => maybe_negated(),
        1 => prop::collection::vec(maybe_negated(), 2..4).prop_map(|items| format!("({})", items.join(" || "))),
    ];
    prop::collection::vec(group, 1..5).prop_map(|items| items.join(" && "))
}

fn events() -> impl Strategy<Value = Event> {
    let map = |keys: Vec<&'static str>| {
        prop::collection::btree_map(prop::sample::select(keys), word(), 0..4)
            .prop_map(|map| serde_json::to_value(map).expect("strings"))
    };
    (
        word(),
        map(vec!["service", "log_type", "http", "x"]),
        map(vec!["uri", "agent"]),
        map(vec!["s", "t"]),
        any::<bool>(),
        (word(), word()),
    )
        .prop_map(|(stage, meta, parsed, unmarshaled, flag, (one, two))| {
            let alert = serde_json::json!({"Scope": one, "Value": two, "Events": []});
            let alert = if flag { alert } else { serde_json::Value::Null };
            Event::of_json(&serde_json::json!({
                "Stage": stage, "Whitelisted": flag, "Count": 1, "Ratio": 0.5,
                "Line": {"Raw": format!("{one}{two}"), "Labels": {}},
                "Parsed": parsed, "Meta": meta, "Enriched": {}, "Unmarshaled": unmarshaled,
                "Time": "2024-05-06T07:08:09Z", "Alert": alert, "Names": [], "Numbers": [],
            }))
        })
}

proptest! {
    #[test]
    fn the_joined_program_equals_evaluation_in_load_order(
        filters in prop::collection::vec(filter(), 1..40),
        event in events(),
    ) {
        check(&filters, &event);
    }
}

#[test]
fn a_write_of_one_filter_is_seen_by_the_index_for_the_next() {
    let filters = [
        "evt.Meta.service == \"ssh\" && evt.SetMeta(\"service\", \"http\")",
        "evt.Meta.service == \"ssh\"",
        "evt.Meta.service == \"http\"",
    ];
    let events: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../fixtures/events.json")).expect("fixture");
    let mut event = Event::of_json(&events[0]);
    event
        .fields
        .insert(evt::META, Value::map(expr::Map::of_strings([("service", "ssh")])));
    check(&filters.map(str::to_owned), &event);

    let objects = event::objects();
    let mut library = Library::new(&objects);
    let scheme = scheme(&objects);
    let ids = filters.map(|filter| library.compile(filter, &scheme, &Type::Bool).expect("fixture"));
    let set = FilterSet::new(&library, &ids, &Files);
    let mut seen = Vec::new();
    set.matching(
        &library,
        &mut World(event),
        &mut Memo::new(&library),
        &mut |index, _| seen.push(index),
    );
    assert_eq!(seen, [0, 2]);
}
