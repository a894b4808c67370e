//! Texts: `trim`, `upper`, `split`, `replace`, `repeat`, `join`, `indexOf` and their kin.

use golang::strings::{to_lower, to_upper, trim_space};

use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::{Text, Value};

pub(super) fn functions() -> Vec<Function> {
    let one = || Signature::fixed([Type::String], Type::String);
    let one_or_two = || Signature::optional([Type::String], [Type::String], Type::String);
    let mut all = searches();
    all.extend(rebuilt());
    all.extend([
        Function::pure("trim", one_or_two(), |call| {
            let text = call.text(0)?;
            let trimmed = if call.args.len() > 1 {
                trim(text, call.text(1)?)
            } else {
                trim_space(text)
            };
            Ok(part(call.arg(0), trimmed))
        }),
        Function::pure("trimPrefix", one_or_two(), |call| {
            let text = call.text(0)?;
            let prefix = if call.args.len() > 1 { call.text(1)? } else { " " };
            Ok(part(call.arg(0), text.strip_prefix(prefix).unwrap_or(text)))
        }),
        Function::pure("trimSuffix", one_or_two(), |call| {
            let text = call.text(0)?;
            let suffix = if call.args.len() > 1 { call.text(1)? } else { " " };
            Ok(part(call.arg(0), text.strip_suffix(suffix).unwrap_or(text)))
        }),
        Function::pure("upper", one(), |call| Ok(Value::from(to_upper(call.text(0)?)))),
        Function::pure("lower", one(), |call| Ok(Value::from(to_lower(call.text(0)?)))),
    ]);
    all
}

/// Those that take a text apart, put it together or change what is in it.
fn rebuilt() -> Vec<Function> {
    let split = || {
        Signature::optional(
            [Type::String, Type::String],
            [Type::Int],
            Type::array(Type::String),
        )
    };
    vec![
        Function::pure("split", split(), |call| {
            let limit = if call.args.len() > 2 { call.int(2)? } else { -1 };
            split_text(call, limit, false)
        }),
        Function::pure("splitAfter", split(), |call| {
            let limit = if call.args.len() > 2 { call.int(2)? } else { -1 };
            split_text(call, limit, true)
        }),
        Function::pure(
            "replace",
            Signature::optional(
                [Type::String, Type::String, Type::String],
                [Type::Int],
                Type::String,
            ),
            |call| {
                let limit = if call.args.len() > 3 { call.int(3)? } else { -1 };
                replace(call, limit)
            },
        ),
        Function::pure(
            "repeat",
            Signature::fixed([Type::String, Type::Int], Type::String),
            repeat,
        ),
        Function::pure(
            "join",
            Signature::optional([Type::array(Type::Any)], [Type::String], Type::String),
            join,
        ),
    ]
}

/// Those that look for a text in another.
fn searches() -> Vec<Function> {
    let question = |result| Signature::fixed([Type::String, Type::String], result);
    vec![
        Function::pure("indexOf", question(Type::Int), |call| {
            Ok(index(call.text(0)?.find(call.text(1)?)))
        }),
        Function::pure("lastIndexOf", question(Type::Int), |call| {
            Ok(index(call.text(0)?.rfind(call.text(1)?)))
        }),
        Function::pure("hasPrefix", question(Type::Bool), |call| {
            Ok(Value::Bool(call.text(0)?.starts_with(call.text(1)?)))
        }),
        Function::pure("hasSuffix", question(Type::Bool), |call| {
            Ok(Value::Bool(call.text(0)?.ends_with(call.text(1)?)))
        }),
    ]
}

/// Returns `part`, a slice of the text `of`, without copying it.
pub(super) fn part(of: &Value, part: &str) -> Value {
    match of {
        Value::Str(text) => Value::Str(text.substr_from(part)),
        _ => Value::from(part),
    }
}

/// Returns a byte position as Go gives it: -1 for none.
pub(super) fn index(at: Option<usize>) -> Value {
    Value::Int(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

/// Removes the characters of `set` at both ends.
pub(super) fn trim<'t>(text: &'t str, set: &str) -> &'t str {
    text.trim_matches(|c| set.contains(c))
}

/// Splits argument 0 at argument 1 into at most `limit` parts (any number when negative, none when 0); the parts
/// keep the separator when `keep`.
pub(super) fn split_text(call: &mut Call<'_>, limit: i64, keep: bool) -> Result<Value, EvalError> {
    let (text, separator) = (call.text(0)?, call.text(1)?);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::array(Vec::new()));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < limit {
        let cut = if separator.is_empty() {
            // at every character, and not at the end
            rest.chars()
                .next()
                .map(|c| (c.len_utf8(), c.len_utf8()))
                .filter(|(_, end)| *end < rest.len())
        } else {
            rest.find(separator)
                .map(|at| (if keep { at + separator.len() } else { at }, at + separator.len()))
        };
        let Some((end, next)) = cut else { break };
        parts.push(part(call.arg(0), rest.get(..end).unwrap_or_default()));
        rest = rest.get(next..).unwrap_or_default();
    }
    if !(separator.is_empty() && rest.is_empty()) {
        parts.push(part(call.arg(0), rest));
    }
    call.charge(parts.len())?;
    Ok(Value::array(parts))
}

/// Replaces argument 1 by argument 2 in argument 0, at most `limit` times (always when negative).
pub(super) fn replace(call: &mut Call<'_>, limit: i64) -> Result<Value, EvalError> {
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let growth = text.len().saturating_mul(to.len()) / from.len().max(1);
    call.charge((text.len() + growth) / 16)?;
    let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
    Ok(Value::from(text.replacen(from, to, limit)))
}

fn repeat(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let count = call.int(1)?;
    let Ok(times) = usize::try_from(count) else {
        let message = format!("invalid argument for repeat (expected positive integer, got {count})");
        return Err(EvalError::new(message));
    };
    // Go counts bytes here
    call.charge(call.text(0)?.len().saturating_mul(times))?;
    if times > 1_000_000 {
        return Err(EvalError::Memory);
    }
    Ok(Value::from(call.text(0)?.repeat(times)))
}

/// Joins the texts of argument 0 with argument 1 between them.
pub(super) fn join(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let glue = if call.args.len() > 1 { call.text(1)? } else { "" };
    let texts: Vec<&str> = call
        .array(0)?
        .iter()
        .map(|item| {
            item.as_str().ok_or_else(|| {
                let name = item.type_name();
                EvalError::new(format!(
                    "interface conversion: interface {{}} is {name}, not string"
                ))
            })
        })
        .collect::<Result<_, _>>()?;
    let joined = texts.join(glue);
    call.charge(joined.len() / 16)?;
    Ok(Value::from(joined))
}

/// Returns a text value of a new text.
pub(super) fn owned(text: impl Into<Text>) -> Value {
    Value::Str(text.into())
}
