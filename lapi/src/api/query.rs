//! Query strings as Go's `url.ParseQuery` reads them: the first value of a key counts.

use percent_encoding::percent_decode_str;

/// The parameters of a request, in the order written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Parses the part behind `?`; parts with broken escapes are skipped, as Go's handlers see them.
    pub fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter(|part| !part.is_empty() && !part.contains(';'))
            .filter_map(|part| {
                let (key, value) = part.split_once('=').unwrap_or((part, ""));
                Some((unescape(key)?, unescape(value)?))
            });
        Self {
            pairs: pairs.collect(),
        }
    }

    /// Returns the first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// Returns all values of a key.
    pub fn all<'q>(&'q self, key: &'q str) -> impl Iterator<Item = &'q str> {
        self.pairs
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// Returns each key once, with its first value.
    pub fn firsts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .enumerate()
            .filter(|(index, (name, _))| {
                self.pairs.iter().position(|(other, _)| other == name) == Some(*index)
            })
            .map(|(_, (name, value))| (name.as_str(), value.as_str()))
    }
}

/// Decodes `%XX` (and `+` as a space); `None` when an escape is broken.
fn unescape(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = rest.get(at + 3..)?;
    }
    Some(percent_decode_str(&text).decode_utf8_lossy().into_owned())
}

/// Reads a boolean as Go's `strconv.ParseBool` does.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_counts_and_escapes_are_undone() {
        let query = Query::parse("ip=2001%3Adb8%3A%3A1&ip=x&a+b=c%20d&&bad=%zz&flag");
        assert_eq!(query.get("ip"), Some("2001:db8::1"));
        assert_eq!(query.get("a b"), Some("c d"));
        assert_eq!((query.get("bad"), query.get("flag")), (None, Some("")));
        assert_eq!(query.firsts().count(), 3);
    }
}
