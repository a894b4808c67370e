//! Writes a time by a Go layout.

use std::fmt::{Result, Write as _};

use super::layout::{Element, OffsetForm, Pad, next};
use super::{Civil, MONTHS, Time, WEEKDAYS};

pub(super) fn format(time: &Time, layout: &str) -> String {
    let civil = time.civil();
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while !rest.is_empty() {
        let chunk = next(rest);
        out.push_str(chunk.literal);
        let Some(element) = chunk.element else { break };
        let written = write_element(&mut out, element, time, &civil);
        debug_assert!(written.is_ok(), "a String takes all that is written");
        rest = chunk.rest;
    }
    out
}

fn write_element(out: &mut String, element: Element, time: &Time, civil: &Civil) -> Result {
    match element {
        Element::Year if civil.year < 0 => write!(out, "-{:04}", -civil.year),
        Element::Year => write!(out, "{:04}", civil.year),
        Element::YearShort => write!(out, "{:02}", civil.year.max(0) % 100),
        Element::MonthName => out.write_str(month_name(civil)),
        Element::MonthShort => out.write_str(short(month_name(civil))),
        Element::Month { padded } => number(out, civil.month, padded),
        Element::WeekdayName => out.write_str(weekday_name(civil)),
        Element::WeekdayShort => out.write_str(short(weekday_name(civil))),
        Element::Day(Pad::Space) => write!(out, "{:2}", civil.day),
        Element::Day(pad) => number(out, civil.day, pad == Pad::Zero),
        Element::YearDay(Pad::Space) => write!(out, "{:3}", civil.year_day()),
        Element::YearDay(_) => write!(out, "{:03}", civil.year_day()),
        Element::Hour => number(out, civil.hour, true),
        Element::Hour12 { padded } => number(
            out,
            if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 },
            padded,
        ),
        Element::Minute { padded } => number(out, civil.minute, padded),
        Element::Second { padded } => number(out, civil.second, padded),
        Element::Half { upper } => out.write_str(match (civil.hour >= 12, upper) {
            (true, true) => "PM",
            (false, true) => "AM",
            (true, false) => "pm",
            (false, false) => "am",
        }),
        Element::ZoneName if !time.zone.is_empty() => out.write_str(&time.zone),
        Element::ZoneName => write_offset(out, time.offset, OffsetForm::Minutes),
        Element::Offset { zulu: true, .. } if time.offset == 0 => out.write_str("Z"),
        Element::Offset { form, .. } => write_offset(out, time.offset, form),
        Element::Fraction { exact, digits, comma } => write_fraction(out, time.nanos, digits, (exact, comma)),
    }
}

fn number(out: &mut String, value: i64, padded: bool) -> Result {
    if padded {
        write!(out, "{value:02}")
    } else {
        write!(out, "{value}")
    }
}

fn write_offset(out: &mut String, offset: i32, form: OffsetForm) -> Result {
    // the sign is that of whole minutes: -30 s is +0000
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match form {
        OffsetForm::Hours => write!(out, "{sign}{h:02}"),
        OffsetForm::Minutes => write!(out, "{sign}{h:02}{m:02}"),
        OffsetForm::ColonMinutes => write!(out, "{sign}{h:02}:{m:02}"),
        OffsetForm::Seconds => write!(out, "{sign}{h:02}{m:02}{s:02}"),
        OffsetForm::ColonSeconds => write!(out, "{sign}{h:02}:{m:02}:{s:02}"),
    }
}

fn write_fraction(out: &mut String, nanos: u32, digits: usize, (exact, comma): (bool, bool)) -> Result {
    let all = format!("{nanos:09}");
    let kept = all.get(..digits.min(9)).unwrap_or(&all);
    let kept = if exact { kept } else { kept.trim_end_matches('0') };
    if kept.is_empty() {
        return Ok(());
    }
    write!(out, "{}{kept}", if comma { ',' } else { '.' })
}

fn month_name(civil: &Civil) -> &'static str {
    usize::try_from(civil.month - 1)
        .ok()
        .and_then(|i| MONTHS.get(i))
        .copied()
        .unwrap_or_default()
}

fn weekday_name(civil: &Civil) -> &'static str {
    WEEKDAYS.get(civil.weekday()).copied().unwrap_or_default()
}

fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}
