//! Methods of Go's time types: `evt.Time.Hour()`, `evt.Time.Weekday().String()`, `duration("1h").Hours()`.

use golang::duration::Duration;
use golang::time::{MONTHS, Time, WEEKDAYS};

use super::show::name_of;
use crate::error::EvalError;
use crate::function::{Call, Function, Method, Signature};
use crate::types::Type;
use crate::value::Value;

type Body = fn(&mut Call<'_>) -> Result<Value, EvalError>;

pub(super) fn methods() -> Vec<Method> {
    let mut methods = table(&Type::Time, &[], &Type::Int, &TIME_NUMBERS);
    methods.extend(time_views());
    methods.extend(time_moves());
    methods.extend(time_comparisons());
    methods.extend(duration_views());
    for receiver in [Type::Weekday, Type::Month, Type::Zone] {
        methods.extend(table(&receiver, &[], &Type::String, &[("String", show_name)]));
    }
    methods
}

/// Makes methods of one signature.
fn table(receiver: &Type, params: &[Type], result: &Type, named: &[(&'static str, Body)]) -> Vec<Method> {
    named
        .iter()
        .map(|(name, body)| Method {
            receiver: receiver.clone(),
            function: Function::pure(name, Signature::fixed(params, result.clone()), *body),
        })
        .collect()
}

/// What a time looks like, part by part.
fn time_views() -> Vec<Method> {
    let time = &Type::Time;
    let weekday: Body = |call| with_time(call, |t| small(t.civil().weekday(), Value::Weekday));
    let month: Body = |call| with_time(call, |t| small(t.civil().month, Value::Month));
    let text: Body = |call| with_time(call, |t| Value::from(t.to_go_string()));
    let is_zero: Body = |call| with_time(call, |t| Value::Bool(t.is_zero()));
    let format: Body = |call| {
        let layout = call.text(1)?;
        Ok(Value::from(receiver_time(call)?.format(layout)))
    };
    [
        table(time, &[], &Type::Weekday, &[("Weekday", weekday)]),
        table(time, &[], &Type::Month, &[("Month", month)]),
        table(time, &[], &Type::String, &[("String", text)]),
        table(time, &[], &Type::Bool, &[("IsZero", is_zero)]),
        table(time, &[Type::String], &Type::String, &[("Format", format)]),
    ]
    .concat()
}

/// What makes another time of a time.
fn time_moves() -> Vec<Method> {
    let time = &Type::Time;
    let utc: Body = |call| with_time(call, |t| Value::time(t.to_utc()));
    let by: [(&str, Body); 3] = [
        ("Add", |call| moved(call, Time::add)),
        ("Truncate", |call| moved(call, Time::truncate)),
        ("Round", |call| moved(call, Time::round)),
    ];
    let add_date: Body = |call| {
        let (years, months, days) = (call.int(1)?, call.int(2)?, call.int(3)?);
        Ok(Value::time(receiver_time(call)?.add_date(years, months, days)))
    };
    [
        table(time, &[], time, &[("UTC", utc)]),
        table(time, &[Type::Zone], time, &[("In", in_zone)]),
        table(time, &[Type::Duration], time, &by),
        table(
            time,
            &[Type::Int, Type::Int, Type::Int],
            time,
            &[("AddDate", add_date)],
        ),
    ]
    .concat()
}

/// How two times stand to each other.
fn time_comparisons() -> Vec<Method> {
    let time = &Type::Time;
    let sub: Body = |call| Ok(Value::Duration(receiver_time(call)?.sub(time_arg(call, 1)?)));
    let orders: [(&str, Body); 3] = [
        ("After", |call| {
            Ok(Value::Bool(receiver_time(call)? > time_arg(call, 1)?))
        }),
        ("Before", |call| {
            Ok(Value::Bool(receiver_time(call)? < time_arg(call, 1)?))
        }),
        ("Equal", |call| {
            Ok(Value::Bool(receiver_time(call)? == time_arg(call, 1)?))
        }),
    ];
    let compare: Body = |call| Ok(Value::Int(receiver_time(call)?.cmp(time_arg(call, 1)?) as i64));
    [
        table(time, &[Type::Time], &Type::Duration, &[("Sub", sub)]),
        table(time, &[Type::Time], &Type::Bool, &orders),
        table(time, &[Type::Time], &Type::Int, &[("Compare", compare)]),
    ]
    .concat()
}

/// What a duration looks like in its units, and what rounds it.
fn duration_views() -> Vec<Method> {
    let duration = &Type::Duration;
    let floats: [(&str, Body); 3] = [
        ("Hours", |call| {
            with_duration(call, |d| Value::Float(in_units(d, Duration::HOUR)))
        }),
        ("Minutes", |call| {
            with_duration(call, |d| Value::Float(in_units(d, Duration::MINUTE)))
        }),
        ("Seconds", |call| {
            with_duration(call, |d| Value::Float(d.seconds()))
        }),
    ];
    let ints: [(&str, Body); 3] = [
        ("Milliseconds", |call| {
            with_duration(call, |d| Value::Int(d.0 / 1_000_000))
        }),
        ("Microseconds", |call| {
            with_duration(call, |d| Value::Int(d.0 / 1_000))
        }),
        ("Nanoseconds", |call| with_duration(call, |d| Value::Int(d.0))),
    ];
    let text: Body = |call| with_duration(call, |d| Value::from(d.to_string()));
    let abs: Body = |call| {
        with_duration(call, |d| {
            Value::Duration(Duration(d.0.checked_abs().unwrap_or(i64::MAX)))
        })
    };
    let by: [(&str, Body); 2] = [
        ("Round", |call| {
            Ok(Value::Duration(
                receiver_duration(call)?.round(duration_arg(call, 1)?),
            ))
        }),
        ("Truncate", |call| {
            Ok(Value::Duration(
                receiver_duration(call)?.truncate(duration_arg(call, 1)?),
            ))
        }),
    ];
    [
        table(duration, &[], &Type::Float, &floats),
        table(duration, &[], &Type::Int, &ints),
        table(duration, &[], &Type::String, &[("String", text)]),
        table(duration, &[], duration, &[("Abs", abs)]),
        table(duration, &[Type::Duration], duration, &by),
    ]
    .concat()
}

/// The numbers of a time.
const TIME_NUMBERS: [(&str, Body); 11] = [
    ("Year", |call| with_time(call, |t| Value::Int(t.civil().year))),
    ("Day", |call| with_time(call, |t| Value::Int(t.civil().day))),
    ("Hour", |call| with_time(call, |t| Value::Int(t.civil().hour))),
    ("Minute", |call| with_time(call, |t| Value::Int(t.civil().minute))),
    ("Second", |call| with_time(call, |t| Value::Int(t.civil().second))),
    ("Nanosecond", |call| {
        with_time(call, |t| Value::Int(i64::from(t.nanosecond())))
    }),
    ("YearDay", |call| {
        with_time(call, |t| Value::Int(t.civil().year_day()))
    }),
    ("Unix", |call| with_time(call, |t| Value::Int(t.unix()))),
    ("UnixMilli", |call| {
        with_time(call, |t| Value::Int(unix_in(t, 1_000)))
    }),
    ("UnixMicro", |call| {
        with_time(call, |t| Value::Int(unix_in(t, 1_000_000)))
    }),
    ("UnixNano", |call| with_time(call, |t| Value::Int(t.unix_nano()))),
];

fn with_time(call: &Call<'_>, read: impl Fn(&Time) -> Value) -> Result<Value, EvalError> {
    receiver_time(call).map(read)
}

fn with_duration(call: &Call<'_>, read: impl Fn(Duration) -> Value) -> Result<Value, EvalError> {
    receiver_duration(call).map(read)
}

fn receiver_time<'c>(call: &Call<'c>) -> Result<&'c Time, EvalError> {
    time_arg(call, 0)
}

fn receiver_duration(call: &Call<'_>) -> Result<Duration, EvalError> {
    duration_arg(call, 0)
}

fn time_arg<'c>(call: &Call<'c>, index: usize) -> Result<&'c Time, EvalError> {
    match call.args.get(index) {
        Some(Value::Time(time)) => Ok(time),
        other => Err(wrong(other, "time.Time")),
    }
}

fn duration_arg(call: &Call<'_>, index: usize) -> Result<Duration, EvalError> {
    match call.args.get(index) {
        Some(Value::Duration(duration)) => Ok(*duration),
        other => Err(wrong(other, "time.Duration")),
    }
}

fn wrong(value: Option<&Value>, wanted: &str) -> EvalError {
    let given = value.map_or("<nil>", Value::type_name);
    EvalError::new(format!(
        "interface conversion: interface {{}} is {given}, not {wanted}"
    ))
}

fn moved(call: &Call<'_>, change: fn(&Time, Duration) -> Time) -> Result<Value, EvalError> {
    Ok(Value::time(change(receiver_time(call)?, duration_arg(call, 1)?)))
}

fn in_zone(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let Value::Zone(name) = call.arg(1) else {
        return Err(wrong(call.args.get(1), "*time.Location"));
    };
    Ok(Value::time(
        receiver_time(call)?.in_zone(&super::time::load_zone(name)?),
    ))
}

fn small(number: impl TryInto<u8>, make: fn(u8) -> Value) -> Value {
    number.try_into().map_or(Value::Nil, make)
}

fn unix_in(time: &Time, per_second: i64) -> i64 {
    time.unix()
        .wrapping_mul(per_second)
        .wrapping_add(i64::from(time.nanosecond()) / (1_000_000_000 / per_second))
}

#[expect(clippy::cast_precision_loss, reason = "Go loses the same digits")]
fn in_units(duration: Duration, unit: Duration) -> f64 {
    (duration.0 / unit.0) as f64 + (duration.0 % unit.0) as f64 / unit.0 as f64
}

fn show_name(call: &mut Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::from(match call.arg(0) {
        Value::Weekday(day) => name_of(&WEEKDAYS, *day).to_owned(),
        Value::Month(month) => name_of(&MONTHS, month.saturating_sub(1)).to_owned(),
        Value::Zone(name) => name.to_string(),
        other => return Err(wrong(Some(other), "time.Weekday")),
    }))
}
