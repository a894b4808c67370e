//! Numbers: `abs`, `ceil`, `floor`, `round`, `int`, `float`, `max`, `min`, `mean`, `median`.

use super::convert::{expected_one, type_text};
use crate::error::EvalError;
use crate::eval::arithmetic::truncate;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

/// Lists deeper than this are refused; Go allows more, but every level costs stack.
const MAX_DEPTH: usize = 200;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::pure(
            "abs",
            Signature::Checked(|args| number_in("abs", args, None)),
            abs,
        ),
        Function::pure(
            "ceil",
            Signature::Checked(|args| number_in("ceil", args, Some(Type::Float))),
            |call| rounded(call, "ceil", f64::ceil),
        ),
        Function::pure(
            "floor",
            Signature::Checked(|args| number_in("floor", args, Some(Type::Float))),
            |call| rounded(call, "floor", f64::floor),
        ),
        Function::pure(
            "round",
            Signature::Checked(|args| number_in("round", args, Some(Type::Float))),
            |call| rounded(call, "round", f64::round),
        ),
        Function::pure(
            "int",
            Signature::Checked(|args| convertible("int", args, Type::Int)),
            int,
        ),
        Function::pure(
            "float",
            Signature::Checked(|args| convertible("float", args, Type::Float)),
            float,
        ),
        Function::pure("max", Signature::Checked(|args| aggregate("max", args)), |call| {
            extreme(call, "max", less)
        }),
        Function::pure("min", Signature::Checked(|args| aggregate("min", args)), |call| {
            extreme(call, "min", |best, other| less(other, best))
        }),
        Function::pure("mean", Signature::Checked(|args| aggregate("mean", args)), mean),
        Function::pure(
            "median",
            Signature::Checked(|args| aggregate("median", args)),
            median,
        ),
    ]
}

fn number_in(name: &str, args: &[Type], result: Option<Type>) -> Result<Type, String> {
    match args {
        [given @ (Type::Any | Type::Int | Type::Float)] => Ok(result.unwrap_or_else(|| given.clone())),
        // Go's kinds: a duration is an integer to the checker
        [Type::Duration | Type::Weekday | Type::Month] if result.is_none() => Ok(Type::Any),
        [other] => Err(format!("invalid argument for {name} (type {})", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn convertible(name: &str, args: &[Type], result: Type) -> Result<Type, String> {
    match args {
        [
            Type::Any | Type::Int | Type::Float | Type::String | Type::Duration | Type::Weekday | Type::Month,
        ] => Ok(result),
        [other] => Err(format!("invalid argument for {name} (type {})", type_text(other))),
        _ => Err(expected_one(args)),
    }
}

fn aggregate(name: &str, args: &[Type]) -> Result<Type, String> {
    let Some(first) = args.first() else {
        return Err(format!("not enough arguments to call {name}"));
    };
    for arg in args {
        match arg {
            Type::Any | Type::Array(_) => return Ok(Type::Any),
            Type::Int | Type::Float => {}
            other => return Err(format!("invalid argument for {name} (type {})", type_text(other))),
        }
    }
    // the numbers may be of both kinds, and then the result is of either
    Ok(if args.iter().all(|arg| arg == first) {
        first.clone()
    } else {
        Type::Any
    })
}

fn abs(call: &mut Call<'_>) -> Result<Value, EvalError> {
    match call.arg(0) {
        Value::Int(number) => Ok(Value::Int(number.wrapping_abs())),
        Value::Float(number) => Ok(Value::Float(if *number < 0.0 { -number } else { *number })),
        other => Err(EvalError::new(format!(
            "invalid argument for abs (type {})",
            other.type_name()
        ))),
    }
}

fn rounded(call: &Call<'_>, name: &str, round: fn(f64) -> f64) -> Result<Value, EvalError> {
    match call.arg(0) {
        Value::Float(number) => Ok(Value::Float(round(*number))),
        arg => arg
            .as_float()
            .map(Value::Float)
            .ok_or_else(|| EvalError::new(format!("invalid argument for {name} (type {})", arg.type_name()))),
    }
}

fn int(call: &mut Call<'_>) -> Result<Value, EvalError> {
    match call.arg(0) {
        Value::Int(number) => Ok(Value::Int(*number)),
        Value::Float(number) => Ok(Value::Int(truncate(*number))),
        Value::Duration(duration) => Ok(Value::Int(duration.0)),
        Value::Weekday(number) | Value::Month(number) => Ok(Value::Int(i64::from(*number))),
        Value::Str(text) => atoi(text)
            .map(Value::Int)
            .ok_or_else(|| EvalError::new(format!("invalid operation: int({text})"))),
        other => Err(EvalError::new(format!(
            "invalid operation: int({})",
            other.type_name()
        ))),
    }
}

/// Parses what Go's `strconv.Atoi` accepts: an optional sign and decimal digits.
pub(super) fn atoi(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn float(call: &mut Call<'_>) -> Result<Value, EvalError> {
    match call.arg(0) {
        Value::Str(text) => golang::fmt::parse_float(text)
            .map(Value::Float)
            .ok_or_else(|| EvalError::new(format!("invalid operation: float({text})"))),
        arg => arg
            .as_float()
            .map(Value::Float)
            .ok_or_else(|| EvalError::new(format!("invalid operation: float({})", arg.type_name()))),
    }
}

fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        _ => a.as_float() < b.as_float(),
    }
}

fn extreme(call: &Call<'_>, name: &str, replaces: fn(&Value, &Value) -> bool) -> Result<Value, EvalError> {
    // a single value that is no list and no number is its own extreme
    if let [only] = call.args
        && !matches!(only, Value::Array(_))
    {
        return Ok(only.clone());
    }
    let mut best: Option<Value> = None;
    each_number(name, call.args, 0, &mut |value| {
        if best.as_ref().is_none_or(|best| replaces(best, value)) {
            best = Some(value.clone());
        }
    })?;
    Ok(best.unwrap_or_default())
}

fn mean(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let (mut count, mut sum) = (0.0, 0.0);
    each_number("mean", call.args, 0, &mut |value| {
        count += 1.0;
        sum += value.as_float().unwrap_or_default();
    })?;
    Ok(Value::Float(if count > 0.0 { sum / count } else { 0.0 }))
}

fn median(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let mut numbers = Vec::new();
    each_number("median", call.args, 0, &mut |value| {
        numbers.push(value.as_float().unwrap_or_default());
    })?;
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
    Ok(Value::Float(match numbers.len() {
        0 => 0.0,
        length if length % 2 == 1 => at(middle),
        _ => f64::midpoint(at(middle - 1), at(middle)),
    }))
}

/// Visits the numbers of the arguments, lists and lists in lists included.
fn each_number(
    name: &str,
    values: &[Value],
    depth: usize,
    visit: &mut dyn FnMut(&Value),
) -> Result<(), EvalError> {
    if depth > MAX_DEPTH {
        return Err(EvalError::new("recursion depth exceeded"));
    }
    for value in values {
        match value {
            Value::Int(_) | Value::Float(_) => visit(value),
            Value::Array(items) => each_number(name, items, depth + 1, visit)?,
            other => {
                let message = format!("invalid argument for {name} (type {})", other.type_name());
                return Err(EvalError::new(message));
            }
        }
    }
    Ok(())
}
