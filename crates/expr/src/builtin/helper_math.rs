//! Helpers on numbers and times: `Distance`, `MedianInterval`, `Atof`, `FloatApproxEqual`, `ParseUnix`, …
//!
//! Upstream: `pkg/exprhelpers/helpers.go`, `geoip.go`.

use golang::duration::Duration;
use golang::fmt::parse_float;
use golang::time::{RFC3339, Time};

use super::number::atoi;
use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;

/// Kilometres from the centre of the earth to its surface.
const EARTH_RADIUS: f64 = 6371.0;

pub(super) fn functions() -> Vec<Function> {
    let times = || Signature::fixed([Type::array(Type::Any)], Type::Duration);
    vec![
        Function::pure(
            "Distance",
            Signature::fixed(
                [Type::String, Type::String, Type::String, Type::String],
                Type::Float,
            ),
            distance,
        ),
        Function::pure("MedianInterval", times(), |call| {
            let mut gaps = intervals(call)?;
            gaps.sort_unstable();
            let at = |n: usize| gaps.get(n).copied().unwrap_or_default();
            let middle = gaps.len() / 2;
            let median = if gaps.len() % 2 == 1 {
                at(middle)
            } else {
                // Go adds the two before halving
                at(middle.saturating_sub(1)).saturating_add(at(middle)) / 2
            };
            Ok(Value::Duration(Duration(median)))
        }),
        Function::pure("AverageInterval", times(), |call| {
            let gaps = intervals(call)?;
            let count = i64::try_from(gaps.len()).unwrap_or(i64::MAX);
            Ok(Value::Duration(Duration(
                gaps.iter().fold(0_i64, |a, b| a.saturating_add(*b)) / count,
            )))
        }),
        Function::pure("Atof", Signature::fixed([Type::String], Type::Float), |call| {
            Ok(Value::Float(parse_float(call.text(0)?).unwrap_or(0.0)))
        }),
        Function::pure(
            "FloatApproxEqual",
            Signature::fixed([Type::Float, Type::Float], Type::Bool),
            |call| {
                let number = |n: usize| call.arg(n).as_float().unwrap_or(f64::NAN);
                Ok(Value::Bool((number(0) - number(1)).abs() < 1e-6))
            },
        ),
        Function::pure(
            "ParseUnix",
            Signature::fixed([Type::String], Type::String),
            |call| {
                Ok(Value::from(
                    parse_unix(call.text(0)?)
                        .map(|t| t.format(RFC3339))
                        .unwrap_or_default(),
                ))
            },
        ),
    ]
}

/// Returns the time of a text of Unix seconds; what follows a point is cut off, and only the future of 1970 counts.
fn parse_unix(text: &str) -> Option<Time> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    atoi(whole)
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Time::from_unix(seconds, 0))
}

/// Returns the great-circle distance in kilometres of two places given as texts; 0 when one of them is (0, 0).
fn distance(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let degrees = |index: usize| {
        let text = call.text(index)?;
        parse_float(text).ok_or_else(|| {
            let quoted = super::show::quoted(text);
            EvalError::new(format!("strconv.ParseFloat: parsing {quoted}: invalid syntax"))
        })
    };
    let (lat1, lon1, lat2, lon2) = (degrees(0)?, degrees(1)?, degrees(2)?, degrees(3)?);
    // either of the two is the mark of an unknown place
    if (lat1 == 0.0 && lon1 == 0.0) || (lat2 == 0.0 && lon2 == 0.0) {
        return Ok(Value::Float(0.0));
    }
    // the order of the operations is that of upstream's library, so that every digit is
    let radians = |degrees: f64| degrees * std::f64::consts::PI / 180.0;
    let (lat1, lon1, lat2, lon2) = (radians(lat1), radians(lon1), radians(lat2), radians(lon2));
    let (dlat, dlon) = (lat2 - lat1, lon2 - lon1);
    let a = (dlat / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * (dlon / 2.0).sin().powi(2);
    let c = 2.0 * a.sqrt().atan2((1.0 - a).sqrt());
    Ok(Value::Float(c * EARTH_RADIUS))
}

/// Returns the nanoseconds between neighbours of the sorted times; fewer than two times are an error.
fn intervals(call: &Call<'_>) -> Result<Vec<i64>, EvalError> {
    let mut times = call
        .array(0)?
        .iter()
        .map(|value| match value {
            Value::Time(time) => Ok(time),
            other => {
                let name = other.type_name();
                Err(EvalError::new(format!(
                    "type {name} not supported, expected time.Time"
                )))
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    if times.len() < 2 {
        return Err(EvalError::new(
            "need at least two times to calculate an average interval",
        ));
    }
    times.sort_unstable();
    Ok(times
        .iter()
        .zip(times.iter().skip(1))
        .map(|(earlier, later)| later.sub(earlier).0)
        .collect())
}
