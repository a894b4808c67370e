//! Verdicts recorded from Go's `time` package.

use super::*;

fn check(layout: &str, text: &str, expected: &str) {
    let seen = match Time::parse(layout, text) {
        Ok(time) => time.to_go_string(),
        Err(error) => format!("! {error}"),
    };
    assert_eq!(seen, expected, "for {text:?} by {layout:?}");
}

#[test]
fn zero_time_is_the_first_of_january_of_year_one() {
    assert_eq!(Time::ZERO.to_go_string(), "0001-01-01 00:00:00 +0000 UTC");
    assert_eq!(
        Time::parse(RFC3339, "0001-01-01T00:00:00Z").map(|t| t.is_zero()),
        Ok(true)
    );
    check(
        "Jan  2 15:04:05",
        "Feb 29 10:11:12",
        "0000-02-29 10:11:12 +0000 UTC",
    );
}

#[test]
fn leap_day_carries_over_to_march() {
    let time = Time::parse("Jan _2 15:04:05", "Feb 29 10:11:12").expect("a leap day of year 0");
    assert_eq!(time.add_date(2023, 0, 0).rfc3339_nano(), "2023-03-01T10:11:12Z");
}
