//! The one place that reads the clock; pure code takes `now` as a parameter instead.

use jiff::Timestamp;

/// Returns the current instant.
#[expect(clippy::disallowed_methods, reason = "the one reader of the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
