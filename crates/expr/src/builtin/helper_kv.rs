//! Helpers that read `key=value` texts: `ParseKV`, `ParseKVLax`, and `KeyExists`.
//!
//! Upstream: `pkg/exprhelpers/helpers.go`.

use std::sync::LazyLock;

use regex::Regex;

use crate::error::EvalError;
use crate::function::{Call, Effect, Function, Signature};
use crate::key::Key;
use crate::types::Type;
use crate::value::Map;
use crate::value::{Text, Value};

/// A key without blanks and equal signs, then a quoted value, a bare one or none.
static PAIR: LazyLock<Option<Regex>> =
    LazyLock::new(|| golang::regexp::compile(r#"([^=\s]+)=(?:"((?:[^"\\]|\\.)*)"|([^=\s]+)|\s*)"#).ok());

pub(super) fn functions() -> Vec<Function> {
    let signature = || Signature::fixed([Type::String, Type::anys(), Type::String], Type::Any);
    vec![
        Function::with_effect("ParseKV", signature(), Effect::WritesArgument(1), |call| {
            let pairs = strict_pairs(call.text(0)?);
            store(call, pairs)
        }),
        Function::with_effect("ParseKVLax", signature(), Effect::WritesArgument(1), |call| {
            let pairs = lax_pairs(call.text(0)?);
            store(call, pairs)
        }),
        Function::pure(
            "KeyExists",
            Signature::fixed([Type::String, Type::anys()], Type::Bool),
            |call| {
                let key = call.text(0)?;
                Ok(Value::Bool(
                    call.arg(1).as_map().is_some_and(|map| map.contains_key(key)),
                ))
            },
        ),
    ]
}

/// Merges the pairs into the map of strings under the key that argument 2 names.
fn store(call: &mut Call<'_>, pairs: Vec<(String, String)>) -> Result<Value, EvalError> {
    if pairs.is_empty() {
        return Err(EvalError::new("could not find any key/value pair in line"));
    }
    call.charge(pairs.len())?;
    let (place, key) = (call.place(1)?, call.text(2)?.to_owned());
    let mut map = match call.env.entry(place.object, place.field, &Key::new(key.as_str())) {
        Value::Nil => Map::of_strings::<Text, Text>([]),
        Value::Map(map) if map.missing() == crate::value::Missing::EmptyText => (*map).clone(),
        _ => return Err(EvalError::new("target is not a map[string]string")),
    };
    for (name, value) in pairs {
        map.insert(name, Value::from(value));
    }
    call.env.set_entry(place, &key, Value::map(map))?;
    Ok(Value::Nil)
}

pub(super) fn strict_pairs(text: &str) -> Vec<(String, String)> {
    let Some(pair) = PAIR.as_ref() else {
        return Vec::new();
    };
    pair.captures_iter(text)
        .map(|found| {
            let group = |n: usize| found.get(n).map_or("", |m| m.as_str());
            let value = if group(2).is_empty() { group(3) } else { group(2) };
            (group(1).to_owned(), value.to_owned())
        })
        .collect()
}

/// Reads values that may hold blanks: each runs up to the next `key=` outside of quotes.
pub(super) fn lax_pairs(text: &str) -> Vec<(String, String)> {
    let starts = key_places(text);
    let mut pairs = Vec::with_capacity(starts.len());
    for (n, (from, equals)) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(text.len(), |(next, _)| *next);
        let key = text.get(*from..*equals).unwrap_or_default();
        let value = golang::strings::trim_space(text.get(equals + 1..end).unwrap_or_default());
        pairs.push((key.to_owned(), unquoted(value)));
    }
    pairs
}

/// Removes the quotes around a value, and the backslashes before what they protect; an open quote is removed alone.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    match inner.strip_suffix('"') {
        Some(inner) => inner.replace(r"\\", "\\").replace(r#"\""#, "\""),
        None => inner.to_owned(),
    }
}

/// Returns where each key begins and where its equal sign stands: a letter or underscore, then letters, digits,
/// underscores, points and dashes.
fn key_places(text: &str) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let (mut quoted, mut escaped, mut run) = (false, false, 0);
    for (at, c) in text.char_indices() {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if c == '=' && !quoted {
            let word = text.get(run..at).unwrap_or_default();
            let key = word.trim_start_matches(|c: char| !(c.is_ascii_alphabetic() || c == '_'));
            if !key.is_empty() {
                places.push((at - key.len(), at));
            }
        }
        if !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
            run = at + c.len_utf8();
        }
    }
    places
}
