//! Durations as Go writes and reads them: `1h30m0s`, `1.5h`, `-3h59m58.5s`.

use std::fmt;

use crate::strings::quote_bytes as quote;

const NANOSECOND: u64 = 1;
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The first value that an `i64` cannot hold; only a negative duration may reach it.
const LIMIT: u64 = 1 << 63;

/// A span of time in nanoseconds, Go's `time.Duration`.
///
/// `Display` is Go's `Duration.String()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

/// Why a text is not a duration; the text is Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not of the form number, unit, number, unit, …, or out of range.
    #[error("time: invalid duration {0}")]
    Invalid(String),
    /// A number stands without a unit.
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    /// A unit other than ns, us, µs, ms, s, m, h.
    #[error("time: unknown unit {unit} in duration {text}")]
    UnknownUnit {
        /// The unit, quoted as Go quotes.
        unit: String,
        /// The whole text, quoted as Go quotes.
        text: String,
    },
}

impl Duration {
    /// The empty span.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60_000_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000_000_000);

    /// Parses what Go's `time.ParseDuration` accepts.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse_with(text, false)
    }

    /// Parses a Go duration in which the unit `d` (24 hours) is allowed too: `7d`, `1d12h`.
    ///
    /// Upstream: `pkg/cstime`, the durations of `cscli` flags, flush settings and API filters.
    pub fn parse_days(text: &str) -> Result<Self, Error> {
        parse_with(text, true)
    }

    /// Builds a duration of whole seconds, saturating at the ends of the range.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Builds a duration of whole milliseconds, saturating at the ends of the range.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds.saturating_mul(1_000_000))
    }

    /// Returns the nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// Returns the seconds as a float, as Go's `Duration.Seconds()`.
    #[expect(clippy::cast_precision_loss, reason = "Go loses the same digits")]
    pub fn seconds(self) -> f64 {
        (self.0 / 1_000_000_000) as f64 + (self.0 % 1_000_000_000) as f64 / 1e9
    }

    /// Returns the span as `std::time::Duration`; a negative one becomes zero.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(if self.0 < 0 { 0 } else { self.0.unsigned_abs() })
    }

    /// Returns the span as jiff's signed duration.
    pub const fn to_jiff(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_nanos(self.0)
    }

    /// Builds a duration from jiff's, saturating at the ends of the range.
    pub fn from_jiff(duration: jiff::SignedDuration) -> Self {
        let nanos = duration
            .as_nanos()
            .clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Self(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// Returns the duration rounded toward zero to a multiple of `unit`, as Go's `Truncate`.
    #[must_use]
    pub const fn truncate(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            self
        } else {
            Self(self.0 - self.0 % unit.0)
        }
    }

    /// Returns the duration rounded half away from zero to a multiple of `unit`, as Go's `Round`.
    #[must_use]
    pub const fn round(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            return self;
        }
        let rest = self.0 % unit.0;
        let down = self.0 - rest;
        let doubled = rest.unsigned_abs().saturating_mul(2);
        if doubled < unit.0.unsigned_abs() {
            return Self(down);
        }
        Self(if self.0 < 0 {
            down.saturating_sub(unit.0)
        } else {
            down.saturating_add(unit.0)
        })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let text = match nanos {
            0 => "0s".to_owned(),
            1..MICROSECOND => format!("{nanos}ns"),
            MICROSECOND..MILLISECOND => with_fraction(nanos, MICROSECOND, "µs"),
            MILLISECOND..SECOND => with_fraction(nanos, MILLISECOND, "ms"),
            _ => clock_form(nanos),
        };
        if self.0 < 0 {
            f.write_str("-")?;
        }
        f.pad(&text)
    }
}

impl std::str::FromStr for Duration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl serde::Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Writes hours, minutes and seconds; units above the largest used one are left out.
fn clock_form(nanos: u64) -> String {
    let (minutes, rest) = (nanos / MINUTE, nanos % MINUTE);
    let seconds = with_fraction(rest, SECOND, "s");
    match (minutes / 60, minutes % 60) {
        (0, 0) => seconds,
        (0, m) => format!("{m}m{seconds}"),
        (h, m) => format!("{h}h{m}m{seconds}"),
    }
}

/// Writes `nanos` in `unit` with the shortest exact fraction.
fn with_fraction(nanos: u64, unit: u64, suffix: &str) -> String {
    let width = unit.ilog10() as usize;
    let fraction = format!("{:0width$}", nanos % unit);
    match fraction.trim_end_matches('0') {
        "" => format!("{}{suffix}", nanos / unit),
        digits => format!("{}.{digits}{suffix}", nanos / unit),
    }
}

fn unit_size(unit: &str, days: bool) -> Option<u64> {
    Some(match unit {
        "ns" => NANOSECOND,
        // both the micro sign and the Greek letter
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" if days => DAY,
        _ => return None,
    })
}

fn parse_with(text: &str, days: bool) -> Result<Duration, Error> {
    let invalid = || Error::Invalid(quote(text));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = take_number(rest).ok_or_else(invalid)?;
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(Error::MissingUnit(quote(text)));
        }
        let size = unit_size(unit, days).ok_or_else(|| Error::UnknownUnit {
            unit: quote(unit),
            text: quote(text),
        })?;
        total = number
            .times(size)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(invalid)?;
        if total > LIMIT {
            return Err(invalid());
        }
        rest = after;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(nanos)) => Ok(Duration(nanos)),
        (true, Ok(nanos)) => Ok(Duration(-nanos)),
        (true, Err(_)) => Ok(Duration(i64::MIN)),
        (false, Err(_)) => Err(invalid()),
    }
}

/// A decimal number: the whole part, and the fraction as numerator and power of ten.
struct Number {
    whole: u64,
    numerator: u64,
    scale: f64,
}

impl Number {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Go computes the fraction in float64 and truncates; the value is below one unit"
    )]
    fn times(&self, unit: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(unit).filter(|n| *n <= LIMIT)?;
        if self.numerator == 0 {
            return Some(whole);
        }
        let part = (self.numerator as f64 * (unit as f64 / self.scale)) as u64;
        whole.checked_add(part).filter(|n| *n <= LIMIT)
    }
}

/// Takes digits with at most one point; `None` when there is no digit or the whole part is too large.
fn take_number(text: &str) -> Option<(Number, &str)> {
    let digits_end = |t: &str| t.find(|c: char| !c.is_ascii_digit()).unwrap_or(t.len());
    let (whole, rest) = text.split_at(digits_end(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(digits_end(after)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = Number {
        whole: 0,
        numerator: 0,
        scale: 1.0,
    };
    for digit in whole.bytes() {
        number.whole = number
            .whole
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        if number.whole > LIMIT {
            return None;
        }
    }
    for digit in fraction.bytes() {
        // digits beyond the range of the numerator cannot change the result and are dropped, as in Go
        let Some(next) = number
            .numerator
            .checked_mul(10)
            .and_then(|n| n.checked_add(u64::from(digit - b'0')))
        else {
            break;
        };
        if next >= LIMIT {
            break;
        }
        number.numerator = next;
        number.scale *= 10.0;
    }
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let seen = match Duration::parse(text) {
            Ok(duration) => duration.to_string(),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(seen, expected, "for {text:?}");
    }

    #[test]
    fn texts_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0", "0s"),
            ("-0", "0s"),
            ("1h", "1h0m0s"),
            ("1.5h", "1h30m0s"),
            ("90s", "1m30s"),
            ("-1m", "-1m0s"),
            ("+5m30s", "5m30s"),
            (".5s", "500ms"),
            ("1.s", "1s"),
            ("1500us", "1.5ms"),
            ("1µs", "1µs"),
            ("3h59m58.999s", "3h59m58.999s"),
            ("9223372036854775807ns", "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
            (
                "9223372036854775808ns",
                "! time: invalid duration \"9223372036854775808ns\"",
            ),
            ("", "! time: invalid duration \"\""),
            ("3", "! time: missing unit in duration \"3\""),
            ("1d", "! time: unknown unit \"d\" in duration \"1d\""),
            (" 1s", "! time: invalid duration \" 1s\""),
            ("1s ", "! time: unknown unit \"s \" in duration \"1s \""),
            (".s", "! time: invalid duration \".s\""),
            ("-.s", "! time: invalid duration \"-.s\""),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn days_are_a_unit_only_where_upstream_allows_them() {
        assert_eq!(Duration::parse_days("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(Duration::parse_days("1d12h"), Ok(Duration::from_secs(36 * 3_600)));
        assert!(Duration::parse("7d").is_err());
    }

    #[test]
    fn rounding_goes_half_away_from_zero() {
        assert_eq!(
            Duration(1_500_000_000).round(Duration::SECOND),
            Duration(2_000_000_000)
        );
        assert_eq!(
            Duration(-1_500_000_000).round(Duration::SECOND),
            Duration(-2_000_000_000)
        );
        assert_eq!(
            Duration(1_499_999_999).round(Duration::SECOND),
            Duration(1_000_000_000)
        );
        assert_eq!(
            Duration(1_999_999_999).truncate(Duration::SECOND),
            Duration(1_000_000_000)
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in proptest::num::i64::ANY) {
            let duration = Duration(nanos);
            proptest::prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }
    }
}
