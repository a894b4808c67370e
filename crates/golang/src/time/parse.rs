//! Reads a time by a Go layout, with all of Go's leniency (Go's `time/format.go`).

use jiff::tz::TimeZone;

use super::civil::{days_in, is_leap};
use super::layout::{Element, OffsetForm, Pad, next};
use super::{Civil, MONTHS, Time, WEEKDAYS};
use crate::strings::quote_bytes as quote;

/// Why a text is not a time of the layout; the text is Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not follow the layout.
    #[error("parsing time {} as {}: cannot parse {} as {}", quote(.text), quote(.layout), quote(.rest), quote(.element))]
    Mismatch {
        /// The whole text.
        text: String,
        /// The whole layout.
        layout: String,
        /// What is left of the text at the mismatch.
        rest: String,
        /// The element of the layout that was wanted there.
        element: String,
    },
    /// The text follows the layout, but a value does not exist, or something stands behind.
    #[error("parsing time {}: {message}", quote(.text))]
    Value {
        /// The whole text.
        text: String,
        /// `day out of range`, `extra text: "…"`, …
        message: String,
    },
}

pub(super) fn parse(layout: &str, text: &str, zone: Option<&TimeZone>) -> Result<Time, Error> {
    let mut fields = Fields::default();
    let mut value = text;
    let mut rest = layout;
    loop {
        let chunk = next(rest);
        let mismatch = |at: &str, element: &str| Error::Mismatch {
            text: text.to_owned(),
            layout: layout.to_owned(),
            rest: at.to_owned(),
            element: element.to_owned(),
        };
        value = skip_literal(value, chunk.literal).map_err(|at| mismatch(at, chunk.literal))?;
        let Some(element) = chunk.element else { break };
        let hold = value;
        value = fields
            .read(element, value, chunk.rest)
            .map_err(|failure| match failure {
                Failure::Bad => mismatch(hold, chunk.text),
                Failure::Range(what) => range(text, what),
            })?;
        rest = chunk.rest;
    }
    if !value.is_empty() {
        return Err(Error::Value {
            text: text.to_owned(),
            message: format!("extra text: {}", quote(value)),
        });
    }
    fields.time(zone).map_err(|what| range(text, what))
}

/// Why one element could not be read.
enum Failure {
    Bad,
    Range(&'static str),
}

fn range(text: &str, what: &str) -> Error {
    Error::Value {
        text: text.to_owned(),
        message: format!("{what} out of range"),
    }
}

/// What has been read so far; `None` is Go's "not set".
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    zone: String,
}

type Step<'t> = Result<&'t str, Failure>;

impl Fields {
    /// Reads one element off the front of `value`; `following` is the layout behind it.
    fn read<'t>(&mut self, element: Element, value: &'t str, following: &str) -> Step<'t> {
        match element {
            Element::Year => {
                let (digits, rest) = take(value, 4)?;
                self.year = integer(digits)
                    .filter(|_| starts_with_digit(value))
                    .ok_or(Failure::Bad)?;
                Ok(rest)
            }
            Element::YearShort => {
                let (digits, rest) = take(value, 2)?;
                let year = integer(digits).ok_or(Failure::Bad)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                Ok(rest)
            }
            Element::MonthName => self.month_name(value, 9),
            Element::MonthShort => self.month_name(value, 3),
            Element::Month { padded } => {
                let (month, rest) = number(value, padded)?;
                if !(1..=12).contains(&month) {
                    return Err(Failure::Range("month"));
                }
                self.month = Some(month);
                Ok(rest)
            }
            Element::WeekdayName => lookup(&WEEKDAYS, 9, value).map(|(_, rest)| rest),
            Element::WeekdayShort => lookup(&WEEKDAYS, 3, value).map(|(_, rest)| rest),
            Element::Day(pad) => {
                let value = if pad == Pad::Space {
                    value.strip_prefix(' ').unwrap_or(value)
                } else {
                    value
                };
                let (day, rest) = number(value, pad == Pad::Zero)?;
                self.day = Some(day);
                Ok(rest)
            }
            Element::YearDay(pad) => self.read_year_day(value, pad),
            Element::ZoneName => self.zone_name(value),
            Element::Offset { zulu, form } => self.read_offset(value, zulu, form),
            element => self.clock(element, value, following),
        }
    }

    /// Reads an element of the time of day.
    fn clock<'t>(&mut self, element: Element, value: &'t str, following: &str) -> Step<'t> {
        let bounded = |padded, limit, what| {
            let (n, rest) = number(value, padded)?;
            if n < limit {
                Ok((n, rest))
            } else {
                Err(Failure::Range(what))
            }
        };
        let rest = match element {
            Element::Hour => {
                let (hour, rest) = bounded(false, 24, "hour")?;
                self.hour = hour;
                rest
            }
            Element::Hour12 { padded } => {
                let (hour, rest) = bounded(padded, 13, "hour")?;
                self.hour = hour;
                rest
            }
            Element::Minute { padded } => {
                let (minute, rest) = bounded(padded, 60, "minute")?;
                self.minute = minute;
                rest
            }
            Element::Second { padded } => {
                let (second, rest) = bounded(padded, 60, "second")?;
                self.second = second;
                return self.unasked_fraction(rest, following);
            }
            Element::Half { upper } => {
                let (half, rest) = take(value, 2)?;
                self.afternoon = Some(match (half, upper) {
                    ("PM", true) | ("pm", false) => true,
                    ("AM", true) | ("am", false) => false,
                    _ => return Err(Failure::Bad),
                });
                rest
            }
            Element::Fraction {
                exact: true, digits, ..
            } => self.fraction(value, digits)?,
            Element::Fraction { exact: false, .. } => match fraction_length(value) {
                0 => value,
                digits => self.fraction(value, digits)?,
            },
            _ => return Err(Failure::Bad),
        };
        Ok(rest)
    }

    fn month_name<'t>(&mut self, value: &'t str, length: usize) -> Step<'t> {
        let (index, rest) = lookup(&MONTHS, length, value)?;
        self.month = Some(index);
        Ok(rest)
    }

    fn read_year_day<'t>(&mut self, value: &'t str, pad: Pad) -> Step<'t> {
        let mut value = value;
        if pad == Pad::Space {
            for _ in 0..2 {
                value = value.strip_prefix(' ').unwrap_or(value);
            }
        }
        let digits = value.bytes().take(3).take_while(u8::is_ascii_digit).count();
        if digits == 0 || (pad == Pad::Zero && digits != 3) {
            return Err(Failure::Bad);
        }
        let (text, rest) = take(value, digits)?;
        self.year_day = integer(text);
        Ok(rest)
    }

    /// Takes a fraction that stands behind the seconds although the layout has none.
    fn unasked_fraction<'t>(&mut self, value: &'t str, following: &str) -> Step<'t> {
        let digits = fraction_length(value);
        if digits == 0 || matches!(next(following).element, Some(Element::Fraction { .. })) {
            return Ok(value);
        }
        self.fraction(value, digits)
    }

    /// Takes a point or comma and `digits` digits; those beyond the ninth are read and dropped.
    fn fraction<'t>(&mut self, value: &'t str, digits: usize) -> Step<'t> {
        let (text, rest) = take(value, digits + 1)?;
        let numbers = text.strip_prefix(['.', ',']).ok_or(Failure::Bad)?;
        let kept = numbers.get(..numbers.len().min(9)).ok_or(Failure::Bad)?;
        let padded = format!("{kept:0<9}");
        self.nanosecond = padded
            .parse()
            .ok()
            .filter(|_| kept.bytes().all(|b| b.is_ascii_digit()))
            .ok_or(Failure::Bad)?;
        Ok(rest)
    }

    fn zone_name<'t>(&mut self, value: &'t str) -> Step<'t> {
        if let Some(rest) = value.strip_prefix("UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_length(value).ok_or(Failure::Bad)?;
        let (zone, rest) = take(value, length)?;
        zone.clone_into(&mut self.zone);
        Ok(rest)
    }

    fn read_offset<'t>(&mut self, value: &'t str, zulu: bool, form: OffsetForm) -> Step<'t> {
        if zulu && let Some(rest) = value.strip_prefix('Z') {
            self.utc = true;
            return Ok(rest);
        }
        let (length, minutes, seconds, colons): (usize, Option<usize>, Option<usize>, &[usize]) = match form {
            OffsetForm::Hours => (3, None, None, &[]),
            OffsetForm::Minutes => (5, Some(3), None, &[]),
            OffsetForm::ColonMinutes => (6, Some(4), None, &[3]),
            OffsetForm::Seconds => (7, Some(3), Some(5), &[]),
            OffsetForm::ColonSeconds => (9, Some(4), Some(7), &[3, 6]),
        };
        let (text, rest) = take(value, length)?;
        if colons.iter().any(|at| text.as_bytes().get(*at) != Some(&b':')) {
            return Err(Failure::Bad);
        }
        let two = |at: usize| two_digits(text, at).ok_or(Failure::Bad);
        // some people do write offsets of 24 hours or 60 minutes
        let h = two(1)?;
        if h > 24 {
            return Err(Failure::Range("time zone offset hour"));
        }
        let (m, s) = (minutes.map_or(Ok(0), two)?, seconds.map_or(Ok(0), two)?);
        if m > 60 {
            return Err(Failure::Range("time zone offset minute"));
        }
        if s > 60 {
            return Err(Failure::Range("time zone offset second"));
        }
        let offset = (h * 60 + m) * 60 + s;
        self.offset = Some(match text.as_bytes().first() {
            Some(b'+') => offset,
            Some(b'-') => -offset,
            _ => return Err(Failure::Bad),
        });
        Ok(rest)
    }

    /// Joins what was read; a zone that was not read is `zone`, else UTC.
    fn time(mut self, zone: Option<&TimeZone>) -> Result<Time, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.date()?;
        if day < 1 || day > days_in(month, self.year) {
            return Err("day");
        }
        let civil = Civil {
            year: self.year,
            month,
            day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
            nanosecond: self.nanosecond,
        };
        let utc = Time::utc(&civil);
        if self.utc {
            return Ok(utc);
        }
        if let Some(offset) = self.offset {
            let name = if offset == 0 && self.zone.is_empty() {
                "UTC"
            } else {
                &self.zone
            };
            let moved = Time::from_unix(utc.unix - i64::from(offset), utc.nanos);
            return Ok(moved.with_offset(offset, name));
        }
        if !self.zone.is_empty() {
            let offset = self
                .zone
                .strip_prefix("GMT")
                .and_then(|hours| hours.parse::<i32>().ok())
                .unwrap_or(0)
                * 3600;
            // Go keeps the instant as if read in UTC and only shows it in the zone
            return Ok(utc.with_offset(offset, self.zone));
        }
        Ok(zone.map_or_else(|| utc.clone(), |zone| in_location(&utc, zone)))
    }

    /// Returns month and day from either a month and day or a day of the year.
    fn date(&self) -> Result<(i64, i64), &'static str> {
        let Some(year_day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        if year_day < 1 || year_day > 365 + i64::from(is_leap(self.year)) {
            return Err("day-of-year");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(month, self.year) {
            day -= days_in(month, self.year);
            month += 1;
        }
        if self.month.is_some_and(|m| m != month) {
            return Err("day-of-year does not match month; day");
        }
        if self.day.is_some_and(|d| d != day) {
            return Err("day-of-year does not match day; day");
        }
        Ok((month, day))
    }
}

/// Reads the civil time of `utc` as the clock of `zone`.
fn in_location(utc: &Time, zone: &TimeZone) -> Time {
    // as Go: guess with the offset at the same UTC instant, then correct by the offset found there
    let guess = utc.in_zone(zone);
    let moved = Time::from_unix(utc.unix - i64::from(guess.offset), utc.nanos).in_zone(zone);
    if moved.offset == guess.offset {
        return moved;
    }
    Time::from_unix(utc.unix - i64::from(moved.offset), utc.nanos).in_zone(zone)
}

/// Skips literal text: a run of spaces stands for any run of spaces. `Err` is where it stopped.
fn skip_literal<'t>(value: &'t str, literal: &str) -> Result<&'t str, &'t str> {
    let (mut value, mut literal) = (value, literal);
    while let Some(wanted) = literal.chars().next() {
        if wanted == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            literal = literal.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(wanted).ok_or(value)?;
        literal = literal.get(wanted.len_utf8()..).unwrap_or_default();
    }
    Ok(value)
}

/// Splits off `length` bytes.
fn take(value: &str, length: usize) -> Result<(&str, &str), Failure> {
    value.split_at_checked(length).ok_or(Failure::Bad)
}

fn starts_with_digit(value: &str) -> bool {
    value.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// Reads an optionally signed integer of nothing but digits, as Go's internal `atoi`.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn two_digits(text: &str, at: usize) -> Option<i32> {
    let digits = text.get(at..at + 2)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// Reads one or two digits; exactly two when `padded`.
fn number(value: &str, padded: bool) -> Result<(i64, &str), Failure> {
    let digits = value.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if digits == 0 || (padded && digits == 1) {
        return Err(Failure::Bad);
    }
    let (text, rest) = take(value, digits)?;
    Ok((integer(text).ok_or(Failure::Bad)?, rest))
}

/// Finds a name (cut to `length` letters) at the start of `value`, whatever its case; the result counts from 1.
fn lookup<'t>(names: &[&str], length: usize, value: &'t str) -> Result<(i64, &'t str), Failure> {
    for (index, name) in (1..).zip(names) {
        let name = name.get(..length.min(name.len())).unwrap_or(name);
        if let Some((head, rest)) = value.split_at_checked(name.len())
            && head.eq_ignore_ascii_case(name)
        {
            return Ok((index, rest));
        }
    }
    Err(Failure::Bad)
}

/// Returns the number of digits behind a point or comma at the start of `value`.
fn fraction_length(value: &str) -> usize {
    match value.strip_prefix(['.', ',']) {
        Some(digits) => digits.bytes().take_while(u8::is_ascii_digit).count(),
        None => 0,
    }
}

/// Returns the length of what Go takes for a zone abbreviation at the start of `value`.
fn zone_length(value: &str) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    // the only two with lower-case letters
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix("GMT") {
        return Some(3 + signed_offset_length(rest));
    }
    if value.starts_with(['+', '-']) {
        return Some(signed_offset_length(value)).filter(|n| *n > 0);
    }
    let capitals = value.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match capitals {
        5 if value.as_bytes().get(4) == Some(&b'T') => Some(5),
        4 if value.as_bytes().get(3) == Some(&b'T') || value.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// Returns the length of `+3` or `-11` (hours up to 23) at the start of `value`, else 0.
fn signed_offset_length(value: &str) -> usize {
    let Some(digits) = value.strip_prefix(['+', '-']) else {
        return 0;
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits.get(..length).and_then(|d| d.parse::<u32>().ok()) {
        Some(hours) if hours <= 23 => length + 1,
        _ => 0,
    }
}
