//! Go's `strings` and `strconv` where Rust's own text functions answer differently.

/// Returns `text` with every character mapped to its simple upper case, as Go's `strings.ToUpper`.
///
/// One character stays one character: `ß` is unchanged, where Rust would write `SS`.
pub fn to_upper(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_uppercase()
    } else {
        text.chars().map(upper).collect()
    }
}

/// Returns `text` with every character mapped to its simple lower case, as Go's `strings.ToLower`.
pub fn to_lower(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.chars().map(lower).collect()
    }
}

/// Returns `text` with the first letter of every word in upper case, as Go's `strings.Title`.
pub fn title(text: &str) -> String {
    let mut previous = ' ';
    text.chars()
        .map(|c| {
            let out = if is_separator(previous) { title_case(c) } else { c };
            previous = c;
            out
        })
        .collect()
}

/// Tells whether Go's `unicode.IsSpace` holds for `c`.
pub const fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
            | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Returns `text` without leading and trailing white space, as Go's `strings.TrimSpace`.
pub fn trim_space(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Returns the runs of non-space characters, as Go's `strings.Fields`.
pub fn fields(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|field| !field.is_empty())
}

/// Returns `text` as a double-quoted Go literal, as Go's `strconv.Quote` and the verb `%q`.
pub fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// Returns `text` as a double-quoted Go literal of ASCII characters only (`%+q`).
pub fn quote_ascii(text: &str) -> String {
    quote_with(text, '"', true)
}

/// Returns `c` as a single-quoted Go character literal (`%q` of a number), of ASCII only if so wished.
pub fn quote_char(c: char, ascii: bool) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]), '\'', ascii)
}

/// Returns `text` quoted as Go's `time` package quotes it in errors: every byte that is not plain ASCII as `\xff`.
pub(crate) fn quote_bytes(text: &str) -> String {
    let mut out = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'~' | b'\x7f' => out.push(char::from(byte)),
            byte => {
                let escaped = format!("\\x{byte:02x}");
                out.push_str(&escaped);
            }
        }
    }
    out.push('"');
    out
}

fn quote_with(text: &str, mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if is_print(c) && (!ascii || c.is_ascii()) => out.push(c),
            c => escape(&mut out, c),
        }
    }
    out.push(mark);
    out
}

/// Writes `c` as `\x7f`, `\u00a0` or `\U0001f600`.
fn escape(out: &mut String, c: char) {
    use std::fmt::Write as _;
    let code = u32::from(c);
    let written = match code {
        0..=0x1f | 0x7f => write!(out, "\\x{code:02x}"),
        0..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    debug_assert!(written.is_ok(), "a String takes all that is written");
}

/// Tells whether Go's `strconv.IsPrint` holds for `c`: letters, marks, numbers, punctuation, symbols, ASCII space.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    if is_space(c) || c.is_control() || c == '\u{ad}' {
        return false;
    }
    // Rust escapes what is not printable, and grapheme extenders, which Go prints
    let mut escaped = c.escape_debug();
    escaped.next() == Some(c) || is_mark(c)
}

fn is_mark(c: char) -> bool {
    use regex_syntax::hir::{Class, HirKind};
    static MARKS: std::sync::LazyLock<Option<regex_syntax::hir::ClassUnicode>> =
        std::sync::LazyLock::new(|| match regex_syntax::parse(r"\pM").ok()?.into_kind() {
            HirKind::Class(Class::Unicode(class)) => Some(class),
            _ => None,
        });
    MARKS
        .as_ref()
        .is_some_and(|class| class.iter().any(|r| r.start() <= c && c <= r.end()))
}

fn upper(c: char) -> char {
    single(c, c.to_uppercase())
}

/// Returns the simple title case, which differs from the upper case for a few digraphs and Georgian letters.
fn title_case(c: char) -> char {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => c,
        c => upper(c),
    }
}

fn lower(c: char) -> char {
    // the only character whose full lower case is longer: Go's simple mapping is a plain i
    if c == '\u{130}' {
        'i'
    } else {
        single(c, c.to_lowercase())
    }
}

/// Returns the mapping when it is one character, else `c` itself: Unicode's simple mapping.
fn single(c: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
    if mapped.len() == 1 {
        mapped.next().unwrap_or(c)
    } else {
        simple_exception(c)
    }
}

/// Returns the simple upper case of the characters whose full one is longer.
fn simple_exception(c: char) -> char {
    let code = u32::from(c);
    let mapped = match code {
        // Greek with iota subscript: the title-case letter eight places up, or one after the long vowels
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => code + 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => code + 9,
        _ => code,
    };
    char::from_u32(mapped).unwrap_or(c)
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    !c.is_alphanumeric() && is_space(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_mapping_keeps_the_number_of_characters() {
        assert_eq!(to_upper("straße ŉ ﬁ"), "STRAßE ŉ ﬁ");
        assert_eq!(to_lower("İSTANBUL ÀÉ"), "istanbul àé");
        assert_eq!(to_upper("\u{1f80}\u{1fb3}"), "\u{1f88}\u{1fbc}");
        assert_eq!(title("hello wORLD a_b c-d"), "Hello WORLD A_b C-D");
    }

    #[test]
    fn white_space_is_go_white_space() {
        assert_eq!(trim_space("\u{a0}\t a b \u{85}\u{200b}"), "a b \u{85}\u{200b}");
        assert_eq!(fields(" a  b\tc\n").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn quoting_escapes_what_go_escapes() {
        for (text, expected) in [
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\x00\x07\n\x7f", r#""\x00\a\n\x7f""#),
            ("é\u{a0}\u{200b}\u{ad}😀", "\"é\\u00a0\\u200b\\u00ad😀\""),
            ("e\u{301}", "\"e\u{301}\""),
            ("it's", "\"it's\""),
        ] {
            assert_eq!(quote(text), expected, "for {text:?}");
        }
        assert_eq!(quote_ascii("é😀"), r#""\u00e9\U0001f600""#);
        assert_eq!(quote_char('\'', false), r"'\''");
    }
}
