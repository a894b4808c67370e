//! Splits a Go layout into literal text and elements of the reference time.

/// One element of the reference time `Mon Jan 2 15:04:05 MST 2006`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    MonthName,
    MonthShort,
    Month {
        padded: bool,
    },
    WeekdayName,
    WeekdayShort,
    Day(Pad),
    YearDay(Pad),
    Hour,
    Hour12 {
        padded: bool,
    },
    Minute {
        padded: bool,
    },
    Second {
        padded: bool,
    },
    Year,
    YearShort,
    Half {
        upper: bool,
    },
    ZoneName,
    /// `Z07:00` and its kin when `zulu`, else `-07:00` and its kin.
    Offset {
        zulu: bool,
        form: OffsetForm,
    },
    /// A point or comma and `digits` zeros (`exact`) or nines.
    Fraction {
        exact: bool,
        digits: usize,
        comma: bool,
    },
}

/// How a day is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pad {
    None,
    Space,
    Zero,
}

/// How an offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetForm {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

impl OffsetForm {
    /// Longest first, because a shorter form is a prefix of a longer one.
    const ALL: [(&'static str, Self); 5] = [
        ("070000", Self::Seconds),
        ("07:00:00", Self::ColonSeconds),
        ("0700", Self::Minutes),
        ("07:00", Self::ColonMinutes),
        ("07", Self::Hours),
    ];
}

/// A layout cut at its first element.
pub(super) struct Chunk<'l> {
    pub(super) literal: &'l str,
    pub(super) element: Option<Element>,
    /// The element as it stands in the layout.
    pub(super) text: &'l str,
    pub(super) rest: &'l str,
}

/// Cuts `layout` at its first element; without any, all of it is literal.
pub(super) fn next(layout: &str) -> Chunk<'_> {
    for (at, _) in layout.char_indices() {
        let (literal, tail) = layout.split_at(at);
        if let Some((element, skipped, length)) = element_at(tail) {
            let (before, tail) = tail.split_at(skipped);
            let (text, rest) = tail.split_at(length);
            let literal = layout.get(..literal.len() + before.len()).unwrap_or(literal);
            return Chunk {
                literal,
                element: Some(element),
                text,
                rest,
            };
        }
    }
    Chunk {
        literal: layout,
        element: None,
        text: "",
        rest: "",
    }
}

/// Returns the element at the start of `text`, the literal bytes before it (0 or 1) and its length.
fn element_at(text: &str) -> Option<(Element, usize, usize)> {
    let found = |element, length| Some((element, 0, length));
    match text.as_bytes().first()? {
        b'J' if text.starts_with("January") => found(Element::MonthName, 7),
        b'J' if text.starts_with("Jan") && !lower_case_at(text, 3) => found(Element::MonthShort, 3),
        b'M' if text.starts_with("Monday") => found(Element::WeekdayName, 6),
        b'M' if text.starts_with("Mon") && !lower_case_at(text, 3) => found(Element::WeekdayShort, 3),
        b'M' if text.starts_with("MST") => found(Element::ZoneName, 3),
        b'0' => zero_padded(text),
        b'1' if text.starts_with("15") => found(Element::Hour, 2),
        b'1' => found(Element::Month { padded: false }, 1),
        b'2' if text.starts_with("2006") => found(Element::Year, 4),
        b'2' => found(Element::Day(Pad::None), 1),
        // the underscore before a year is literal
        b'_' if text.starts_with("_2006") => Some((Element::Year, 1, 4)),
        b'_' if text.starts_with("_2") => found(Element::Day(Pad::Space), 2),
        b'_' if text.starts_with("__2") => found(Element::YearDay(Pad::Space), 3),
        b'3' => found(Element::Hour12 { padded: false }, 1),
        b'4' => found(Element::Minute { padded: false }, 1),
        b'5' => found(Element::Second { padded: false }, 1),
        b'P' if text.starts_with("PM") => found(Element::Half { upper: true }, 2),
        b'p' if text.starts_with("pm") => found(Element::Half { upper: false }, 2),
        sign @ (b'-' | b'Z') => offset(text, *sign == b'Z'),
        b'.' | b',' => fraction(text),
        _ => None,
    }
}

fn zero_padded(text: &str) -> Option<(Element, usize, usize)> {
    let element = match text.as_bytes().get(1)? {
        b'1' => Element::Month { padded: true },
        b'2' => Element::Day(Pad::Zero),
        b'3' => Element::Hour12 { padded: true },
        b'4' => Element::Minute { padded: true },
        b'5' => Element::Second { padded: true },
        b'6' => Element::YearShort,
        b'0' if text.starts_with("002") => return Some((Element::YearDay(Pad::Zero), 0, 3)),
        _ => return None,
    };
    Some((element, 0, 2))
}

fn offset(text: &str, zulu: bool) -> Option<(Element, usize, usize)> {
    let digits = text.get(1..)?;
    OffsetForm::ALL
        .iter()
        .find(|(form, _)| digits.starts_with(form))
        .map(|(form, kind)| (Element::Offset { zulu, form: *kind }, 0, form.len() + 1))
}

fn fraction(text: &str) -> Option<(Element, usize, usize)> {
    let bytes = text.as_bytes();
    let digit = *bytes.get(1).filter(|b| matches!(b, b'0' | b'9'))?;
    let digits = bytes.iter().skip(1).take_while(|b| **b == digit).count();
    if bytes.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let comma = bytes.first() == Some(&b',');
    Some((
        Element::Fraction {
            exact: digit == b'0',
            digits,
            comma,
        },
        0,
        1 + digits,
    ))
}

fn lower_case_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_lowercase)
}
