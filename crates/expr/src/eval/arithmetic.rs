//! Arithmetic and order of values, as Go's run time has them for expr-lang.
//!
//! Upstream: `vm/runtime/helpers[generated].go`.

use golang::duration::Duration;

use crate::ast::BinaryOp;
use crate::error::EvalError;
use crate::value::Value;

/// Computes `+ - * / % **`.
pub(crate) fn binary(op: BinaryOp, a: &Value, b: &Value) -> Result<Value, EvalError> {
    let result = match op {
        BinaryOp::Add => add(a, b),
        BinaryOp::Subtract => subtract(a, b),
        BinaryOp::Multiply => multiply(a, b),
        BinaryOp::Divide => floats(a, b).map(|(a, b)| Value::Float(a / b)),
        BinaryOp::Power => floats(a, b).map(|(a, b)| Value::Float(a.powf(b))),
        BinaryOp::Modulo => match (a, b) {
            (Value::Int(_), Value::Int(0)) => return Err(EvalError::new("integer divide by zero")),
            (Value::Int(a), Value::Int(b)) => Some(Value::Int(a.wrapping_rem(*b))),
            _ => None,
        },
        _ => None,
    };
    result.ok_or_else(|| unfit(op, a, b))
}

/// Decides `< > <= >=`: numbers by value, strings by bytes, times and durations among themselves.
pub(crate) fn ordered(op: BinaryOp, a: &Value, b: &Value) -> Result<bool, EvalError> {
    use std::cmp::Ordering;
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Time(a), Value::Time(b)) => Some(a.timestamp().cmp(&b.timestamp())),
        (Value::Duration(a), Value::Duration(b)) => Some(a.0.cmp(&b.0)),
        _ => {
            let Some((a, b)) = floats(a, b) else {
                return Err(unfit(op, a, b));
            };
            // NaN is in no order.
            a.partial_cmp(&b)
        }
    };
    Ok(match op {
        BinaryOp::Less => order == Some(Ordering::Less),
        BinaryOp::Greater => order == Some(Ordering::Greater),
        BinaryOp::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    })
}

/// Computes unary minus.
pub(crate) fn negate(value: &Value) -> Result<Value, EvalError> {
    match value {
        Value::Int(number) => Ok(Value::Int(number.wrapping_neg())),
        Value::Float(number) => Ok(Value::Float(-number)),
        other => Err(EvalError::new(format!(
            "invalid operation: - {}",
            other.type_name()
        ))),
    }
}

/// The integers of `first..last`, both ends among them. Every step wraps as in Go, so the greatest integer can be an
/// end, and a range too long for an integer is empty.
///
/// Upstream: `vm/runtime/runtime.go`, `MakeRange`.
pub(crate) fn range(first: i64, last: i64) -> impl ExactSizeIterator<Item = Value> {
    let size = usize::try_from(last.wrapping_sub(first).wrapping_add(1)).unwrap_or(0);
    (0..size).map(move |i| Value::Int(first.wrapping_add_unsigned(i as u64)))
}

/// Converts to an integer as Go's `int(x)` does for numbers.
pub(crate) fn to_int(value: &Value) -> Result<i64, EvalError> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Float(number) => Ok(truncate(*number)),
        other => Err(EvalError::new(format!(
            "invalid operation: int({})",
            other.type_name()
        ))),
    }
}

/// Go's conversion on amd64: out of range gives the smallest integer.
pub(crate) fn truncate(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        let whole = number as i64;
        whole
    } else {
        i64::MIN
    }
}

fn floats(a: &Value, b: &Value) -> Option<(f64, f64)> {
    Some((a.as_float()?, b.as_float()?))
}

fn add(a: &Value, b: &Value) -> Option<Value> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(*b)),
        (Value::Str(a), Value::Str(b)) => {
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            Value::from(text)
        }
        (Value::Time(time), Value::Duration(duration)) | (Value::Duration(duration), Value::Time(time)) => {
            Value::time(time.add(*duration))
        }
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(Duration(a.0.wrapping_add(b.0))),
        _ => floats(a, b).map(|(a, b)| Value::Float(a + b))?,
    })
}

fn subtract(a: &Value, b: &Value) -> Option<Value> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_sub(*b)),
        (Value::Time(a), Value::Time(b)) => Value::Duration(a.sub(b)),
        (Value::Time(time), Value::Duration(duration)) => {
            Value::time(time.add(Duration(duration.0.wrapping_neg())))
        }
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(Duration(a.0.wrapping_sub(b.0))),
        _ => floats(a, b).map(|(a, b)| Value::Float(a - b))?,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Go multiplies a float and a duration as float64"
)]
fn multiply(a: &Value, b: &Value) -> Option<Value> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_mul(*b)),
        (Value::Duration(Duration(a)), Value::Int(b) | Value::Duration(Duration(b)))
        | (Value::Int(a), Value::Duration(Duration(b))) => Value::Duration(Duration(a.wrapping_mul(*b))),
        (Value::Duration(a), Value::Float(b)) | (Value::Float(b), Value::Duration(a)) => {
            Value::Float(a.0 as f64 * b)
        }
        _ => floats(a, b).map(|(a, b)| Value::Float(a * b))?,
    })
}

fn unfit(op: BinaryOp, a: &Value, b: &Value) -> EvalError {
    EvalError::new(format!(
        "invalid operation: {} {} {}",
        a.type_name(),
        op.symbol(),
        b.type_name()
    ))
}
