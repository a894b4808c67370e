//! The token bucket behind a leaky bucket: float arithmetic as upstream's, so that ties fall the same way.

use golang::duration::Duration;

/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

/// A token bucket that holds at most `burst` tokens and gains one per leak interval.
///
/// Times are nanoseconds since the epoch. Upstream: `golang.org/x/time/rate`, `Limiter.AllowN`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Limiter {
    /// Tokens per second; `None` lets everything pass.
    rate: Option<f64>,
    burst: f64,
    tokens: f64,
    last: Option<i64>,
}

impl Limiter {
    /// Returns a full bucket of `capacity` tokens that gains one per `leakspeed`; a negative capacity never refuses.
    pub fn new(capacity: i64, leakspeed: Duration) -> Self {
        let burst = to_f64(capacity.max(0));
        let rate = (capacity >= 0).then(|| per_second(leakspeed));
        Self {
            rate,
            burst,
            tokens: burst,
            last: None,
        }
    }

    /// Takes one token at `now`; `false` when there is none, and then nothing changes.
    ///
    /// Time may run backwards between calls: the bucket then gains nothing and goes on from the earlier time.
    pub fn allow(&mut self, now: i64) -> bool {
        let Some(rate) = self.rate else { return true };
        let last = self.last.map_or(now, |last| last.min(now));
        let elapsed = seconds(now.saturating_sub(last));
        let tokens = (self.tokens + elapsed * rate).min(self.burst) - 1.0;
        if self.burst < 1.0 || (tokens < 0.0 && wait(-tokens, rate) > 0) {
            return false;
        }
        self.last = Some(now);
        self.tokens = tokens;
        true
    }
}

/// Go's `Duration.Seconds()`: whole seconds and the rest are converted apart.
fn seconds(nanoseconds: i64) -> f64 {
    to_f64(nanoseconds / 1_000_000_000) + to_f64(nanoseconds % 1_000_000_000) / SECOND
}

fn per_second(leakspeed: Duration) -> f64 {
    if leakspeed.0 <= 0 {
        f64::INFINITY
    } else {
        1.0 / seconds(leakspeed.0)
    }
}

/// Nanoseconds until `tokens` have been gained, cut to whole ones.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cut is the rule, and the cast saturates"
)]
fn wait(tokens: f64, rate: f64) -> i64 {
    ((tokens / rate) * SECOND) as i64
}

#[expect(clippy::cast_precision_loss, reason = "upstream computes in the same 53 bits")]
fn to_f64(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1_000_000_000;

    fn check(capacity: i64, leakspeed: i64, at: &[i64], expected: &[bool]) {
        let mut limiter = Limiter::new(capacity, Duration(leakspeed));
        let seen: Vec<bool> = at.iter().map(|&now| limiter.allow(now)).collect();
        assert_eq!(seen, expected, "capacity {capacity}, leak {leakspeed}, at {at:?}");
    }

    #[test]
    fn a_full_bucket_gives_capacity_tokens_and_then_refuses() {
        check(3, 10 * S, &[0, 0, 0, 0], &[true, true, true, false]);
    }

    #[test]
    fn a_token_comes_back_after_the_leak_interval_and_not_before() {
        check(1, 10 * S, &[0, 10 * S - 2, 10 * S], &[true, false, true]);
    }

    #[test]
    fn a_deficit_below_one_nanosecond_is_none() {
        check(1, S / 10, &[0, S / 10], &[true, true]);
        check(1, 3 * S, &[S / 3, S / 3 + 3 * S], &[true, true]);
    }

    #[test]
    fn tokens_never_exceed_the_burst() {
        check(
            2,
            S,
            &[0, 1000 * S, 1000 * S, 1000 * S],
            &[true, true, true, false],
        );
    }

    #[test]
    fn going_back_in_time_gains_nothing_and_resets_the_start() {
        // After the step back to 0 the clock runs from 0 again, so 5 s later one token is there.
        check(2, 5 * S, &[100 * S, 0, 4 * S, 5 * S], &[true, true, false, true]);
    }

    #[test]
    fn a_negative_capacity_never_refuses() {
        check(-1, S, &[0; 50], &[true; 50]);
    }

    proptest! {
        #[test]
        fn whole_second_leaks_agree_with_exact_integers(
            capacity in 1_i64..20,
            leak in 1_i64..100,
            steps in proptest::collection::vec(0_i64..50, 1..80),
        ) {
            let mut limiter = Limiter::new(capacity, Duration(leak * S));
            // Exact model in units of 1/leak token: one unit a second.
            let (mut units, mut last, mut now) = (capacity * leak, 0, 0);
            for step in steps {
                now += step;
                let have = (units + now - last).min(capacity * leak);
                let expected = have >= leak;
                if expected {
                    units = have - leak;
                    last = now;
                }
                prop_assert_eq!(limiter.allow(now * S), expected);
            }
        }
    }
}
