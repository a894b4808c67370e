//! One value under one verb.

use super::{Arg, format_float};
use crate::strings::{quote, quote_ascii, quote_char};
use crate::time::{MONTHS, Time};

/// A verb with its flags.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the five flags of the format language"
)]
pub(super) struct Spec {
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) verb: char,
    /// The value stands in a complaint about its verb: no `String` method, flags as they are.
    pub(super) raw: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            plus: false,
            minus: false,
            sharp: false,
            space: false,
            zero: false,
            width: None,
            precision: None,
            verb: 'v',
            raw: false,
        }
    }
}

impl Spec {
    /// `%#v`: Go syntax.
    const fn is_go_syntax(&self) -> bool {
        self.sharp && self.verb == 'v' && !self.raw
    }

    /// The flags as the value's own formatter sees them: under `%+v` and `%#v` they mean something else.
    const fn inner(&self) -> Self {
        let mut inner = *self;
        if self.verb == 'v' && !self.raw {
            inner.plus = false;
            inner.sharp = false;
        }
        inner
    }
}

/// Writes the value under the verb; one that does not fit becomes `%!d(string=…)`.
pub(super) fn print(out: &mut String, arg: &Arg<'_>, spec: &Spec) {
    if spec.verb == 'T' {
        return pad(out, arg.type_name(), spec);
    }
    match arg {
        Arg::Nil if spec.verb == 'v' => pad(out, "<nil>", spec),
        Arg::Bool(value) if matches!(spec.verb, 't' | 'v') => {
            pad(out, if *value { "true" } else { "false" }, spec);
        }
        Arg::Int(n) => integer(out, *n, arg, spec),
        Arg::Float(value) => float(out, *value, arg, spec),
        Arg::Str(text) => string(out, text, arg, spec),
        Arg::Slice(name, items) => slice(out, name, items, spec),
        Arg::Map(name, entries) => map(out, name, entries, spec),
        Arg::Duration(duration) if is_text_verb(spec) => string(out, &duration.to_string(), arg, spec),
        Arg::Duration(duration) => integer(out, duration.0, arg, spec),
        Arg::Time(time) if is_text_verb(spec) => string(out, &time.to_go_string(), arg, spec),
        Arg::Time(time) if spec.verb == 'v' => pad(out, &go_syntax_of_time(time), spec),
        Arg::Object(_, text) if is_text_verb(spec) || spec.verb == 'v' => string(out, text, arg, spec),
        Arg::Nil | Arg::Bool(_) | Arg::Time(_) | Arg::Object(..) => bad_verb(out, arg, spec),
    }
}

fn go_syntax_of_time(time: &Time) -> String {
    let civil = time.civil();
    let month = usize::try_from(civil.month - 1)
        .ok()
        .and_then(|m| MONTHS.get(m))
        .copied()
        .unwrap_or_default();
    format!(
        "time.Date({}, time.{month}, {}, {}, {}, {}, {}, time.{})",
        civil.year,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
        civil.nanosecond,
        if time.offset() == 0 { "UTC" } else { "Local" },
    )
}

/// Tells whether a value with a `String` method shows it under this verb.
const fn is_text_verb(spec: &Spec) -> bool {
    matches!(spec.verb, 'v' | 's' | 'x' | 'X' | 'q') && !spec.is_go_syntax() && !spec.raw
}

fn bad_verb(out: &mut String, arg: &Arg<'_>, spec: &Spec) {
    out.push_str("%!");
    out.push(spec.verb);
    out.push('(');
    if *arg == Arg::Nil {
        out.push_str("<nil>");
    } else {
        out.push_str(arg.type_name());
        out.push('=');
        print(
            out,
            arg,
            &Spec {
                verb: 'v',
                raw: true,
                ..*spec
            },
        );
    }
    out.push(')');
}

/// Fills up to the width, in characters.
fn pad(out: &mut String, text: &str, spec: &Spec) {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    if spec.minus {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else {
        out.extend(std::iter::repeat_n(if spec.zero { '0' } else { ' ' }, missing));
        out.push_str(text);
    }
}

fn string(out: &mut String, text: &str, arg: &Arg<'_>, spec: &Spec) {
    match spec.verb {
        'v' if spec.is_go_syntax() => pad(out, &quote(text), spec),
        'v' | 's' => pad(out, cut(text, spec), spec),
        'q' => {
            let text = cut(text, spec);
            let can_backquote =
                spec.sharp && !text.contains(|c: char| c == '`' || (c < ' ' && c != '\t') || c == '\u{7f}');
            let quoted = match (can_backquote, spec.plus) {
                (true, _) => format!("`{text}`"),
                (false, true) => quote_ascii(text),
                (false, false) => quote(text),
            };
            pad(out, &quoted, spec);
        }
        'x' | 'X' => pad(out, &hexadecimal(text.as_bytes(), spec), spec),
        _ => bad_verb(out, arg, spec),
    }
}

/// Cuts a text to the precision, in characters.
fn cut<'t>(text: &'t str, spec: &Spec) -> &'t str {
    let end = spec
        .precision
        .and_then(|n| text.char_indices().nth(n))
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

fn hexadecimal(bytes: &[u8], spec: &Spec) -> String {
    let bytes = bytes
        .get(..spec.precision.unwrap_or(usize::MAX).min(bytes.len()))
        .unwrap_or(bytes);
    let prefix = match (spec.sharp, spec.verb) {
        (false, _) => "",
        (true, 'x') => "0x",
        (true, _) => "0X",
    };
    let digits = |byte: &u8| {
        if spec.verb == 'x' {
            format!("{byte:02x}")
        } else {
            format!("{byte:02X}")
        }
    };
    if spec.space {
        return bytes
            .iter()
            .map(|b| format!("{prefix}{}", digits(b)))
            .collect::<Vec<_>>()
            .join(" ");
    }
    let all: String = bytes.iter().map(digits).collect();
    if all.is_empty() {
        all
    } else {
        format!("{prefix}{all}")
    }
}

fn integer(out: &mut String, n: i64, arg: &Arg<'_>, spec: &Spec) {
    let size = n.unsigned_abs();
    let spec = &spec.inner();
    let (digits, prefix) = match spec.verb {
        'v' | 'd' => (size.to_string(), ""),
        'b' => (format!("{size:b}"), "0b"),
        'o' => (format!("{size:o}"), "0"),
        'O' => (format!("{size:o}"), "0o"),
        'x' => (format!("{size:x}"), "0x"),
        'X' => (format!("{size:X}"), "0X"),
        'c' => return pad(out, character(n).encode_utf8(&mut [0; 4]), spec),
        'q' => return pad(out, &quote_char(character(n), spec.plus), spec),
        'U' => return pad(out, &unicode(n, spec), spec),
        _ => return bad_verb(out, arg, spec),
    };
    let sign = sign(n < 0, spec);
    let wanted = match (spec.precision, spec.width) {
        (Some(0), _) if n == 0 => return pad(out, "", &Spec { zero: false, ..*spec }),
        (Some(precision), _) => precision,
        (None, Some(width)) if spec.zero && !spec.minus => width.saturating_sub(sign.len()),
        (None, _) => 0,
    };
    let shown = (spec.sharp && !(spec.verb == 'o' && digits.starts_with('0'))) || spec.verb == 'O';
    let prefix = if shown { prefix } else { "" };
    let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
    let text = format!("{sign}{prefix}{zeros}{digits}");
    pad(out, &text, &Spec { zero: false, ..*spec });
}

const fn sign(negative: bool, spec: &Spec) -> &'static str {
    match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn character(n: i64) -> char {
    u32::try_from(n)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn unicode(n: i64, spec: &Spec) -> String {
    let digits = spec.precision.unwrap_or(4).max(4);
    let hex = format!("{:X}", n.cast_unsigned());
    let text = format!("U+{}{hex}", "0".repeat(digits.saturating_sub(hex.len())));
    match u32::try_from(n).ok().and_then(char::from_u32) {
        Some(c) if spec.sharp && crate::strings::is_print(c) => format!("{text} '{c}'"),
        _ => text,
    }
}

fn float(out: &mut String, value: f64, arg: &Arg<'_>, spec: &Spec) {
    let spec = &spec.inner();
    let (verb, precision) = match spec.verb {
        'v' => ('g', spec.precision),
        'g' | 'G' => (spec.verb, spec.precision),
        'e' | 'E' | 'f' | 'F' => (spec.verb, Some(spec.precision.unwrap_or(6))),
        _ => return bad_verb(out, arg, spec),
    };
    let text = format_float(value.abs(), verb, precision);
    let negative = value.is_sign_negative() && !value.is_nan();
    if !value.is_finite() {
        // infinity and not-a-number are not filled up with zeros
        let text = text.trim_start_matches('+');
        let shown = if value == f64::INFINITY && !spec.space {
            "+"
        } else {
            sign(negative, spec)
        };
        return pad(out, &format!("{shown}{text}"), &Spec { zero: false, ..*spec });
    }
    let sign = sign(negative, spec);
    let width = spec.width.unwrap_or(0).saturating_sub(sign.len());
    if spec.zero && !spec.minus {
        out.push_str(sign);
        pad(
            out,
            &text,
            &Spec {
                width: Some(width),
                ..*spec
            },
        );
        return;
    }
    pad(out, &format!("{sign}{text}"), spec);
}

fn slice(out: &mut String, name: &str, items: &[Arg<'_>], spec: &Spec) {
    let (open, separator, close) = if spec.is_go_syntax() {
        out.push_str(name);
        ('{', ", ", '}')
    } else {
        ('[', " ", ']')
    };
    out.push(open);
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push_str(separator);
        }
        element(out, item, spec);
    }
    out.push(close);
}

fn map(out: &mut String, name: &str, entries: &[(Arg<'_>, Arg<'_>)], spec: &Spec) {
    let (open, separator, close) = if spec.is_go_syntax() {
        out.push_str(name);
        ('{', ", ", '}')
    } else {
        out.push_str("map");
        ('[', " ", ']')
    };
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|(a, _), (b, _)| match (a, b) {
        (Arg::Str(a), Arg::Str(b)) => a.cmp(b),
        (Arg::Int(a), Arg::Int(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    out.push(open);
    for (n, (key, value)) in entries.into_iter().enumerate() {
        if n > 0 {
            out.push_str(separator);
        }
        element(out, key, spec);
        out.push(':');
        element(out, value, spec);
    }
    out.push(close);
}

/// Writes what stands in a slice or map; a nil there is `<nil>` under every verb.
fn element(out: &mut String, arg: &Arg<'_>, spec: &Spec) {
    if *arg != Arg::Nil {
        return print(out, arg, spec);
    }
    out.push_str(if spec.is_go_syntax() {
        "interface {}(nil)"
    } else {
        "<nil>"
    });
}
