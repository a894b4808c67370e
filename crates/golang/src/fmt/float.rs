//! Floats as Go's `strconv` writes and reads them.

/// A float has at most 1,074 digits behind the point; more would be zeros, and Rust refuses very many.
const MAX_DIGITS: usize = 10_000;

/// Returns the float as Go's `strconv.FormatFloat(value, verb, precision, 64)`; `None` is the shortest exact form.
///
/// Verbs: `e`, `E`, `f`, `F`, `g`, `G`; any other is taken for `g`.
pub fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    let precision = precision.map(|digits| digits.min(MAX_DIGITS));
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'f' | 'F' => fixed(value, precision),
        'e' | 'E' => scientific(value, precision, verb),
        'G' => general(value, precision, 'E'),
        _ => general(value, precision, 'e'),
    }
}

/// Parses what Go's `strconv.ParseFloat(text, 64)` accepts.
///
/// A value out of range is an error there, so it is `None` here.
pub fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') {
        return without_underscores(text).and_then(|text| parse_float(&text));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => {
            return Some(if text.starts_with('-') {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            });
        }
        "nan" => return (unsigned.len() == text.len()).then_some(f64::NAN),
        _ => {}
    }
    if let Some(hex) = lower.strip_prefix("0x") {
        return hexadecimal(hex).map(|v| if text.starts_with('-') { -v } else { v });
    }
    if !unsigned.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

/// Removes underscores that stand between digits, or between a prefix and a digit; others are refused.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let good = |at: usize| {
        let before = at.checked_sub(1).and_then(|n| bytes.get(n));
        let after = bytes.get(at + 1);
        before.is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b'x' | b'X'))
            && after.is_some_and(u8::is_ascii_hexdigit)
    };
    text.match_indices('_')
        .all(|(at, _)| good(at))
        .then(|| text.replace('_', ""))
}

/// Parses `1.8p3`: hexadecimal digits with a binary exponent, which Go demands.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value.mul_add(16.0, f64::from(digit.to_digit(16)?));
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some(value * 2.0_f64.powi(exponent.checked_sub(shift)?)).filter(|v| v.is_finite())
}

fn fixed(value: f64, precision: Option<usize>) -> String {
    match precision {
        Some(digits) => format!("{value:.digits$}"),
        None => format!("{value}"),
    }
}

fn scientific(value: f64, precision: Option<usize>, letter: char) -> String {
    let text = match precision {
        Some(digits) => format!("{value:.digits$e}"),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{letter}{sign}{:02}", exponent.unsigned_abs())
}

/// Writes `%g`: the exponent form when the exponent is below -4 or not below the number of digits
/// (of 6 when the precision is free).
fn general(value: f64, precision: Option<usize>, letter: char) -> String {
    let precision = precision.map(|digits| digits.max(1));
    let text = scientific(value, precision.map(|digits| digits - 1), letter);
    let (mantissa, exponent) = text.split_once(letter).unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let digits = i32::try_from(mantissa.bytes().filter(u8::is_ascii_digit).count()).unwrap_or(i32::MAX);
    let limit = match precision {
        // %e is used if the exponent from the conversion is not below the precision; surplus zeros do not count
        Some(wanted) => {
            let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
            if wanted > digits && digits >= exponent {
                digits.max(exponent + 1)
            } else {
                wanted
            }
        }
        None => 6,
    };
    if exponent < -4 || exponent >= limit {
        let tail = text.rsplit(letter).next().unwrap_or("+00");
        return format!("{mantissa}{letter}{tail}");
    }
    let decimals = usize::try_from((digits - 1 - exponent).max(0)).unwrap_or(0);
    match precision {
        Some(_) => format!("{value:.decimals$}"),
        None => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_follow_strconv() {
        for (value, verb, precision, expected) in [
            (1.0, 'g', None, "1"),
            (1e20, 'g', None, "1e+20"),
            (1e21, 'g', None, "1e+21"),
            (123_456_789.0, 'g', None, "1.23456789e+08"),
            (0.000_012_3, 'g', None, "1.23e-05"),
            (0.000_123, 'g', None, "0.000123"),
            (100_000.0, 'g', Some(3), "1e+05"),
            (3.25159, 'f', Some(2), "3.25"),
            (2.5, 'f', Some(0), "2"),
            (1234.5678, 'e', Some(2), "1.23e+03"),
            (0.0, 'e', Some(3), "0.000e+00"),
            (200.0, 'f', Some(6), "200.000000"),
            (-0.0, 'g', None, "-0"),
        ] {
            assert_eq!(
                format_float(value, verb, precision),
                expected,
                "{value} %{verb} {precision:?}"
            );
        }
    }

    #[test]
    fn texts_are_read_as_parse_float_reads_them() {
        for (text, expected) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("1.", Some(1.0)),
            ("+1e3", Some(1000.0)),
            ("0x1.8p3", Some(12.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e400", None),
            ("", None),
            (" 1", None),
            ("1_000", Some(1000.0)),
            ("1__0", None),
            ("_1", None),
            ("e5", None),
        ] {
            assert_eq!(parse_float(text), expected, "for {text:?}");
        }
    }
}
