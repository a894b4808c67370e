//! JSON with upstream's indents and Go's escapes.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Returns the value indented by `indent` in the order of its fields, without a line end.
pub(crate) fn pretty<T: Serialize + ?Sized>(value: &T, indent: &str) -> String {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = Serializer::with_formatter(&mut bytes, formatter);
    // Values made here have string keys and finite numbers, the only things serde_json refuses.
    if value.serialize(&mut serializer).is_err() {
        return String::new();
    }
    escape_html(&String::from_utf8_lossy(&bytes))
}

/// Go escapes these three everywhere in JSON; outside strings they cannot occur.
fn escape_html(text: &str) -> String {
    text.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_containers_stay_on_their_line_and_html_is_escaped() {
        let value = serde_json::json!({"a": [], "b": {"c": "<x>&"}});
        assert_eq!(
            pretty(&value, " "),
            "{\n \"a\": [],\n \"b\": {\n  \"c\": \"\\u003cx\\u003e\\u0026\"\n }\n}"
        );
    }
}
