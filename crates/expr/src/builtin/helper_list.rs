//! Helpers on lists: `Flatten`, `Distinct`, `FlattenDistinct`.
//!
//! Upstream: `pkg/exprhelpers/helpers.go`.

use super::list::flatten;
use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let any_number = || Signature::variadic([], Type::Any, Type::array(Type::Any));
    vec![
        Function::pure("Flatten", any_number(), |call| {
            let mut out = Vec::new();
            flatten(call.args, 0, &mut out)?;
            call.charge(out.len())?;
            Ok(Value::array(out))
        }),
        Function::pure("Distinct", any_number(), |call| match call.arg(0) {
            Value::Array(items) => distinct(call, items.to_vec()),
            _ => Ok(Value::array(Vec::new())),
        }),
        Function::pure("FlattenDistinct", any_number(), |call| {
            let mut out = Vec::new();
            flatten(call.args, 0, &mut out)?;
            distinct(call, out)
        }),
    ]
}

/// Keeps the first of equal values, in their order.
fn distinct(call: &mut Call<'_>, items: Vec<Value>) -> Result<Value, EvalError> {
    call.charge(items.len())?;
    let mut seen = crate::value::Map::new();
    let mut kept = Vec::new();
    for item in items {
        if seen.get_value(&item).is_none() {
            seen.insert_value(item.clone(), Value::Bool(true));
            kept.push(item);
        }
    }
    Ok(Value::array(kept))
}
