//! Helpers on data files: `File`, `FileMap`, `RegexpInFile`, `LookupFile`.
//!
//! The files are the host's; one that is not loaded reads as empty, with a line in the log.
//! Upstream: `pkg/exprhelpers/helpers.go`.

use super::text::owned;
use crate::env::LogLevel;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::pure(
            "File",
            Signature::fixed([Type::String], Type::array(Type::String)),
            |call| {
                let name = call.text(0)?;
                let lines = call.env.host().file(name);
                Ok(lines.unwrap_or_else(|| absent(call, name, "string", Value::array(Vec::new()))))
            },
        ),
        Function::pure(
            "FileMap",
            Signature::fixed([Type::String], Type::array(Type::strings())),
            |call| {
                let name = call.text(0)?;
                let entries = call.env.host().file_map(name);
                Ok(entries.unwrap_or_else(|| absent(call, name, "map", Value::array(Vec::new()))))
            },
        ),
        Function::pure(
            "RegexpInFile",
            Signature::fixed([Type::String, Type::String], Type::Bool),
            |call| {
                let (subject, name) = (call.text(0)?, call.text(1)?);
                let hit = call.env.host().regexp_in_file(subject, name);
                Ok(hit.map_or_else(|| absent(call, name, "regexp", Value::Bool(false)), Value::Bool))
            },
        ),
        Function::pure(
            "LookupFile",
            Signature::fixed([Type::String, Type::String], Type::String),
            |call| {
                let (subject, name) = (call.text(0)?, call.text(1)?);
                let tag = call.env.host().lookup_file(subject, name);
                Ok(tag.map_or_else(|| absent(call, name, "map", owned("")), Value::Str))
            },
        ),
    ]
}

fn absent(call: &Call<'_>, name: &str, kind: &str, value: Value) -> Value {
    let line = format!("file '{name}' (type:{kind}) not found in expr library");
    call.env.host().log(LogLevel::Error, &line);
    value
}
