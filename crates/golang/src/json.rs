//! JSON as Go's `encoding/json` writes it.
//!
//! `<`, `>`, `&`, U+2028 and U+2029 are escaped, floats take Go's shortest form, map keys are sorted.

use std::fmt::Write as _;

use serde_json::Value;

use crate::fmt::format_float;

/// Returns the value as Go's `json.Marshal` writes a map or slice: compact, keys sorted, HTML-escaped.
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, None);
    out
}

/// Returns the value with the keys in the order they have, as `json.Marshal` writes a struct.
pub fn to_string_in_order(value: &Value) -> String {
    let mut out = String::new();
    write_in_order(&mut out, value);
    out
}

/// Returns the value as Go's `json.MarshalIndent(value, "", indent)`.
pub fn to_string_indent(value: &Value, indent: &str) -> String {
    let mut out = String::new();
    write_value(
        &mut out,
        value,
        Some(&Indent {
            text: indent,
            depth: 0,
        }),
    );
    out
}

/// Returns `text` as a JSON string with Go's escapes.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

/// Returns a float as Go's `encoding/json` writes it; not-a-number and infinity, which Go refuses, as `null`.
pub fn float(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        // e-09 is written e-9
        let text = format_float(value, 'e', None);
        return match text.split_once("e-0") {
            Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
            None => text,
        };
    }
    format_float(value, 'f', None)
}

struct Indent<'i> {
    text: &'i str,
    depth: usize,
}

impl Indent<'_> {
    const fn deeper(&self) -> Self {
        Indent {
            text: self.text,
            depth: self.depth + 1,
        }
    }
}

fn new_line(out: &mut String, indent: Option<&Indent<'_>>, deeper: usize) {
    if let Some(indent) = indent {
        out.push('\n');
        for _ in 0..indent.depth + deeper {
            out.push_str(indent.text);
        }
    }
}

fn write_value(out: &mut String, value: &Value, indent: Option<&Indent<'_>>) {
    let deeper = indent.map(Indent::deeper);
    match value {
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                new_line(out, indent, 1);
                write_value(out, item, deeper.as_ref());
            }
            new_line(out, indent, 0);
            out.push(']');
        }
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_unstable_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (n, (key, item)) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                new_line(out, indent, 1);
                write_string(out, key);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write_value(out, item, deeper.as_ref());
            }
            new_line(out, indent, 0);
            out.push('}');
        }
        scalar => write_scalar(out, scalar),
    }
}

fn write_in_order(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_in_order(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (n, (key, item)) in map.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_in_order(out, item);
            }
            out.push('}');
        }
        scalar => write_scalar(out, scalar),
    }
}

fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) if number.is_f64() => out.push_str(&float(number.as_f64().unwrap_or_default())),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_string(out, text),
        Value::Null | Value::Array(_) | Value::Object(_) => out.push_str("null"),
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                let written = write!(out, "\\u{:04x}", u32::from(c));
                debug_assert!(written.is_ok(), "a String takes all that is written");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_characters_and_floats_look_like_go() {
        let value = serde_json::json!({"b": "<a&b>\u{2028}\u{7f}", "a": [1.0, 1e21, 1e-7, 0.1, 123_456_789.0, -0.0, null]});
        assert_eq!(
            to_string(&value),
            "{\"a\":[1,1e+21,1e-7,0.1,123456789,-0,null],\"b\":\"\\u003ca\\u0026b\\u003e\\u2028\u{7f}\"}"
        );
        assert_eq!(
            to_string_in_order(&serde_json::json!({"b": 1, "a": {}})),
            r#"{"b":1,"a":{}}"#
        );
    }

    #[test]
    fn indented_form_keeps_empty_containers_on_one_line() {
        let value = serde_json::json!({"b": [], "a": [1, {"c": "x"}]});
        assert_eq!(
            to_string_indent(&value, "  "),
            "{\n  \"a\": [\n    1,\n    {\n      \"c\": \"x\"\n    }\n  ],\n  \"b\": []\n}"
        );
    }
}
