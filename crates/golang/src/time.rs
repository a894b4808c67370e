//! Times as Go keeps, writes and reads them: an instant with a zone, layouts such as `2006-01-02 15:04:05`.

mod civil;
mod format;
mod layout;
mod parse;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use arcstr::ArcStr;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::duration::Duration;

pub use civil::Civil;
pub use parse::Error;

/// Go's `time.RFC3339`.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// Go's `time.RFC3339Nano`: trailing zeros of the fraction are left out.
pub const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";
/// Month names, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Weekday names, Sunday first.
pub const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Seconds from Go's zero time (1 January of year 1) to the Unix epoch.
const ZERO_UNIX: i64 = -62_135_596_800;

/// An instant, shown in a zone of fixed offset.
///
/// Equality, order and hash look at the instant alone.
#[derive(Debug, Clone)]
pub struct Time {
    unix: i64,
    nanos: u32,
    /// Seconds east of Greenwich.
    offset: i32,
    /// `UTC`, `CEST`, or empty when only the offset is known.
    zone: ArcStr,
}

impl Time {
    /// Go's zero time: midnight UTC on 1 January of year 1.
    pub const ZERO: Self = Self {
        unix: ZERO_UNIX,
        nanos: 0,
        offset: 0,
        zone: arcstr::literal!("UTC"),
    };

    /// Parses `text` by a Go layout, a time without zone being UTC, as Go's `time.Parse`.
    pub fn parse(layout: &str, text: &str) -> Result<Self, Error> {
        parse::parse(layout, text, None)
    }

    /// Parses `text` by a Go layout, a time without zone being in `zone`, as Go's `time.ParseInLocation`.
    pub fn parse_in(layout: &str, text: &str, zone: &TimeZone) -> Result<Self, Error> {
        parse::parse(layout, text, Some(zone))
    }

    /// Returns the time written by a Go layout, as Go's `Time.Format`.
    pub fn format(&self, layout: &str) -> String {
        format::format(self, layout)
    }

    /// Returns the RFC 3339 form without trailing zeros in the fraction: `2021-01-01T10:00:00.5Z`.
    pub fn rfc3339_nano(&self) -> String {
        self.format(RFC3339_NANO)
    }

    /// Returns the RFC 3339 form in whole seconds.
    pub fn rfc3339(&self) -> String {
        self.format(RFC3339)
    }

    /// Returns Go's `Time.String()`: `2021-01-01 10:00:00.5 +0000 UTC`.
    pub fn to_go_string(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    /// Builds the instant in UTC.
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        let nanos = timestamp.as_nanosecond();
        let unix = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(ZERO_UNIX);
        let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
        Self::from_unix(unix, rest)
    }

    /// Builds the instant in UTC from Unix seconds and nanoseconds (below one second).
    pub const fn from_unix(seconds: i64, nanos: u32) -> Self {
        Self {
            unix: seconds,
            nanos,
            offset: 0,
            zone: arcstr::literal!("UTC"),
        }
    }

    /// Builds the instant of a date and clock in UTC; values out of range carry over, as Go's `time.Date`.
    pub fn utc(civil: &Civil) -> Self {
        Self::from_unix(civil.unix(), civil.nanosecond)
    }

    /// Returns the instant; the ends of jiff's range stand for what lies beyond.
    pub fn timestamp(&self) -> Timestamp {
        let nanos = i32::try_from(self.nanos).unwrap_or(0);
        Timestamp::new(self.unix, nanos).unwrap_or(if self.unix < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    /// Returns the same instant in UTC.
    #[must_use]
    pub fn to_utc(&self) -> Self {
        Self::from_unix(self.unix, self.nanos)
    }

    /// Returns the same instant with a fixed offset in seconds and a zone name, which may be empty.
    #[must_use]
    pub fn with_offset(&self, offset: i32, zone: impl Into<ArcStr>) -> Self {
        Self {
            offset,
            zone: zone.into(),
            ..*self
        }
    }

    /// Returns the same instant as the clocks of `zone` show it.
    #[must_use]
    pub fn in_zone(&self, zone: &TimeZone) -> Self {
        let info = zone.to_offset_info(self.timestamp());
        self.with_offset(info.offset().seconds(), info.abbreviation())
    }

    /// Tells whether this is Go's zero time.
    pub const fn is_zero(&self) -> bool {
        self.unix == ZERO_UNIX && self.nanos == 0
    }

    /// Returns the date and clock in the time's own zone.
    pub fn civil(&self) -> Civil {
        Civil::from_unix(self.unix.saturating_add(i64::from(self.offset)), self.nanos)
    }

    /// Returns the seconds since the Unix epoch, rounded down.
    pub const fn unix(&self) -> i64 {
        self.unix
    }

    /// Returns the nanoseconds within the second.
    pub const fn nanosecond(&self) -> u32 {
        self.nanos
    }

    /// Returns the nanoseconds since the Unix epoch, wrapping where Go wraps.
    pub const fn unix_nano(&self) -> i64 {
        self.unix
            .wrapping_mul(1_000_000_000)
            .wrapping_add(self.nanos as i64)
    }

    /// Returns the seconds east of Greenwich.
    pub const fn offset(&self) -> i32 {
        self.offset
    }

    /// Returns the zone's abbreviation; empty when only the offset is known.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Returns the time moved by `duration`.
    #[must_use]
    pub fn add(&self, duration: Duration) -> Self {
        let nanos = i64::from(self.nanos) + duration.0.rem_euclid(1_000_000_000);
        let seconds = duration.0.div_euclid(1_000_000_000) + nanos / 1_000_000_000;
        let nanos = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
        Self {
            unix: self.unix.saturating_add(seconds),
            nanos,
            offset: self.offset,
            zone: self.zone.clone(),
        }
    }

    /// Returns the span from `earlier` to this time, saturating as Go's `Time.Sub`.
    pub fn sub(&self, earlier: &Self) -> Duration {
        let nanos = (i128::from(self.unix) - i128::from(earlier.unix)) * 1_000_000_000
            + i128::from(self.nanos)
            - i128::from(earlier.nanos);
        let clamped = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Duration(i64::try_from(clamped).unwrap_or(i64::MAX))
    }

    /// Returns the time moved by years, months and days of the calendar, as Go's `Time.AddDate`.
    ///
    /// A day that does not exist carries over: 29 February plus one year is 1 March.
    #[must_use]
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let mut civil = self.civil();
        civil.year = civil.year.saturating_add(years);
        civil.month = civil.month.saturating_add(months);
        civil.day = civil.day.saturating_add(days);
        let unix = civil.unix().saturating_sub(i64::from(self.offset));
        Self {
            unix,
            nanos: self.nanos,
            offset: self.offset,
            zone: self.zone.clone(),
        }
    }

    /// Returns the time rounded down to a multiple of `unit` since the zero time, as Go's `Truncate`.
    #[must_use]
    pub fn truncate(&self, unit: Duration) -> Self {
        if unit.0 <= 0 {
            return self.clone();
        }
        self.add(Duration(-self.past(unit)))
    }

    /// Returns the time rounded half up to a multiple of `unit` since the zero time, as Go's `Round`.
    #[must_use]
    pub fn round(&self, unit: Duration) -> Self {
        if unit.0 <= 0 {
            return self.clone();
        }
        let past = self.past(unit);
        self.add(Duration(if past < unit.0 - past {
            -past
        } else {
            unit.0 - past
        }))
    }

    /// Returns the nanoseconds since the last multiple of `unit`.
    fn past(&self, unit: Duration) -> i64 {
        let since = (i128::from(self.unix) - i128::from(ZERO_UNIX)) * 1_000_000_000 + i128::from(self.nanos);
        i64::try_from(since.rem_euclid(i128::from(unit.0))).unwrap_or(0)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_go_string())
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        (self.unix, self.nanos) == (other.unix, other.nanos)
    }
}

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.unix, self.nanos).cmp(&(other.unix, other.nanos))
    }
}

impl Hash for Time {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.unix, self.nanos).hash(state);
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_timestamp(timestamp)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}", self.rfc3339_nano()))
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(RFC3339, &text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
