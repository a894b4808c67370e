//! How one line looks, as text and as JSON. Upstream: logrus' `TextFormatter` and `JSONFormatter`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::logging::Format;

/// One line before it is formatted.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) time: String,
    pub(crate) level: &'a str,
    pub(crate) message: String,
    pub(crate) fields: BTreeMap<String, Value>,
}

impl Line<'_> {
    /// Returns the line with its line feed.
    pub(crate) fn render(self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => self.json(),
        }
    }

    fn text(self) -> String {
        let mut out = format!("time={} level={} msg=", quoted(&self.time), self.level);
        out.push_str(&quoted(&self.message));
        for (key, value) in self.fields {
            out.push(' ');
            out.push_str(&key);
            out.push('=');
            match value {
                Value::String(text) => out.push_str(&quoted(&text)),
                other => out.push_str(&quoted(&other.to_string())),
            }
        }
        out.push('\n');
        out
    }

    fn json(self) -> String {
        // A field that has the name of a fixed key is moved aside, as logrus does.
        let mut map: BTreeMap<String, Value> = self
            .fields
            .into_iter()
            .map(|(key, value)| match key.as_str() {
                "time" | "level" | "msg" => (format!("fields.{key}"), value),
                _ => (key, value),
            })
            .collect();
        map.insert("time".to_owned(), Value::String(self.time));
        map.insert("level".to_owned(), Value::String(self.level.to_owned()));
        map.insert("msg".to_owned(), Value::String(self.message));
        let object = Value::Object(map.into_iter().collect()).to_string();
        // These three occur inside strings only; Go's encoder escapes them.
        let mut out = object
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026");
        out.push('\n');
        out
    }
}

/// Returns `text` bare when it holds only letters, digits and `-._/@^+`, else in quotes with Go's escapes.
fn quoted(text: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@^+".contains(&byte);
    if text.bytes().all(bare) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            control if control.is_ascii_control() => {
                write!(out, "\\x{:02x}", u32::from(control)).unwrap_or_default();
            }
            control if control.is_control() => {
                write!(out, "\\u{:04x}", u32::from(control)).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
