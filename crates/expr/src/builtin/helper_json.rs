//! Helpers on JSON texts: `JsonExtract` and its kin, `UnmarshalJSON`, `ToJsonString`.
//!
//! The path walker does not validate, as upstream's parser does not: it skips what it is not asked for.
//! Upstream: `pkg/exprhelpers/jsonextract.go`.

use super::json::{from_json, to_json};
use super::text::owned;
use crate::error::EvalError;
use crate::function::{Call, Effect, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let path = |result| Signature::fixed([Type::String, Type::String], result);
    let parts = || Signature::variadic([Type::String], Type::String, Type::String);
    vec![
        Function::pure("JsonExtract", path(Type::String), |call| {
            let steps = steps(call.text(1)?);
            Ok(raw(call, &steps))
        }),
        Function::pure("JsonExtractLib", parts(), |call| {
            let steps = path_args(call)?;
            Ok(raw(call, &steps))
        }),
        Function::pure("JsonExtractUnescape", parts(), |call| {
            // Upstream looks at the first of the keys only
            let key = [call.text(1)?.to_owned()];
            let found = find(call.text(0)?, &key);
            // what is no text gives the empty one
            let Some(Found::Text(inner)) = found else {
                return Ok(owned(""));
            };
            Ok(unescape(inner).map_or_else(|| owned(""), owned))
        }),
        Function::pure("JsonExtractSlice", path(Type::array(Type::Any)), |call| {
            extract_typed(call, '[')
        }),
        Function::pure("JsonExtractObject", path(Type::anys()), |call| {
            extract_typed(call, '{')
        }),
        Function::pure(
            "ToJsonString",
            Signature::fixed([Type::Any], Type::String),
            |call| {
                let text = to_json(call.arg(0))
                    .map(|json| golang::json::to_string(&json))
                    .unwrap_or_default();
                call.charge(text.len() / 16)?;
                Ok(owned(text))
            },
        ),
        Function::with_effect(
            "UnmarshalJSON",
            Signature::fixed([Type::String, Type::anys(), Type::String], Type::Any),
            Effect::WritesArgument(1),
            unmarshal,
        ),
    ]
}

/// Stores the decoded text under a key of the map; a text that is no JSON is an error.
fn unmarshal(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let json: serde_json::Value =
        serde_json::from_str(call.text(0)?).map_err(|error| EvalError::new(error.to_string()))?;
    call.charge(call.text(0)?.len() / 16)?;
    let place = call.place(1)?;
    let key = call.text(2)?.to_owned();
    call.env.set_entry(place, &key, from_json(&json))?;
    Ok(Value::Nil)
}

/// Cuts a dotted path into steps; `a[0]` is `a`, `[0]`.
fn steps(path: &str) -> Vec<String> {
    let path = if path.starts_with('[') {
        path.to_owned()
    } else {
        path.replace('[', ".[")
    };
    path.split('.').map(str::to_owned).collect()
}

fn path_args(call: &Call<'_>) -> Result<Vec<String>, EvalError> {
    (1..call.args.len())
        .map(|index| call.text(index).map(str::to_owned))
        .collect()
}

/// Returns the value's own text, a string without its quotes and with its escapes; empty when it is not there.
fn raw(call: &Call<'_>, steps: &[String]) -> Value {
    let text = call.text(0).unwrap_or_default();
    match find(text, steps) {
        Some(Found::Text(inner) | Found::Other(inner)) => super::text::part(call.arg(0), inner),
        None => owned(""),
    }
}

/// Returns the list or object at a path; one that is not there is empty, which is what Go's nil ones look like to
/// `len` and the closures.
fn extract_typed(call: &mut Call<'_>, open: char) -> Result<Value, EvalError> {
    let empty = if open == '[' {
        Value::array(Vec::new())
    } else {
        Value::map(crate::value::Map::new())
    };
    let steps = steps(call.text(1)?);
    let found = find(call.text(0)?, &steps);
    let Some(Found::Other(text)) = found.filter(|f| matches!(f, Found::Other(t) if t.starts_with(open)))
    else {
        return Ok(empty);
    };
    let units = text.len() / 16;
    let value = serde_json::from_str(text).map_or(empty, |json| from_json(&json));
    call.charge(units)?;
    Ok(value)
}

/// A value's place in the text.
#[derive(Clone, Copy)]
enum Found<'t> {
    /// A string, without its quotes.
    Text(&'t str),
    /// Anything else as it stands.
    Other(&'t str),
}

/// Follows the steps down from the first value of the text.
fn find<'t>(text: &'t str, steps: &[String]) -> Option<Found<'t>> {
    let mut rest = text.trim_start_matches(is_blank);
    for step in steps {
        let index = step.strip_prefix('[').and_then(|s| s.strip_suffix(']'));
        rest = match (index, rest.as_bytes().first()?) {
            (Some(index), b'[') => element(rest, index.parse().ok()?)?,
            (_, b'{') => member(rest, step)?,
            _ => return None,
        };
    }
    let end = value_end(rest)?;
    let value = rest.get(..end)?;
    match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        Some(inner) => Some(Found::Text(inner)),
        None => is_value(value).then_some(Found::Other(value)),
    }
}

/// Tells whether a text that is no string begins like a value; numbers are not looked at closely.
fn is_value(text: &str) -> bool {
    matches!(text, "true" | "false" | "null")
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '{' | '['))
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Returns the text from the value of a key on.
fn member<'t>(object: &'t str, key: &str) -> Option<&'t str> {
    let mut rest = object.get(1..)?.trim_start_matches(is_blank);
    while rest.starts_with('"') {
        let end = value_end(rest)?;
        let name = rest.get(1..end.checked_sub(1)?)?;
        let value = rest
            .get(end..)?
            .trim_start_matches(is_blank)
            .strip_prefix(':')?
            .trim_start_matches(is_blank);
        let is_key = if name.contains('\\') {
            unescape(name).is_some_and(|n| n == key)
        } else {
            name == key
        };
        if is_key {
            return Some(value);
        }
        rest = next_item(value)?;
    }
    None
}

/// Returns the text from an element of a list on.
fn element(list: &str, index: usize) -> Option<&str> {
    let mut rest = list.get(1..)?.trim_start_matches(is_blank);
    for _ in 0..index {
        rest = next_item(rest)?;
    }
    if rest.starts_with(']') { None } else { Some(rest) }
}

/// Returns what follows a value and its comma; `None` at the end of the list or object.
fn next_item(value: &str) -> Option<&str> {
    let after = value.get(value_end(value)?..)?.trim_start_matches(is_blank);
    Some(after.strip_prefix(',')?.trim_start_matches(is_blank))
}

/// Returns the length of the value at the start of the text.
fn value_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'"' => string_end(bytes, 0),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0_usize, 0);
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = string_end(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            None
        }
        _ => {
            let end = bytes
                .iter()
                .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'));
            Some(end.unwrap_or(bytes.len())).filter(|end| *end > 0)
        }
    }
}

/// Returns the place behind the closing quote of the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Resolves the escapes of a JSON string; `None` for a bad one.
fn unescape(inner: &str) -> Option<String> {
    if !inner.contains('\\') {
        return Some(inner.to_owned());
    }
    serde_json::from_str::<String>(&format!("\"{inner}\""))
        .ok()
        .or_else(|| {
            // raw control characters are no reason for upstream's parser to stop
            let escaped: String = inner
                .chars()
                .map(|c| {
                    if c.is_control() {
                        format!("\\u{:04x}", u32::from(c))
                    } else {
                        c.to_string()
                    }
                })
                .collect();
            serde_json::from_str(&format!("\"{escaped}\"")).ok()
        })
}
