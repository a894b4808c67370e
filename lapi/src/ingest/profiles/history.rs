//! What profiles ask about earlier decisions on an address, answered from the live model.
//!
//! Upstream asks the database and so also counts what ended longer ago than the model remembers (8 days).

use expr::{Host, LogLevel, Value};
use golang::duration::Duration;
use jiff::Timestamp;
use wire::range::Range;

use crate::live::Live;
use crate::stamp::Stamp;

/// Answers for one request.
#[derive(Debug)]
pub struct History<'a> {
    live: &'a Live,
    now: Timestamp,
}

impl<'a> History<'a> {
    /// Looks at the model as of `now`.
    pub fn new(live: &'a Live, now: Timestamp) -> Self {
        Self { live, now }
    }
}

impl Host for History<'_> {
    fn now(&self) -> Option<Timestamp> {
        Some(self.now)
    }

    fn decisions(&self, helper: &'static str, args: &[Value]) -> Option<Value> {
        let now = Stamp(self.now).nanoseconds();
        let text = |index: usize| args.get(index).and_then(Value::as_str).unwrap_or_default();
        let range = match Range::parse(text(0)) {
            Ok(range) => range,
            Err(error) => {
                tracing::error!("{helper}: {error}");
                Range::default()
            }
        };
        let found = self.live.decisions(|all| all.containing(&range));
        let count = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
        Some(match helper {
            "GetDecisionsCount" => count(found.len()),
            "GetDecisionsSinceCount" => {
                let since = match Duration::parse_days(text(1)) {
                    Ok(length) => now.saturating_sub(length.nanoseconds()),
                    Err(error) => {
                        tracing::error!("{helper}: {error}");
                        return Some(Value::Int(0));
                    }
                };
                count(found.iter().filter(|record| record.visible > since).count())
            }
            "GetActiveDecisionsCount" => count(found.iter().filter(|record| record.is_active(now)).count()),
            "GetActiveDecisionsTimeLeft" => {
                let last = found.iter().map(|record| record.until).max().unwrap_or(now);
                Value::Duration(Duration(last.saturating_sub(now).max(0)))
            }
            _ => return None,
        })
    }

    fn log(&self, level: LogLevel, message: &str) {
        match level {
            LogLevel::Error => tracing::error!("{message}"),
            LogLevel::Warn => tracing::warn!("{message}"),
            LogLevel::Info => tracing::info!("{message}"),
            LogLevel::Debug => tracing::debug!("{message}"),
        }
    }
}
