//! Looking into values whose type is known at run time only: index, member, slice, `in`.
//!
//! Upstream: `vm/runtime/runtime.go` (`Fetch`, `Slice`, `In`).

use std::sync::Arc;

use crate::env::Env;
use crate::error::EvalError;
use crate::ir::Graph;
use crate::types::Type;
use crate::value::{Map, Missing};
use crate::value::{Text, Value};

use super::arithmetic::to_int;

/// Reads `base[key]` or `base.key`.
pub(crate) fn fetch(graph: &Graph, env: &dyn Env, base: &Value, key: &Value) -> Result<Value, EvalError> {
    match base {
        Value::Array(items) => {
            let index = index(key, items.len())?;
            Ok(items[index].clone())
        }
        Value::Bytes(bytes) => Ok(Value::Int(i64::from(bytes[index(key, bytes.len())?]))),
        Value::Str(text) => Ok(Value::Int(i64::from(text.as_bytes()[index(key, text.len())?]))),
        Value::Map(map) => read(map, key),
        Value::Object(object) => {
            let field = key
                .as_str()
                .and_then(|name| graph.objects.field(object.kind, name));
            match field {
                Some((field, _)) => Ok(env.field(*object, field)),
                None => Err(cannot_fetch(key, graph.objects.kind_name(object.kind))),
            }
        }
        other => Err(cannot_fetch(key, other.type_name())),
    }
}

fn cannot_fetch(key: &Value, from: &str) -> EvalError {
    let key = match key {
        Value::Str(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        other => other.type_name().to_owned(),
    };
    EvalError::new(format!("cannot fetch {key} from {from}"))
}

fn index(key: &Value, length: usize) -> Result<usize, EvalError> {
    let wanted = to_int(key)?;
    let index = if wanted < 0 {
        wanted.saturating_add_unsigned(length as u64)
    } else {
        wanted
    };
    usize::try_from(index)
        .ok()
        .filter(|index| *index < length)
        .ok_or_else(|| EvalError::new(format!("index out of range: {index} (array length is {length})")))
}

/// Go's rule for a missing key; a key of the wrong type is an error.
fn read(map: &Map, key: &Value) -> Result<Value, EvalError> {
    match key {
        Value::Str(text) => Ok(map.read(text)),
        Value::Nil if map.missing() != Missing::EmptyArray => Ok(map.read("")),
        other => match map.get_value(other) {
            Some(value) => Ok(value.clone()),
            None if has_any_keys(map) => Ok(map.missing().value()),
            None => Err(wrong_key(other)),
        },
    }
}

/// Maps from `groupBy` and `fromPairs` take keys of every type.
fn has_any_keys(map: &Map) -> bool {
    map.missing() == Missing::EmptyArray || map.iter().any(|(key, _)| key.as_str().is_none())
}

fn wrong_key(key: &Value) -> EvalError {
    EvalError::new(format!(
        "value of type {} is not assignable to type string",
        key.type_name()
    ))
}

/// Decides `needle in hay`.
pub(crate) fn contains(graph: &Graph, needle: &Value, hay: &Value) -> Result<bool, EvalError> {
    match (hay, needle) {
        (Value::Nil, _) | (Value::Time(_), Value::Str(_)) => Ok(false),
        (Value::Array(items), _) => Ok(items.iter().any(|item| item.equals(needle))),
        (Value::Bytes(bytes), _) => Ok(bytes
            .iter()
            .any(|byte| Value::Int(i64::from(*byte)).equals(needle))),
        (Value::Map(map), Value::Str(text)) => Ok(map.contains_key(text)),
        (Value::Map(map), Value::Nil) => Ok(map.contains_key("")),
        (Value::Map(map), other) => match map.get_value(other) {
            Some(_) => Ok(true),
            None if has_any_keys(map) => Ok(false),
            None => Err(wrong_key(other)),
        },
        (Value::Object(object), Value::Str(name)) => Ok(graph.objects.field(object.kind, name).is_some()),
        (other, _) => Err(EvalError::new(format!(
            "operator \"in\" not defined on {}",
            other.type_name()
        ))),
    }
}

/// Returns the length that slicing counts: bytes of a string, elements of a list.
pub(crate) fn byte_length(value: &Value) -> Result<i64, EvalError> {
    let length = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(items) => items.len(),
        other => return Err(EvalError::new(format!("cannot slice {}", other.type_name()))),
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

/// Slices with Go's indexes made safe: negative ones count from the end, the rest is cut to the length.
pub(crate) fn slice(value: &Value, from: i64, to: i64) -> Result<Value, EvalError> {
    let length = byte_length(value)?;
    let place = |bound: i64| {
        let bound = if bound < 0 {
            length.saturating_add(bound)
        } else {
            bound
        };
        usize::try_from(bound.clamp(0, length)).unwrap_or(0)
    };
    let to = place(to);
    let from = place(from).min(to);
    Ok(match value {
        Value::Str(text) => Value::Str(cut(text, from, to)),
        Value::Bytes(bytes) => Value::Bytes(bytes[from..to].into()),
        Value::Array(items) => Value::Array(Arc::new(items[from..to].to_vec())),
        _ => Value::Nil,
    })
}

/// Cuts by bytes; half a character becomes U+FFFD, where Go would keep its bytes.
fn cut(text: &Text, from: usize, to: usize) -> Text {
    if text.is_char_boundary(from) && text.is_char_boundary(to) {
        return text.substr(from..to);
    }
    String::from_utf8_lossy(&text.as_bytes()[from..to])
        .into_owned()
        .into()
}

/// Returns the static type whose methods a value has.
pub(crate) fn value_type(value: &Value) -> Option<Type> {
    match value {
        Value::Time(_) => Some(Type::Time),
        Value::Duration(_) => Some(Type::Duration),
        Value::Weekday(_) => Some(Type::Weekday),
        Value::Month(_) => Some(Type::Month),
        Value::Zone(_) => Some(Type::Zone),
        _ => None,
    }
}
