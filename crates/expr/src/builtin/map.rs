//! Maps: `get`, `keys`, `values`, `toPairs`, `fromPairs`.

use super::convert::{expected_one, type_text};
use super::list::kind_name;
use crate::error::EvalError;
use crate::eval::arithmetic;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Map;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::pure("get", Signature::Checked(check_get), |call| {
            get(call.arg(0), call.arg(1))
        }),
        Function::pure(
            "keys",
            Signature::Checked(|args| map_in("cannot get keys from", args)),
            |call| {
                let map = entries(call, "cannot get keys from")?;
                let keys: Vec<Value> = map.iter().map(|(key, _)| key.to_value()).collect();
                call.charge(keys.len())?;
                Ok(Value::array(keys))
            },
        ),
        Function::pure(
            "values",
            Signature::Checked(|args| map_in("cannot get values from", args)),
            |call| {
                let map = entries(call, "cannot get values from")?;
                let values: Vec<Value> = map.iter().map(|(_, value)| value.clone()).collect();
                call.charge(values.len())?;
                Ok(Value::array(values))
            },
        ),
        Function::pure("toPairs", Signature::Checked(to_pairs_type), |call| {
            let map = call.arg(0).as_map().ok_or_else(|| {
                EvalError::new(format!("cannot transform {} to pairs", kind_name(call.arg(0))))
            })?;
            let pairs: Vec<Value> = map
                .iter()
                .map(|(key, value)| Value::array(vec![key.to_value(), value.clone()]))
                .collect();
            call.charge(pairs.len())?;
            Ok(Value::array(pairs))
        }),
        Function::pure("fromPairs", Signature::Checked(from_pairs_type), from_pairs),
    ]
}

fn check_get(args: &[Type]) -> Result<Type, String> {
    match args {
        // A missing key reads as nil, also where the elements are strings.
        [_, _] => Ok(Type::Any),
        _ => Err(format!(
            "invalid number of arguments (expected 2, got {})",
            args.len()
        )),
    }
}

fn map_in(what: &str, args: &[Type]) -> Result<Type, String> {
    match args {
        [Type::Any | Type::Map(_)] => Ok(Type::array(Type::Any)),
        [other] => Err(format!("{what} {}", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn to_pairs_type(args: &[Type]) -> Result<Type, String> {
    match args {
        [Type::Any | Type::Map(_)] => Ok(Type::array(Type::Any)),
        [other] => Err(format!("cannot transform {} to pairs", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn from_pairs_type(args: &[Type]) -> Result<Type, String> {
    match args {
        // Keys of any type; the map type has string keys only.
        [Type::Any | Type::Array(_)] => Ok(Type::Any),
        [other] => Err(format!("cannot transform {} from pairs", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn entries<'c>(call: &Call<'c>, what: &str) -> Result<&'c Map, EvalError> {
    call.args
        .first()
        .and_then(Value::as_map)
        .ok_or_else(|| EvalError::new(format!("{what} {}", kind_name(call.arg(0)))))
}

/// Returns an element or entry, `nil` when it is not there; unlike `[]`, no missing key reads as a zero value.
///
/// Upstream: `builtin/lib.go`, `get`.
fn get(from: &Value, key: &Value) -> Result<Value, EvalError> {
    let element = |length: usize| Ok(position(arithmetic::to_int(key)?, length));
    Ok(match from {
        Value::Map(map) => map.get_value(key).cloned().unwrap_or_default(),
        Value::Array(items) => element(items.len())?
            .and_then(|at| items.get(at))
            .cloned()
            .unwrap_or_default(),
        Value::Str(text) => {
            let byte = element(text.len())?.and_then(|at| text.as_bytes().get(at));
            byte.map_or(Value::Nil, |byte| Value::Int(i64::from(*byte)))
        }
        _ => Value::Nil,
    })
}

/// Returns the place of an index that may count from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    if index >= 0 {
        return usize::try_from(index).ok();
    }
    length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
}

fn from_pairs(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let mut map = Map::new();
    for pair in call.array(0)? {
        let Some(items) = pair.as_array() else {
            return Err(EvalError::new(format!(
                "invalid pair {}",
                super::sprintf("%v", std::slice::from_ref(pair))
            )));
        };
        let [key, value] = items else {
            let shown = super::sprintf("%v", std::slice::from_ref(pair));
            return Err(EvalError::new(format!("invalid pair length {shown}")));
        };
        map.insert_value(key.clone(), value.clone());
    }
    call.charge(map.len())?;
    Ok(Value::map(map))
}
