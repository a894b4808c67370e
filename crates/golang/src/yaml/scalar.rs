//! What a scalar means to Go: null, boolean, number or text.

use super::Dialect;
use crate::fmt::parse_float;
use crate::time::Time;

/// A scalar's meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// Above the range of `i64`.
    Uint(u64),
    Float(f64),
    Timestamp,
    Text,
}

impl Resolved {
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Text => "!!str",
        }
    }
}

/// Returns the meaning of a scalar; `Err` names the tag that its text does not fit.
pub(super) fn resolve(
    text: &str,
    plain: bool,
    tag: Option<&str>,
    dialect: Dialect,
) -> Result<Resolved, &'static str> {
    match tag {
        // only yaml.v3 looks through the tag that says no more than "not plain"
        Some("!") if plain && matches!(dialect, Dialect::V3Known | Dialect::Lenient) => {
            Ok(untagged(text, dialect))
        }
        None if !plain => Ok(Resolved::Text),
        None => Ok(untagged(text, dialect)),
        Some("!!bool") => fit(untagged(text, dialect), "!!bool", |r| {
            matches!(r, Resolved::Bool(_))
        }),
        Some("!!int") => fit(untagged(text, dialect), "!!int", |r| {
            matches!(r, Resolved::Int(_) | Resolved::Uint(_))
        }),
        Some("!!null") => fit(untagged(text, dialect), "!!null", |r| *r == Resolved::Null),
        Some("!!timestamp") => fit(untagged(text, dialect), "!!timestamp", |r| {
            *r == Resolved::Timestamp
        }),
        Some("!!float") => match untagged(text, dialect) {
            #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
            Resolved::Int(n) => Ok(Resolved::Float(n as f64)),
            other => fit(other, "!!float", |r| matches!(r, Resolved::Float(_))),
        },
        Some(_) => Ok(Resolved::Text),
    }
}

fn fit(
    resolved: Resolved,
    tag: &'static str,
    fits: impl Fn(&Resolved) -> bool,
) -> Result<Resolved, &'static str> {
    if fits(&resolved) { Ok(resolved) } else { Err(tag) }
}

fn untagged(text: &str, dialect: Dialect) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if dialect == Dialect::V2Strict
        && let Some(value) = old_bool(text)
    {
        return Resolved::Bool(value);
    }
    match text.as_bytes().first() {
        Some(b'.') => parse_float(text).map_or(Resolved::Text, Resolved::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => number(text, dialect),
        _ => Resolved::Text,
    }
}

/// Returns the booleans of YAML 1.1 beyond `true` and `false`.
pub(super) fn old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn number(text: &str, dialect: Dialect) -> Resolved {
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let digits = text.replace('_', "");
    if let Some(resolved) = integer(&digits) {
        return resolved;
    }
    // goccy takes only what has a point for a float
    if (dialect != Dialect::GoccyStrict || digits.contains('.'))
        && is_decimal_float(&digits)
        && let Some(value) = parse_float(&digits)
    {
        return Resolved::Float(value);
    }
    Resolved::Text
}

/// Reads an integer with Go's prefixes: `0x`, `0b`, `0o`, and a leading 0 for octal.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if let Some(octal) = lower.strip_prefix('0').filter(|o| !o.is_empty()) {
        (8, octal)
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(value).map(Resolved::Int);
    }
    // an explicit plus is for signed numbers only
    match i64::try_from(value) {
        Ok(value) => Some(Resolved::Int(value)),
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Resolved::Uint(value)),
    }
}

/// Tells whether the text is a float of YAML's decimal form, before its value is read.
fn is_decimal_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

fn is_timestamp(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ]
    .iter()
    .any(|layout| Time::parse(layout, text).is_ok())
}
