//! The steps between a line and an alert that need rules and a memo, but no buckets.

use std::sync::Arc;

use expr::{EvalError, LogLevel, Memo};
use jiff::Timestamp;

use super::{Digest, Outcome, Settings};
use crate::{
    Event, Mode, RawLine, Rules, Worker,
    bucket::{
        Closed, Judge, Pour,
        scenarios::{Bench, ScenarioJudge},
        spec::Spec,
    },
    event::RuntimeAlert,
    overflow::{self, Facts},
    parser::{Parsed, Recorder},
};

/// Parses `line` and runs all filters on it; needs no buckets, so any number of workers may do it at once.
pub fn digest(
    rules: &Rules,
    worker: &mut Worker,
    line: RawLine,
    mode: Mode,
    now: Timestamp,
    recorder: Option<&mut dyn Recorder>,
) -> Digest {
    match rules.parse_recorded(worker, line, mode, now, recorder) {
        Parsed::Unparsed => Digest {
            outcome: Outcome::Unparsed,
            event: None,
            pours: Vec::new(),
        },
        Parsed::Whitelisted { reason } => Digest {
            outcome: Outcome::Whitelisted { reason },
            event: None,
            pours: Vec::new(),
        },
        Parsed::Kept(mut event) => {
            let pours = pours(rules, worker.memo(), &mut event, now);
            Digest {
                outcome: Outcome::Kept,
                event: Some(Arc::from(event)),
                pours,
            }
        }
    }
}

/// Runs all filters on `event`.
pub(super) fn pours(rules: &Rules, memo: &mut Memo, event: &mut Event, now: Timestamp) -> Vec<Pour> {
    memo.clear();
    let host = rules.host(now);
    let mut failed = reporter(rules);
    let mut bench = Bench {
        library: rules.library(),
        memo,
        host: &host,
        failed: &mut failed,
    };
    rules.scenarios().pours(&mut bench, event)
}

/// Runs `ask` with a judge that answers from the scenarios' expressions.
pub(super) fn judged<R>(
    rules: &Rules,
    memo: &mut Memo,
    settings: &Settings,
    now: Timestamp,
    ask: impl FnOnce(&mut dyn Judge) -> R,
) -> R {
    let host = rules.host(now);
    let mut failed = reporter(rules);
    let bench = Bench {
        library: rules.library(),
        memo,
        host: &host,
        failed: &mut failed,
    };
    let mut signal = |bench: &mut Bench<'_>, closed: &Closed| build(rules, bench, settings, closed).ok();
    ask(&mut ScenarioJudge {
        scenarios: rules.scenarios(),
        bench,
        signal: &mut signal,
    })
}

/// Builds the overflow of `closed`; `None`, with a line in the log, when its events have no usable source.
pub(super) fn runtime_alert(
    rules: &Rules,
    memo: &mut Memo,
    settings: &Settings,
    closed: &Closed,
    now: Timestamp,
) -> Option<RuntimeAlert> {
    let host = rules.host(now);
    let mut failed = reporter(rules);
    let mut bench = Bench {
        library: rules.library(),
        memo,
        host: &host,
        failed: &mut failed,
    };
    let scenario = closed.scenario as usize;
    build(rules, &mut bench, settings, closed)
        .inspect_err(|error| {
            let name = rules
                .scenarios()
                .specs
                .get(scenario)
                .map_or("", |spec| spec.name.as_str());
            rules.world().outside.log(
                LogLevel::Error,
                &format!("overflow of {name} without an alert: {error}"),
            );
        })
        .ok()
}

fn build(
    rules: &Rules,
    bench: &mut Bench<'_>,
    settings: &Settings,
    closed: &Closed,
) -> Result<RuntimeAlert, overflow::Error> {
    let scenarios = rules.scenarios();
    let scenario = closed.scenario;
    let spec = &scenarios.specs[scenario as usize];
    let mut unknown = |key: &str, error: &EvalError| {
        let message = format!("context {key} of an alert of {}: {error}", spec.name);
        rules.world().outside.log(LogLevel::Warn, &message);
    };
    let context = rules
        .contexts()
        .collect(bench, &closed.events, settings.context_length, &mut unknown);
    let facts = Facts {
        simulated: settings.simulation.is_simulated(&spec.name),
        context,
        scope_value: &mut |event| scenarios.scope_value(bench, scenario, event),
    };
    overflow::build(spec, closed, facts)
}

fn reporter(rules: &Rules) -> impl FnMut(&Spec, &'static str, &EvalError) {
    |spec, key, error| {
        let message = format!("{key} of {} failed: {error}", spec.name);
        rules.world().outside.log(LogLevel::Warn, &message);
    }
}
