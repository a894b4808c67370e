//! What holds for any input: nothing panics, and what is written is read back.

use golang::duration::Duration;
use golang::fmt::{Arg, sprintf};
use golang::time::{RFC3339, Time};
use golang::yaml::{self, Dialect};
use golang::{json, regexp, strings, url};
use proptest::prelude::*;

/// Texts rich in what the formats give a meaning to.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r"[\[\](){}|*+?^$\\.a-zA-Z0-9&~\-:,é ]{0,30}",
        r"(%[-+# 0]{0,2}[0-9*\[\]]{0,3}(\.[0-9*]{0,3})?[a-zA-Z%]){0,4}",
        r"([a-c&*!\-?:|>\[\]{}#'\x22 ,~]|\n|  |\t){0,40}",
        r"[0-9TZ:. ,+\-/a-zA-Z]{0,30}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in text(), other in text(), number in any::<i64>(), float in any::<f64>()) {
        if let Ok(pattern) = regexp::translate(&text) {
            prop_assert!(pattern.len() < 1000 * (text.len() + 1));
        }
        for dialect in [Dialect::V2Strict, Dialect::V3Known, Dialect::GoccyStrict] {
            drop(yaml::from_str::<serde_json::Value>(&text, dialect));
            drop(yaml::multi::<serde_json::Value>(&text, dialect));
        }
        if let Ok(time) = Time::parse(&text, &other) {
            drop(time.format(&other));
        }
        drop(Time::from_unix(number, 5).add_date(number, number, number).format(&text));
        drop(sprintf(&text, &[Arg::Int(number), Arg::Str(other.as_str().into()), Arg::Float(float), Arg::Nil]));
        drop(Duration::parse_days(&text));
        drop(strings::title(&text));
        drop(url::path_unescape(&text));
    }

    #[test]
    fn what_is_quoted_for_json_is_read_back(text in any::<String>()) {
        prop_assert_eq!(serde_json::from_str::<String>(&json::quote(&text)).ok(), Some(text));
    }

    #[test]
    fn what_is_escaped_is_unescaped(text in any::<String>()) {
        prop_assert_eq!(url::query_unescape(&url::query_escape(&text)), Ok(text.clone()));
        prop_assert_eq!(url::path_unescape(&url::path_escape(&text)), Ok(text));
    }

    #[test]
    fn quoted_patterns_match_themselves(text in any::<String>()) {
        let pattern = regexp::compile(&regexp::quote_meta(&text));
        prop_assert!(pattern.is_ok_and(|p| p.find(&text).is_some_and(|m| m.as_str() == text)));
    }

    #[test]
    fn times_are_read_back(seconds in 0_i64..250_000_000_000, nanos in 0_u32..1_000_000_000, minutes in -720_i32..720) {
        let time = Time::from_unix(seconds, nanos).with_offset(minutes * 60, "");
        let read = Time::parse(RFC3339, &time.rfc3339_nano());
        prop_assert_eq!(read.as_ref().map(Time::offset), Ok(minutes * 60));
        prop_assert_eq!(read, Ok(time));
    }

    #[test]
    fn written_yaml_is_read_back_in_every_dialect(
        texts in proptest::collection::vec(text(), 0..4),
        map in proptest::collection::btree_map("[a-z]{1,6}", any::<String>(), 0..4),
    ) {
        let value = serde_json::json!({"texts": texts, "map": map, "deep": [{"map": map, "n": 5, "none": null}]});
        let written = yaml::to_string(&value).expect("JSON has a YAML form");
        for dialect in [Dialect::V2Strict, Dialect::V3Known, Dialect::Lenient] {
            let read: Result<serde_json::Value, _> = yaml::from_str(&written, dialect);
            prop_assert_eq!(read.as_ref(), Ok(&value), "{}", written);
        }
    }
}
