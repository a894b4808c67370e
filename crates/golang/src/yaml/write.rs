//! Writes YAML that every Go decoder of upstream reads back the same.

use serde::Serialize;
use serde_json::Value;

use super::Dialect;
use super::scalar::{self, Resolved};

/// Returns the value as block YAML, keys in their order; `Err` when it has no JSON form.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let value = serde_json::to_value(value)?;
    let mut out = String::new();
    match &value {
        Value::Object(map) if !map.is_empty() => write_mapping(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => write_list(&mut out, items, 0),
        scalar => {
            out.push_str(&inline(scalar, 0));
            out.push('\n');
        }
    }
    Ok(out)
}

fn write_mapping(out: &mut String, map: &serde_json::Map<String, Value>, depth: usize) {
    for (key, value) in map {
        indent(out, depth);
        write_entry(out, key, value, depth);
    }
}

fn write_entry(out: &mut String, key: &str, value: &Value, depth: usize) {
    out.push_str(&scalar_text(key));
    out.push(':');
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write_mapping(out, map, depth + 1);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            write_list(out, items, depth + 1);
        }
        value => {
            out.push(' ');
            out.push_str(&inline(value, depth + 1));
            out.push('\n');
        }
    }
}

fn write_list(out: &mut String, items: &[Value], depth: usize) {
    for item in items {
        indent(out, depth);
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => {
                for (n, (key, value)) in map.iter().enumerate() {
                    if n > 0 {
                        indent(out, depth + 1);
                    }
                    write_entry(out, key, value, depth + 1);
                }
            }
            Value::Array(inner) if !inner.is_empty() => {
                out.push('\n');
                write_list(out, inner, depth + 1);
            }
            value => {
                out.push_str(&inline(value, depth + 1));
                out.push('\n');
            }
        }
    }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Writes a scalar or an empty container.
fn inline(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_block(text) => block(text, depth),
        Value::String(text) => scalar_text(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// Tells whether a text is best written as a literal block: several lines, and nothing a block cannot hold.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text
            .chars()
            .all(|c| c == '\n' || (c != '\u{feff}' && crate::strings::is_print(c)) || c == '\t')
}

fn block(text: &str, depth: usize) -> String {
    let mut out = String::from("|");
    let kept = text.strip_suffix('\n');
    match kept {
        None => out.push('-'),
        Some(kept) if kept.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    for line in kept.unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(&mut out, depth);
            out.push_str(line);
        }
    }
    out
}

/// Writes a text plain when every dialect reads it back as this text, else quoted.
fn scalar_text(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if text.chars().all(crate::strings::is_print) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    // JSON's escapes are a part of YAML's
    serde_json::Value::from(text).to_string()
}

fn is_plain(text: &str) -> bool {
    let safe = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '+' | '@' | '%' | '(' | ')' | ' ')
    };
    let edge = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.');
    text.starts_with(edge)
        && text.ends_with(|c| edge(c) || c == ')')
        && text.chars().all(safe)
        && scalar::old_bool(text).is_none()
        && !looks_like_time(text)
        && scalar::resolve(text, true, None, Dialect::V3Known) == Ok(Resolved::Text)
}

/// Tells whether a reader of YAML 1.1 could take the text for a number or a date.
fn looks_like_time(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-' | b'_' | b'e' | b'E' | b'+' | b' '))
        && !text.bytes().filter(|b| *b == b'.').count().eq(&3)
}
