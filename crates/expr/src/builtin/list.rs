//! Lists: `first`, `last`, `take`, `reverse`, `uniq`, `concat`, `flatten`, `sort`.

use std::cmp::Ordering;

use super::convert::{expected_one, type_text};
use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

/// Lists deeper than this are refused; Go allows more, but every level costs stack.
const MAX_DEPTH: usize = 200;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::pure(
            "first",
            Signature::Checked(|args| end_of("first", args)),
            |call| Ok(at_end(call.arg(0), false)),
        ),
        Function::pure("last", Signature::Checked(|args| end_of("last", args)), |call| {
            Ok(at_end(call.arg(0), true))
        }),
        Function::pure("take", Signature::Checked(check_take), take),
        Function::pure(
            "reverse",
            Signature::Checked(|args| list_in("reverse", args)),
            |call| {
                let mut items = items(call.arg(0), "reverse")?.to_vec();
                call.charge(items.len())?;
                items.reverse();
                Ok(Value::array(items))
            },
        ),
        Function::pure("uniq", Signature::Checked(|args| list_in("uniq", args)), uniq),
        Function::pure("concat", Signature::Checked(check_concat), concat),
        Function::pure(
            "flatten",
            Signature::Checked(|args| list_in("flatten", args)),
            |call| {
                let mut out = Vec::new();
                flatten(items(call.arg(0), "flatten")?, 0, &mut out)?;
                call.charge(out.len())?;
                Ok(Value::array(out))
            },
        ),
        Function::pure(
            "sort",
            Signature::optional([Type::array(Type::Any)], [Type::String], Type::array(Type::Any)),
            sort,
        ),
    ]
}

/// Returns the list's elements, or expr-lang's message that `name` cannot be done to something else.
fn items<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], EvalError> {
    value
        .as_array()
        .ok_or_else(|| EvalError::new(format!("cannot {name} {}", kind_name(value))))
}

/// Returns Go's name of the value's kind.
pub(super) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Array(_) | Value::Bytes(_) => "slice",
        Value::Map(_) | Value::Place(_) => "map",
        Value::Duration(_) => "int64",
        Value::Weekday(_) | Value::Month(_) => "int",
        Value::Time(_) | Value::Object(_) => "struct",
        Value::Zone(_) => "ptr",
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => value.type_name(),
    }
}

fn end_of(name: &str, args: &[Type]) -> Result<Type, String> {
    match args {
        // the list may be empty, and then there is nothing of its element type
        [Type::Any | Type::Array(_)] => Ok(Type::Any),
        [other] => Err(format!("cannot get {name} element from {}", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn list_in(name: &str, args: &[Type]) -> Result<Type, String> {
    match args {
        [Type::Any | Type::Array(_)] => Ok(Type::array(Type::Any)),
        [other] => Err(format!("cannot {name} {}", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn check_take(args: &[Type]) -> Result<Type, String> {
    match args {
        [list @ (Type::Any | Type::Array(_)), Type::Any | Type::Int] => Ok(list.clone()),
        [Type::Any | Type::Array(_), other] => Err(format!("cannot take {} elements", type_text(other))),
        [other, _] => Err(format!("cannot take from {}", type_text(other))),
        _ => Err(format!(
            "invalid number of arguments (expected 2, got {})",
            args.len()
        )),
    }
}

fn check_concat(args: &[Type]) -> Result<Type, String> {
    if args.is_empty() {
        return Err("invalid number of arguments (expected at least 1, got 0)".to_owned());
    }
    match args.iter().find(|arg| !matches!(arg, Type::Any | Type::Array(_))) {
        Some(other) => Err(format!("cannot concat {}", type_text(other))),
        None => Ok(Type::array(Type::Any)),
    }
}

fn at_end(value: &Value, last: bool) -> Value {
    match value {
        Value::Array(items) => if last { items.last() } else { items.first() }
            .cloned()
            .unwrap_or_default(),
        // Go indexes the bytes of a text
        Value::Str(text) => {
            let byte = if last {
                text.as_bytes().last()
            } else {
                text.as_bytes().first()
            };
            byte.map_or(Value::Nil, |byte| Value::Int(i64::from(*byte)))
        }
        _ => Value::Nil,
    }
}

fn take(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let list = call
        .arg(0)
        .as_array()
        .ok_or_else(|| EvalError::new(format!("cannot take from {}", kind_name(call.arg(0)))))?;
    let wanted = call
        .arg(1)
        .as_int()
        .ok_or_else(|| EvalError::new(format!("cannot take {} elements", kind_name(call.arg(1)))))?;
    let Ok(wanted) = usize::try_from(wanted) else {
        return Err(EvalError::new("reflect.Value.Slice: slice index out of bounds"));
    };
    Ok(Value::array(list.iter().take(wanted).cloned().collect()))
}

fn uniq(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let list = items(call.arg(0), "uniq")?;
    // every element is compared with all that were kept
    let rounds = list.len().saturating_mul(list.len()) / 64;
    let mut kept: Vec<Value> = Vec::new();
    for item in list {
        if !kept.iter().any(|seen| seen.equals(item)) {
            kept.push(item.clone());
        }
    }
    call.charge(rounds.max(kept.len()))?;
    Ok(Value::array(kept))
}

fn concat(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let mut all = Vec::new();
    for arg in call.args {
        all.extend_from_slice(items(arg, "concat")?);
    }
    call.charge(all.len())?;
    Ok(Value::array(all))
}

/// Appends the elements of a list and of the lists in it.
pub(super) fn flatten(items: &[Value], depth: usize, out: &mut Vec<Value>) -> Result<(), EvalError> {
    if depth > MAX_DEPTH {
        return Err(EvalError::new("recursion depth exceeded"));
    }
    for item in items {
        match item {
            Value::Array(inner) => flatten(inner, depth + 1, out)?,
            other => out.push(other.clone()),
        }
    }
    Ok(())
}

fn sort(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let descending = match call.args.get(1) {
        None => false,
        Some(order) => match order.as_str() {
            Some("asc") => false,
            Some("desc") => true,
            Some(other) => {
                return Err(EvalError::new(format!(
                    "invalid order {other}, expected asc or desc"
                )));
            }
            None => {
                let message = format!("sort order argument must be a string (got {})", order.type_name());
                return Err(EvalError::new(message));
            }
        },
    };
    let mut list = call.arg(0).as_array().unwrap_or_default().to_vec();
    call.charge(list.len())?;
    let mut failure = None;
    list.sort_by(|a, b| match compare(a, b) {
        Ok(order) if descending => order.reverse(),
        Ok(order) => order,
        Err(error) => {
            failure.get_or_insert(error);
            Ordering::Equal
        }
    });
    failure.map_or_else(|| Ok(Value::array(list)), Err)
}

/// Orders two values as the operator `<` does.
fn compare(a: &Value, b: &Value) -> Result<Ordering, EvalError> {
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => a
            .as_float()
            .zip(b.as_float())
            .and_then(|(a, b)| a.partial_cmp(&b)),
    };
    order.ok_or_else(|| {
        EvalError::new(format!(
            "invalid operation: {} < {}",
            a.type_name(),
            b.type_name()
        ))
    })
}
