//! Helpers that ask the world: the stash, the clock, the machine, the decisions, geography, names.
//!
//! Upstream: `pkg/exprhelpers/expr_lib.go`, `crowdsec_cti.go`, `geoip.go`.

use golang::duration::Duration;
use golang::time::{RFC3339, Time};

use super::text::owned;
use crate::env::LogLevel;
use crate::error::EvalError;
use crate::function::{Call, Effect, Function, Signature};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let mut all = stash_and_machine();
    all.extend(decisions());
    all.extend(geography());
    all
}

fn stash_and_machine() -> Vec<Function> {
    vec![
        Function::with_effect(
            "GetFromStash",
            Signature::fixed([Type::String, Type::String], Type::String),
            Effect::ReadsWorld,
            |call| {
                let found = call.env.host().stash_get(call.text(0)?, call.text(1)?);
                Ok(found.map_or_else(|| owned(""), Value::Str))
            },
        ),
        Function::with_effect(
            "SetInStash",
            Signature::fixed([Type::String, Type::String, Type::String, Type::Any], Type::Any),
            Effect::WritesWorld,
            |call| {
                let expires = match call.arg(3) {
                    Value::Nil => None,
                    Value::Duration(duration) => Some(*duration),
                    other => {
                        let name = other.type_name();
                        let message = format!("cannot use {name} as argument (type *time.Duration)");
                        return Err(EvalError::new(message));
                    }
                };
                call.env
                    .host()
                    .stash_set(call.text(0)?, call.text(1)?, call.text(2)?, expires)?;
                Ok(Value::Nil)
            },
        ),
        Function::with_effect(
            "TimeNow",
            Signature::fixed([], Type::String),
            Effect::ReadsWorld,
            |call| {
                let now = call
                    .env
                    .host()
                    .now()
                    .ok_or(EvalError::NotAvailable("the clock"))?;
                Ok(owned(Time::from_timestamp(now).format(RFC3339)))
            },
        ),
        Function::with_effect(
            "Hostname",
            Signature::fixed([], Type::String),
            Effect::ReadsWorld,
            |call| {
                call.env
                    .host()
                    .hostname()
                    .map(Value::Str)
                    .ok_or(EvalError::NotAvailable("the machine's name"))
            },
        ),
        Function::with_effect(
            "LookupHost",
            Signature::fixed([Type::String], Type::array(Type::String)),
            Effect::ReadsWorld,
            |call| match call.env.host().network("LookupHost", call.args) {
                Some(result) => result,
                None => Ok(Value::array(Vec::new())),
            },
        ),
    ]
}

/// Those that count decisions: 0 where the process has no database, as upstream.
fn decisions() -> Vec<Function> {
    let count = || Signature::fixed([Type::String], Type::Int);
    vec![
        Function::with_effect("GetDecisionsCount", count(), Effect::ReadsWorld, |call| {
            Ok(ask_decisions(call, "GetDecisionsCount", Value::Int(0)))
        }),
        Function::with_effect(
            "GetDecisionsSinceCount",
            Signature::fixed([Type::String, Type::String], Type::Int),
            Effect::ReadsWorld,
            |call| Ok(ask_decisions(call, "GetDecisionsSinceCount", Value::Int(0))),
        ),
        Function::with_effect("GetActiveDecisionsCount", count(), Effect::ReadsWorld, |call| {
            Ok(ask_decisions(call, "GetActiveDecisionsCount", Value::Int(0)))
        }),
        Function::with_effect(
            "GetActiveDecisionsTimeLeft",
            Signature::fixed([Type::String], Type::Duration),
            Effect::ReadsWorld,
            |call| {
                Ok(ask_decisions(
                    call,
                    "GetActiveDecisionsTimeLeft",
                    Value::Duration(Duration::ZERO),
                ))
            },
        ),
    ]
}

fn ask_decisions(call: &Call<'_>, helper: &'static str, nothing: Value) -> Value {
    let host = call.env.host();
    host.decisions(helper, call.args).unwrap_or_else(|| {
        let line = format!("no database config to call {helper}, returning default value");
        host.log(LogLevel::Error, &line);
        nothing
    })
}

fn geography() -> Vec<Function> {
    let question = || Signature::fixed([Type::String], Type::Any);
    vec![
        Function::with_effect("GeoIPEnrich", question(), Effect::ReadsWorld, |call| {
            ask_geography(call, "city")
        }),
        Function::with_effect("GeoIPASNEnrich", question(), Effect::ReadsWorld, |call| {
            ask_geography(call, "asn")
        }),
        Function::with_effect("GeoIPRangeEnrich", question(), Effect::ReadsWorld, |call| {
            ask_geography(call, "range")
        }),
        Function::with_effect(
            "IPToCountry",
            Signature::fixed([Type::String], Type::String),
            Effect::ReadsWorld,
            |call| {
                let country = call.env.host().geoip("country", call.text(0)?);
                Ok(country.unwrap_or_else(|| owned("")))
            },
        ),
    ]
}

fn ask_geography(call: &Call<'_>, question: &'static str) -> Result<Value, EvalError> {
    Ok(call.env.host().geoip(question, call.text(0)?).unwrap_or_default())
}
