//! Conversions and the questions about any value: `len`, `type`, `string`, `toJSON`, `fromJSON`, base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{base64, from_json, to_json};
use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let text = || Signature::fixed([Type::String], Type::String);
    vec![
        Function::pure("len", Signature::Checked(check_len), len),
        Function::pure("type", Signature::fixed([Type::Any], Type::String), |call| {
            Ok(Value::from(type_of(call.arg(0))))
        }),
        Function::pure("string", Signature::fixed([Type::Any], Type::String), |call| {
            let text = super::sprintf("%v", std::slice::from_ref(call.arg(0)));
            call.charge(text.len() / 16)?;
            Ok(Value::from(text))
        }),
        Function::pure("toJSON", Signature::fixed([Type::Any], Type::String), |call| {
            let json = to_json(call.arg(0)).ok_or_else(|| {
                EvalError::new(format!("json: unsupported type: {}", call.arg(0).type_name()))
            })?;
            let text = golang::json::to_string_indent(&json, "  ");
            call.charge(text.len() / 16)?;
            Ok(Value::from(text))
        }),
        Function::pure("fromJSON", Signature::fixed([Type::String], Type::Any), |call| {
            let text = call.text(0)?;
            let json = serde_json::from_str(text).map_err(|error| EvalError::new(error.to_string()))?;
            call.charge(call.text(0)?.len() / 16)?;
            Ok(from_json(&json))
        }),
        Function::pure("toBase64", text(), |call| {
            Ok(Value::from(base64(call.text(0)?.as_bytes())))
        }),
        Function::pure("fromBase64", text(), |call| decode_base64(call.text(0)?)),
    ]
}

/// Decodes standard base64; line ends are skipped as in Go, and what is not UTF-8 is replaced.
pub(super) fn decode_base64(text: &str) -> Result<Value, EvalError> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(&text).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => text.len() / 4 * 4,
        };
        EvalError::new(format!("illegal base64 data at input byte {at}"))
    })?;
    Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

fn check_len(args: &[Type]) -> Result<Type, String> {
    match args {
        [Type::Any | Type::Array(_) | Type::Map(_) | Type::String | Type::Bytes] => Ok(Type::Int),
        [other] => Err(format!("invalid argument for len (type {})", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn len(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let length = match call.arg(0) {
        Value::Array(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Str(text) => text.chars().count(),
        other => {
            return Err(EvalError::new(format!(
                "invalid argument for len (type {})",
                other.type_name()
            )));
        }
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::Bytes(_) | Value::Array(_) => "array",
        Value::Map(_) | Value::Place(_) => "map",
        Value::Duration(_) => "time.Duration",
        Value::Time(_) => "time.Time",
        Value::Weekday(_) => "time.Weekday",
        Value::Month(_) => "time.Month",
        Value::Zone(_) => "unknown",
        Value::Object(_) => "struct",
    }
}

/// Returns Go's name of a static type, for messages that need no object names.
pub(super) fn type_text(given: &Type) -> String {
    match given {
        Type::Array(element) => format!("[]{}", type_text(element)),
        Type::Map(value) => format!("map[string]{}", type_text(value)),
        Type::Object(_) => "struct".to_owned(),
        Type::Any => "interface {}".to_owned(),
        Type::Nil => "<nil>".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int => "int".to_owned(),
        Type::Float => "float64".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Duration => "time.Duration".to_owned(),
        Type::Time => "time.Time".to_owned(),
        Type::Weekday => "time.Weekday".to_owned(),
        Type::Month => "time.Month".to_owned(),
        Type::Zone => "*time.Location".to_owned(),
    }
}

/// Returns the message for a wrong number of arguments where one is expected.
pub(super) fn expected_one(args: &[Type]) -> String {
    format!("invalid number of arguments (expected 1, got {})", args.len())
}
