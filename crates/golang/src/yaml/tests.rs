//! Verdicts of the Go decoders, and the places in our refusals.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Item {
    name: String,
    n: i64,
    b: bool,
    f: f64,
    list: Vec<String>,
    map: BTreeMap<String, String>,
    inner: Option<Box<Item>>,
    #[serde(default = "yes")]
    preset: bool,
}

fn yes() -> bool {
    true
}

fn check(text: &str, expected: &str) {
    let seen = match from_str::<Item>(text, Dialect::V3Known) {
        Ok(item) => format!("{item:?}"),
        Err(problem) => format!("! {problem}"),
    };
    assert_eq!(seen, expected, "for {text:?}");
}

#[test]
fn unknown_key_is_named_with_its_place_and_the_valid_ones() {
    check(
        "name: x\ninner:\n  nam: y\n",
        "! line 3, column 3: inner: unknown key \"nam\"; valid keys are name, n, b, f, list, map, inner, preset",
    );
    check(
        "name: a\nname: b\n",
        "! line 2, column 1: mapping key \"name\" already defined at line 1",
    );
    check(
        "n: \"8080\"\n",
        "! line 1, column 4: n: cannot unmarshal !!str `8080` into int",
    );
    check(
        "list:\n- a\n- {b: c}\n",
        "! line 3, column 3: list[1]: cannot unmarshal !!map into string",
    );
}

#[test]
fn text_fields_keep_their_source() {
    for (source, expected) in [
        ("off", "off"),
        ("2.0", "2.0"),
        ("0x1F", "0x1F"),
        ("'~'", "~"),
        ("~", ""),
        ("", ""),
    ] {
        let item: Item = from_str(&format!("name: {source}\n"), Dialect::V2Strict).expect("a text");
        assert_eq!(item.name, expected, "for {source:?}");
    }
}

#[test]
fn null_leaves_a_field_at_its_default() {
    let item: Item = from_str("preset: ~\nlist:\nmap: null\nn:\n", Dialect::V3Known).expect("nulls");
    assert_eq!(
        item,
        Item {
            preset: true,
            ..Item::default()
        }
    );
}

#[test]
fn documents_without_content_are_counted_or_left_out() {
    let text = "---\nname: a\n---\n---\n# nothing\n---\nname: b\n";
    assert_eq!(documents(text).map(|d| d.len()), Ok(4));
    let read: Vec<_> = multi::<Item>(text, Dialect::V2Strict)
        .expect("two items")
        .into_iter()
        .map(|(i, l)| (i.name, l))
        .collect();
    assert_eq!(read, [("a".to_owned(), 2), ("b".to_owned(), 7)]);
}

#[test]
fn merge_keys_fill_up_what_is_not_set() {
    let text = "inner: &x {name: a, n: 1}\n<<: *x\nn: 2\n";
    let item: Item = from_str(text, Dialect::V3Known).expect("merged");
    assert_eq!((item.name.as_str(), item.n), ("a", 2));
}

#[test]
fn hostile_documents_are_refused() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let line = format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
        laughs.push_str(&line);
    }
    for (text, part) in [
        (laughs, "excessive aliasing"),
        ("[".repeat(20_000), ""),
        ("a: &a [*a]\n".to_owned(), "contains itself"),
        ("a: 1\n...\nb: 2\n".to_owned(), ""),
    ] {
        let problem = documents(&text).expect_err("a refusal").to_string();
        assert!(
            problem.contains(part),
            "{problem} for {}",
            text.chars().take(40).collect::<String>()
        );
    }
}

#[test]
fn byte_order_mark_carriage_returns_and_missing_last_line_feed_are_taken() {
    let item: Item = from_str("\u{feff}name: a\r\nlist:\r\n- |\r\n  x", Dialect::V3Known).expect("an item");
    assert_eq!((item.name.as_str(), item.list), ("a", vec!["x".to_owned()]));
}

#[test]
fn node_can_be_kept_and_decoded_later() {
    #[derive(Deserialize)]
    struct Rest {
        kind: String,
        rest: Node,
    }
    let read: Rest = from_str(
        "kind: x\nrest:\n  name: off\n  list: [1.0, ~]\n",
        Dialect::V3Known,
    )
    .expect("a node");
    assert_eq!(read.kind, "x");
    let item: Item = read.rest.decode(Dialect::V2Strict).expect("an item");
    assert_eq!(
        (item.name.as_str(), item.list),
        ("off", vec!["1.0".to_owned(), String::new()])
    );
}

#[test]
fn what_is_written_is_read_back() {
    let value = serde_json::json!({
        "plain": "abc def", "bool": "yes", "number": "1.0", "null": "~", "empty": "", "lines": "a\n b\n", "open": "a\nb",
        "kept": "a\n\n", "quote": "it's: #1", "tab": "a\tb", "date": "2020-01-02", "clock": "12:30:45", "address": "1.2.3.4",
        "list": [1, "x", [], {}, {"k": "v", "l": [true, null]}, ["n", ["m"]]], "dash": "- a", "colon": "a: b", "star": "*a",
        "nested": {"a": {"b": "c\nd\n"}}, "control": "\u{1}", "space": " a ", "<<": "x", "5": 5
    });
    let text = to_string(&value).expect("JSON values have a form");
    let read: serde_json::Value = from_str(&text, Dialect::Lenient).expect(&text);
    assert_eq!(read, value, "{text}");
}
