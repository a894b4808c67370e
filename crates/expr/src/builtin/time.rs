//! Times: `now`, `duration`, `date`, `timezone`.

use golang::duration::Duration;
use golang::time::{RFC3339, Time};
use jiff::tz::TimeZone;

use super::convert::type_text;
use crate::error::EvalError;
use crate::function::{Call, Effect, Function, Signature};
use crate::types::Type;
use crate::value::Value;

/// What `date` tries when no layout is given, in this order.
const LAYOUTS: [&str; 7] = [
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    RFC3339,
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
];

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::with_effect("now", Signature::Checked(check_now), Effect::ReadsWorld, now),
        Function::pure(
            "duration",
            Signature::fixed([Type::String], Type::Duration),
            |call| {
                Duration::parse(call.text(0)?)
                    .map(Value::Duration)
                    .map_err(|error| EvalError::new(error.to_string()))
            },
        ),
        Function::pure("date", Signature::Checked(check_date), date),
        Function::pure("timezone", Signature::fixed([Type::String], Type::Zone), |call| {
            load_zone(call.text(0)?)?;
            Ok(Value::Zone(match call.arg(0) {
                Value::Str(name) => name.clone(),
                _ => "UTC".into(),
            }))
        }),
    ]
}

/// Returns the zone of an IANA name; `UTC` and the empty name are UTC, `Local` the process's zone.
pub(super) fn load_zone(name: &str) -> Result<TimeZone, EvalError> {
    match name {
        "" | "UTC" => Ok(TimeZone::UTC),
        "Local" => Ok(TimeZone::system()),
        name => TimeZone::get(name).map_err(|_unknown| EvalError::new(format!("unknown time zone {name}"))),
    }
}

fn check_now(args: &[Type]) -> Result<Type, String> {
    match args {
        [] | [Type::Zone | Type::Any] => Ok(Type::Time),
        _ => Err(format!(
            "invalid number of arguments (expected 0, got {})",
            args.len()
        )),
    }
}

fn now(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let now = call
        .env
        .host()
        .now()
        .ok_or(EvalError::NotAvailable("the clock"))?;
    let time = Time::from_timestamp(now);
    match call.args.first() {
        None => Ok(Value::time(time)),
        Some(Value::Zone(name)) => Ok(Value::time(time.in_zone(&load_zone(name)?))),
        Some(_) => Err(EvalError::new("invalid number of arguments (expected 0, got 1)")),
    }
}

fn check_date(args: &[Type]) -> Result<Type, String> {
    let rest = match args {
        [] => return Err("invalid number of arguments (expected at least 1, got 0)".to_owned()),
        [Type::Zone, rest @ ..] => rest,
        all => all,
    };
    if rest.len() > 3 {
        return Err(format!(
            "invalid number of arguments (expected at most 3, got {})",
            rest.len()
        ));
    }
    match rest
        .iter()
        .find(|arg| !matches!(arg, Type::String | Type::Any | Type::Zone))
    {
        Some(other) => Err(format!(
            "cannot use {} as argument (type string) to call date",
            type_text(other)
        )),
        None => Ok(Type::Time),
    }
}

fn date(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let (zone, first) = match call.arg(0) {
        Value::Zone(name) => (Some(load_zone(name)?), 1),
        _ => (None, 0),
    };
    let text = call.text(first)?;
    let parse = |layout: &str, zone: Option<&TimeZone>| match zone {
        Some(zone) => Time::parse_in(layout, text, zone),
        None => Time::parse(layout, text),
    };
    let time = match call.args.len() - first {
        1 => LAYOUTS
            .iter()
            .find_map(|layout| parse(layout, zone.as_ref()).ok())
            .ok_or_else(|| EvalError::new(format!("invalid date {text}"))),
        2 => parse(call.text(first + 1)?, zone.as_ref()).map_err(|error| EvalError::new(error.to_string())),
        _ => {
            let zone = load_zone(call.text(first + 2)?)?;
            parse(call.text(first + 1)?, Some(&zone)).map_err(|error| EvalError::new(error.to_string()))
        }
    };
    time.map(Value::time)
}
