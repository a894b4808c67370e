//! How often and how long a client tries again before it reports a failure.

use std::time::Duration;

use rand::Rng as _;

/// Bounds of the retries inside one call.
///
/// A 401 or 403 drops the token and tries again twice whatever stands here, as upstream does (`pkg/apiclient/auth_retry.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Further attempts after 429, 503 or 504 (and 500 at login); also after no answer at all at login.
    pub attempts: u32,
    /// Wait before the first of them; doubled each time, with jitter.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Retry {
    /// Fails at the first refusal: for people at a terminal and for callers with a backoff of their own.
    pub const NONE: Self = Self {
        attempts: 0,
        first: Duration::ZERO,
        longest: Duration::ZERO,
    };

    /// Rides out a Local API that is restarting: five attempts within about half a minute.
    pub const PATIENT: Self = Self {
        attempts: 5,
        first: Duration::from_secs(1),
        longest: Duration::from_secs(10),
    };

    /// Returns how long to wait before attempt `n` (0 = the first repetition), or `None` when there is none left.
    pub fn wait(&self, n: u32) -> Option<Duration> {
        (n < self.attempts).then(|| backoff(self.first, self.longest, n))
    }
}

/// Returns `first · 2ⁿ`, at most `longest`, of which the upper half is random.
pub fn backoff(first: Duration, longest: Duration, n: u32) -> Duration {
    let full = first.saturating_mul(2u32.saturating_pow(n.min(30))).min(longest);
    let half = full / 2;
    half + half.mul_f64(rand::rng().random_range(0.0..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_grows_to_its_bound_and_never_past_it() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_mins(1));
        for n in 0..200 {
            let wait = backoff(first, longest, n);
            let full = Duration::from_secs(1 << n.min(10)).min(longest);
            assert!(wait >= full / 2 && wait <= full, "attempt {n}: {wait:?}");
        }
    }

    #[test]
    fn no_retry_waits_for_nothing() {
        assert_eq!(Retry::NONE.wait(0), None);
        assert!(Retry::PATIENT.wait(4).is_some());
        assert_eq!(Retry::PATIENT.wait(5), None);
    }
}
