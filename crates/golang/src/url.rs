//! Percent-encoding as Go's `net/url` does it.

/// Why a text cannot be unescaped; the text is Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("invalid URL escape {0}")]
    Escape(String),
}

/// Returns `text` escaped for one path segment, as Go's `url.PathEscape`.
pub fn path_escape(text: &str) -> String {
    escape(
        text,
        |byte| unreserved(byte) || matches!(byte, b'$' | b'&' | b'+' | b':' | b'=' | b'@'),
        false,
    )
}

/// Returns `text` escaped for a query, a space as `+`, as Go's `url.QueryEscape`.
pub fn query_escape(text: &str) -> String {
    escape(text, unreserved, true)
}

/// Returns `text` with its percent escapes resolved, as Go's `url.PathUnescape`.
///
/// Where Go would return bytes that are not UTF-8, those become U+FFFD: a stray `%ff` must not keep a
/// whole URL undecoded.
pub fn path_unescape(text: &str) -> Result<String, Error> {
    unescape(text, false)
}

/// Returns `text` with its percent escapes resolved and `+` as a space, as Go's `url.QueryUnescape`.
///
/// Bytes that are not UTF-8 become U+FFFD.
pub fn query_unescape(text: &str) -> Result<String, Error> {
    unescape(text, true)
}

const fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn escape(text: &str, keep: impl Fn(u8) -> bool, plus: bool) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else if plus && byte == b' ' {
            out.push('+');
        } else {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
    out
}

fn unescape(text: &str, plus: bool) -> Result<String, Error> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let digits = after.get(..2).and_then(|d| Some((hex(d[0])?, hex(d[1])?)));
                let Some((high, low)) = digits else {
                    let shown = after.get(..2).unwrap_or(after);
                    let shown = format!("%{}", String::from_utf8_lossy(shown));
                    return Err(Error::Escape(crate::strings::quote(&shown)));
                };
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            b'+' if plus => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_follows_net_url() {
        assert_eq!(
            path_escape("a b/c?d=e&f+g@h:i;j,k~é"),
            "a%20b%2Fc%3Fd=e&f+g@h:i%3Bj%2Ck~%C3%A9"
        );
        assert_eq!(query_escape("a b/c?d=e&f+g~*"), "a+b%2Fc%3Fd%3De%26f%2Bg~%2A");
    }

    #[test]
    fn unescaping_names_the_bad_escape() {
        assert_eq!(path_unescape("%2e%2E/a+b"), Ok("../a+b".to_owned()));
        assert_eq!(query_unescape("a+b%20c"), Ok("a b c".to_owned()));
        assert_eq!(path_unescape("a%ffb"), Ok("a\u{fffd}b".to_owned()));
        assert_eq!(path_unescape("50%"), Err(Error::Escape("\"%\"".to_owned())));
        assert_eq!(path_unescape("%zz1"), Err(Error::Escape("\"%zz\"".to_owned())));
    }
}
