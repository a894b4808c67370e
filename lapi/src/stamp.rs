//! Instants as the database holds them: text that sorts in time order.
//!
//! SQLite compares these columns as text, so they are always written in UTC with a space and `+00:00`, and the
//! fraction without trailing zeros, as upstream's driver does. Any offset is accepted when reading.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

/// An instant that knows its text form in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub Timestamp);

impl Stamp {
    /// Returns the column text, `2026-11-22 15:04:05.123+00:00`.
    pub fn text(self) -> String {
        let at = TimeZone::UTC.to_datetime(self.0);
        let mut text = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        );
        let nanoseconds = at.subsec_nanosecond();
        if nanoseconds != 0 {
            let digits = format!("{nanoseconds:09}");
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        text.push_str("+00:00");
        text
    }

    /// Reads a column text of any offset; `None` when it is no instant.
    pub fn parse(text: &str) -> Option<Self> {
        static PARSER: DateTimeParser = DateTimeParser::new();
        // `2026-11-22 15:04:05.1 +0000 UTC` is what one old driver wrote.
        let text = text.trim_end_matches(" UTC").replacen(" +", "+", 1);
        PARSER.parse_timestamp(&text).ok().map(Self)
    }

    /// Returns nanoseconds since 1970, held within what an `i64` can say.
    pub fn nanoseconds(self) -> i64 {
        nanoseconds(self.0)
    }

    /// Returns the instant of a count of nanoseconds since 1970.
    pub fn from_nanoseconds(count: i64) -> Self {
        Self(Timestamp::from_nanosecond(i128::from(count)).unwrap_or_default())
    }
}

/// Returns nanoseconds since 1970, held within what an `i64` can say.
pub fn nanoseconds(at: Timestamp) -> i64 {
    let wide = at.as_nanosecond();
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_upstream_and_are_read_back() {
        for text in [
            "2026-11-25 01:13:53.560000654+00:00",
            "2026-11-22 15:04:05+00:00",
            "2026-11-22 15:04:05.1+00:00",
            "1970-01-01 00:00:00+00:00",
        ] {
            assert_eq!(Stamp::parse(text).unwrap().text(), text);
        }
    }

    #[test]
    fn other_offsets_become_utc() {
        assert_eq!(
            Stamp::parse("2026-11-22 23:30:00+05:00").unwrap().text(),
            "2026-11-22 18:30:00+00:00"
        );
        assert_eq!(
            Stamp::parse("2026-11-22T18:30:00Z").unwrap().text(),
            "2026-11-22 18:30:00+00:00"
        );
    }
}
