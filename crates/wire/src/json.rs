//! JSON as the Go programs read and write it: tolerant in, HTML-escaped out, errors in Go's words.
//!
//! Keys match case-insensitively, unknown members are skipped, `null` is "not given", only the first value of a
//! body is read. Clients and test suites read the error texts, so they are Go's (`encoding/json`).

pub(crate) mod decode;
mod invalid;
mod parse;
mod validate;

use serde::Serialize;

pub use decode::{Fields, FromGo, Mismatch, Path};
pub use invalid::Invalid;
pub use parse::{Value, parse};
pub use validate::Checks;

/// Says in Go's words why a body was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is not JSON.
    #[error("{0}")]
    Syntax(String),
    /// A value has another type than its field.
    #[error("{0}")]
    Type(String),
}

/// Decodes the first JSON value of a body. Upstream: `gin` binding over `encoding/json`.
pub fn decode<T: FromGo>(body: &[u8]) -> Result<T, DecodeError> {
    let value = parse(body)?;
    decode_value(&value)
}

/// Decodes an already parsed value.
pub fn decode_value<T: FromGo>(value: &Value<'_>) -> Result<T, DecodeError> {
    let mut out = T::default();
    let root = T::root_name();
    out.read(value, &Path::root(&root))
        .map_err(|m| DecodeError::Type(m.to_string()))?;
    Ok(out)
}

/// Lists what the API description requires and the value lacks, as one text; `None` when valid.
///
/// Upstream: the generated `Validate` methods of `pkg/models`.
pub fn invalid<T: FromGo>(value: &Value<'_>) -> Option<String> {
    let mut found = Vec::new();
    T::check(value, &mut found);
    (!found.is_empty()).then(|| Invalid::List(found).text())
}

/// Encodes as Go's `json.Marshal` does: no spaces, no trailing newline, `<`, `>`, `&`, U+2028 and U+2029 escaped.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|text| escape_html(&text))
}

/// Encodes like [`to_string`], as bytes.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    to_string(value).map(String::into_bytes)
}

/// Escapes what Go escapes beyond the JSON standard; these characters can only stand inside strings.
fn escape_html(json: &str) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 32);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            _ => out.push(c),
        }
    }
    out
}

/// Writes a float as Go does: no `.0` on whole numbers.
pub(crate) fn whole_or_float<S: serde::Serializer, F: Into<f64> + Serialize + Copy>(
    value: &F,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let wide: f64 = (*value).into();
    if wide.fract() == 0.0 && wide.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e15")]
        return serializer.serialize_i64(wide as i64);
    }
    value.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;

    #[test]
    fn output_is_escaped_as_go_does() {
        assert_eq!(
            to_string("a<b>&\u{2028}").unwrap(),
            r#""a\u003cb\u003e\u0026\u2028""#
        );
    }

    #[test]
    fn keys_match_whatever_their_case_and_only_the_first_value_counts() {
        let alerts: Vec<Alert> =
            decode(br#"[{"Scenario":"x","EVENTS_COUNT":3,"unknown":{},"events":null}] trailing"#).unwrap();
        assert_eq!((alerts[0].scenario.as_str(), alerts[0].events_count), ("x", 3));
        assert_eq!(alerts[0].events, None);
    }

    #[test]
    fn errors_read_as_go_writes_them() {
        let check = |body: &str, expected: &str| {
            let got = decode::<Vec<Alert>>(body.as_bytes()).unwrap_err().to_string();
            assert_eq!(got, expected, "for {body}");
        };
        check("", "EOF");
        check("[", "unexpected EOF");
        check("  \n", "EOF");
        check(
            "not json",
            "invalid character 'o' in literal null (expecting 'u')",
        );
        check(
            "{}",
            "json: cannot unmarshal object into Go value of type models.AddAlertsRequest",
        );
        check("[}", "invalid character '}' looking for beginning of value");
        check("[1 2]", "invalid character '2' after array element");
        check(r#"{"a" 1}"#, "invalid character '1' after object key");
        check(
            r#"{"a":1 "b"}"#,
            "invalid character '\"' after object key:value pair",
        );
        check(
            "{1}",
            "invalid character '1' looking for beginning of object key string",
        );
        check("\"a\nb\"", "invalid character '\\n' in string literal");
        check("-x", "invalid character 'x' in numeric literal");
        check(
            r#"[{"capacity":"x"}]"#,
            "json: cannot unmarshal string into Go struct field AddAlertsRequest.0.capacity of type int32",
        );
        check(
            r#"[{"capacity":1.5}]"#,
            "json: cannot unmarshal number 1.5 into Go struct field AddAlertsRequest.0.capacity of type int32",
        );
    }

    #[test]
    fn missing_members_are_listed_in_the_order_of_the_description() {
        let value = parse(br#"[{"events":[],"source":{"scope":"Ip"}}]"#).unwrap();
        assert_eq!(
            invalid::<Vec<Alert>>(&value).unwrap(),
            "validation failure list:\n0.capacity in body is required\n0.events_count in body is required\n\
             0.leakspeed in body is required\n0.message in body is required\n0.scenario in body is required\n\
             0.scenario_hash in body is required\n0.scenario_version in body is required\n\
             0.simulated in body is required\nvalidation failure list:\n0.source.value in body is required\n\
             0.start_at in body is required\n0.stop_at in body is required"
        );
    }
}
