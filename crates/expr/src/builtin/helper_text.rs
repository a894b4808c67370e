//! Helpers on texts: `Upper`, `Split`, `Replace`, `Match`, `Sprintf`, the escapes, …
//!
//! Upstream: `pkg/exprhelpers/strings.go`, `helpers.go`.

use golang::strings::{fields, to_lower, to_upper, trim_space};
use golang::url;

use super::text::{index, join, owned, part, replace, split_text, trim};
use crate::error::EvalError;
use crate::function::{Call, Effect, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let mut all = plain();
    all.extend(cut());
    all.extend(split());
    all
}

/// Those that make one text of another.
fn plain() -> Vec<Function> {
    let one = || Signature::fixed([Type::String], Type::String);
    vec![
        Function::pure("Upper", one(), |call| changed(call, to_upper)),
        Function::pure("Lower", one(), |call| changed(call, to_lower)),
        Function::pure("PathEscape", one(), |call| changed(call, url::path_escape)),
        Function::pure("QueryEscape", one(), |call| changed(call, url::query_escape)),
        // what cannot be unescaped stays as it is
        Function::pure("PathUnescape", one(), |call| {
            Ok(url::path_unescape(call.text(0)?).map_or_else(|_bad| call.arg(0).clone(), Value::from))
        }),
        Function::pure("QueryUnescape", one(), |call| {
            Ok(url::query_unescape(call.text(0)?).map_or_else(|_bad| call.arg(0).clone(), Value::from))
        }),
        Function::pure("B64Decode", one(), |call| {
            super::convert::decode_base64(call.text(0)?)
        }),
        Function::pure("ToString", Signature::fixed([Type::Any], Type::String), |call| {
            Ok(if call.arg(0).as_str().is_some() {
                call.arg(0).clone()
            } else {
                Value::from("")
            })
        }),
        Function::pure(
            "Sprintf",
            Signature::variadic([Type::String], Type::Any, Type::String),
            |call| {
                let text = super::sprintf(call.text(0)?, call.args.get(1..).unwrap_or_default());
                call.charge(text.len() / 16)?;
                Ok(owned(text))
            },
        ),
        Function::pure(
            "Match",
            Signature::fixed([Type::String, Type::String], Type::Bool),
            |call| {
                Ok(Value::Bool(glob(
                    call.text(0)?.as_bytes(),
                    call.text(1)?.as_bytes(),
                )))
            },
        ),
        Function::with_effect(
            "LogInfo",
            Signature::variadic([Type::String], Type::Any, Type::Bool),
            Effect::WritesWorld,
            |call| {
                let line = super::sprintf(call.text(0)?, call.args.get(1..).unwrap_or_default());
                call.env.host().log(crate::env::LogLevel::Info, &line);
                Ok(Value::Bool(true))
            },
        ),
    ]
}

/// Those that give a part of a text or a place in it.
fn cut() -> Vec<Function> {
    let one = || Signature::fixed([Type::String], Type::String);
    let two = || Signature::fixed([Type::String, Type::String], Type::String);
    let place = || Signature::fixed([Type::String, Type::String], Type::Int);
    vec![
        Function::pure("TrimSpace", one(), |call| {
            Ok(part(call.arg(0), trim_space(call.text(0)?)))
        }),
        Function::pure("Trim", two(), |call| {
            Ok(part(call.arg(0), trim(call.text(0)?, call.text(1)?)))
        }),
        Function::pure("TrimLeft", two(), |call| {
            let set = call.text(1)?;
            Ok(part(
                call.arg(0),
                call.text(0)?.trim_start_matches(|c| set.contains(c)),
            ))
        }),
        Function::pure("TrimRight", two(), |call| {
            let set = call.text(1)?;
            Ok(part(
                call.arg(0),
                call.text(0)?.trim_end_matches(|c| set.contains(c)),
            ))
        }),
        Function::pure("TrimPrefix", two(), |call| {
            let text = call.text(0)?;
            Ok(part(
                call.arg(0),
                text.strip_prefix(call.text(1)?).unwrap_or(text),
            ))
        }),
        Function::pure("TrimSuffix", two(), |call| {
            let text = call.text(0)?;
            Ok(part(
                call.arg(0),
                text.strip_suffix(call.text(1)?).unwrap_or(text),
            ))
        }),
        Function::pure("Index", place(), |call| {
            Ok(index(call.text(0)?.find(call.text(1)?)))
        }),
        Function::pure("IndexAny", place(), |call| {
            let set = call.text(1)?;
            Ok(index(call.text(0)?.find(|c| set.contains(c))))
        }),
        Function::pure(
            "Get",
            Signature::fixed([Type::array(Type::String), Type::Int], Type::String),
            |call| {
                let at = call.int(1)?;
                let Ok(at) = usize::try_from(at) else {
                    return Err(EvalError::new(format!(
                        "runtime error: index out of range [{at}]"
                    )));
                };
                Ok(call.array(0)?.get(at).cloned().unwrap_or_else(|| Value::from("")))
            },
        ),
    ]
}

/// Those that take a text apart or put it together.
fn split() -> Vec<Function> {
    let texts = || Type::array(Type::String);
    let two = || Signature::fixed([Type::String, Type::String], texts());
    let three = || Signature::fixed([Type::String, Type::String, Type::Int], texts());
    vec![
        Function::pure("Split", two(), |call| split_text(call, -1, false)),
        Function::pure("SplitAfter", two(), |call| split_text(call, -1, true)),
        Function::pure("SplitN", three(), |call| {
            let limit = call.int(2)?;
            split_text(call, limit, false)
        }),
        Function::pure("SplitAfterN", three(), |call| {
            let limit = call.int(2)?;
            split_text(call, limit, true)
        }),
        Function::pure("Fields", Signature::fixed([Type::String], texts()), |call| {
            let parts: Vec<Value> = fields(call.text(0)?)
                .map(|field| part(call.arg(0), field))
                .collect();
            call.charge(parts.len())?;
            Ok(Value::array(parts))
        }),
        Function::pure(
            "Join",
            Signature::fixed([texts(), Type::String], Type::String),
            join,
        ),
        Function::pure(
            "Replace",
            Signature::fixed(
                [Type::String, Type::String, Type::String, Type::Int],
                Type::String,
            ),
            |call| {
                let limit = call.int(3)?;
                replace(call, limit)
            },
        ),
        Function::pure(
            "ReplaceAll",
            Signature::fixed([Type::String, Type::String, Type::String], Type::String),
            |call| replace(call, -1),
        ),
    ]
}

fn changed(call: &mut Call<'_>, change: fn(&str) -> String) -> Result<Value, EvalError> {
    let text = change(call.text(0)?);
    call.charge(text.len() / 16)?;
    Ok(owned(text))
}

/// Matches a whole text against a pattern of `*` (any run of bytes) and `?` (any byte), in linear space.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // where to go on after the last star: the pattern behind it, and the text it has eaten so far
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, eaten)) => {
                    p = after;
                    t = eaten + 1;
                    star = Some((after, eaten + 1));
                }
                None => return false,
            },
        }
    }
    // Upstream: one star may stand for nothing at the end, two may not
    matches!(pattern.get(p..), Some([] | [b'*']))
}
