//! How the values of arguments are read.

/// Reads a Go duration with days (`4h`, `30d`).
pub(crate) fn duration(text: &str) -> Result<golang::duration::Duration, golang::duration::Error> {
    golang::duration::Duration::parse_days(text)
}

/// Reads a number with Go's words for what is none.
pub(crate) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_not_a_number| {
        format!(
            "strconv.ParseInt: parsing {}: invalid syntax",
            golang::strings::quote(text)
        )
    })
}
