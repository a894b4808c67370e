//! `ParseDate`: the time of a line from whatever way it is written in. Upstream: `pkg/parser/enrich_date.go`.

use golang::time::Time;
use jiff::{Timestamp, tz::TimeZone};

/// Layouts tried in this order after the line's own. Upstream: `pkg/parser/enrich_date.go`.
const LAYOUTS: [&str; 16] = [
    "2006-01-02T15:04:05Z07:00",
    "02/Jan/2006:15:04:05 -0700",
    "Mon Jan 2 15:04:05 2006",
    "02-Jan-2006 15:04:05 europe/paris",
    "01/02/2006 15:04:05",
    "2006-01-02 15:04:05.999999999 -0700 MST",
    "Jan  2 15:04:05",
    "Mon Jan 02 15:04:05.000000 2006",
    "2006-01-02T15:04:05Z07:00",
    "2006/01/02",
    "2006/01/02 15:04",
    "2006-01-02",
    "2006-01-02 15:04",
    "2006/01/02 15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05",
];

/// What a text was understood as.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// An instant, with the offset it was written with.
    Time(Time),
    /// Unix seconds, in the form they are written to `MarshaledTime`.
    Marshaled(String),
}

/// Reads `text` by `layout` (when not empty), then by the usual layouts, then as Unix seconds.
pub fn parse(text: &str, layout: &str, zone: &TimeZone, now: Timestamp) -> Option<Found> {
    let own = (!layout.is_empty()).then_some(layout);
    own.into_iter()
        .chain(LAYOUTS)
        .find_map(|layout| by_layout(layout, text, now))
        .map(Found::Time)
        .or_else(|| by_seconds(text, zone))
}

fn by_layout(layout: &str, text: &str, now: Timestamp) -> Option<Time> {
    let time = Time::parse(layout, text).ok()?;
    if time.is_zero() {
        return None;
    }
    let civil = time.civil();
    if civil.year != 0 {
        return Some(time);
    }
    // A layout without year leaves year 0, which upstream fills by adding years: 29 February may become 1 March.
    let year = Time::from_timestamp(now).civil().year;
    Some(time.add_date(year, 0, 0))
}

fn by_seconds(text: &str, zone: &TimeZone) -> Option<Found> {
    let whole = text.split('.').next().unwrap_or_default();
    let seconds: i64 = whole.parse().ok()?;
    let time = Time::from_unix(seconds, 0).in_zone(zone);
    (!time.is_zero()).then(|| Found::Marshaled(time.rfc3339_nano()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, layout: &str, expected: &str) {
        let now = "2023-03-01T00:00:00Z".parse().unwrap();
        let found = match parse(text, layout, &TimeZone::UTC, now) {
            Some(Found::Time(time)) => time.rfc3339_nano(),
            Some(Found::Marshaled(text)) => text,
            None => "nothing".to_owned(),
        };
        assert_eq!(found, expected, "{text:?} by {layout:?}");
    }

    #[test]
    fn dates_are_read_by_the_lines_own_layout_then_by_the_usual_ones_then_as_seconds() {
        for (text, layout, expected) in [
            ("28/Jan/2022:16:04:05 +0100", "", "2022-01-28T16:04:05+01:00"),
            (
                "2022-01-28T16:04:05.413656027Z",
                "",
                "2022-01-28T16:04:05.413656027Z",
            ),
            ("2022-01-28T16:04:05.500Z", "", "2022-01-28T16:04:05.5Z"),
            ("Feb 12 14:10:21", "", "2023-02-12T14:10:21Z"),
            ("Feb  2 14:10:21", "", "2023-02-02T14:10:21Z"),
            ("2021-11-09  5:13:12", "", "2021-11-09T05:13:12Z"),
            ("2022/01/28 16:04:05", "", "2022-01-28T16:04:05Z"),
            ("1643385845.123", "", "2022-01-28T16:04:05Z"),
            ("1643385845", "", "2022-01-28T16:04:05Z"),
            (
                "28 2022 16.04.05 Jan",
                "2 2006 15.04.05 Jan",
                "2022-01-28T16:04:05Z",
            ),
            ("2022-01-28", "02.01.2006", "2022-01-28T00:00:00Z"),
            ("soon", "", "nothing"),
            ("", "", "nothing"),
        ] {
            check(text, layout, expected);
        }
    }

    #[test]
    fn a_leap_day_without_a_year_becomes_the_first_of_march_in_a_common_year() {
        check("Feb 29 10:00:00", "", "2023-03-01T10:00:00Z");
    }
}
