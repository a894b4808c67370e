//! Bit operations on integers: `bitand`, `bitor`, `bitxor`, `bitnand`, `bitshl`, `bitshr`, `bitushr`, `bitnot`.

use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let two = || Signature::fixed([Type::Int, Type::Int], Type::Int);
    vec![
        Function::pure("bitand", two(), |call| pair(call, "bitand", |x, y| Ok(x & y))),
        Function::pure("bitor", two(), |call| pair(call, "bitor", |x, y| Ok(x | y))),
        Function::pure("bitxor", two(), |call| pair(call, "bitxor", |x, y| Ok(x ^ y))),
        Function::pure("bitnand", two(), |call| pair(call, "bitnand", |x, y| Ok(x & !y))),
        Function::pure("bitshl", two(), |call| {
            pair(call, "bitshl", |x, y| Ok(x.checked_shl(shift(y)?).unwrap_or(0)))
        }),
        Function::pure("bitshr", two(), |call| {
            pair(call, "bitshr", |x, y| {
                Ok(x.checked_shr(shift(y)?).unwrap_or(if x < 0 { -1 } else { 0 }))
            })
        }),
        Function::pure("bitushr", two(), |call| {
            pair(call, "bitushr", |x, y| {
                Ok(x.cast_unsigned()
                    .checked_shr(shift(y)?)
                    .unwrap_or(0)
                    .cast_signed())
            })
        }),
        Function::pure("bitnot", Signature::fixed([Type::Int], Type::Int), |call| {
            Ok(Value::Int(!operand(call, 0, "bitnot")?))
        }),
    ]
}

fn pair(
    call: &Call<'_>,
    name: &str,
    operation: fn(i64, i64) -> Result<i64, EvalError>,
) -> Result<Value, EvalError> {
    operation(operand(call, 0, name)?, operand(call, 1, name)?).map(Value::Int)
}

fn operand(call: &Call<'_>, index: usize, name: &str) -> Result<i64, EvalError> {
    let arg = call.arg(index);
    arg.as_int().ok_or_else(|| {
        EvalError::new(format!(
            "cannot use {} as argument (type int) to call {name}",
            arg.type_name()
        ))
    })
}

fn shift(count: i64) -> Result<u32, EvalError> {
    if count < 0 {
        let message = format!("invalid operation: negative shift count {count} (type int)");
        return Err(EvalError::new(message));
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
