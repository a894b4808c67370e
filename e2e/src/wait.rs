//! Waiting for a condition with a deadline: the only place that sleeps.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long a thing may take that is sure to come, on a machine with too much to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks `condition` every `step` until it gives a value; fails after `limit`, naming `what` was waited for.
pub fn until<T>(
    what: &str,
    limit: Duration,
    step: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s for {what} in vain", limit.as_secs());
        }
        pause(step);
    }
}

/// Lets `length` pass; for loads that keep a pace, never for synchronisation.
#[expect(
    clippy::disallowed_methods,
    reason = "the one sleep, inside a loop with a deadline"
)]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}
