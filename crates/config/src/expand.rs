//! Environment references in configuration text.

use std::collections::BTreeMap;

/// The environment, as `$NAME` and `${NAME}` in files refer to it.
pub type Env = BTreeMap<String, String>;

/// Replaces `$NAME` and `${NAME}` by their values; a name that is not set stays as it is written.
///
/// There is no escape, a `$` before anything else is kept, and the text is not quoted: a value may hold YAML.
/// Upstream: `csstring.StrictExpand` over the whole file.
pub fn expand(text: &str, env: &Env) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (written, name) = reference(after);
        if let Some(value) = env.get(name).filter(|_| !name.is_empty()) {
            out.push_str(value);
        } else {
            out.push('$');
            out.push_str(written);
        }
        rest = after.get(written.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Returns what belongs to a reference that begins after `$`, and the name in it; both empty when there is none.
fn reference(after: &str) -> (&str, &str) {
    if let Some(inner) = after.strip_prefix('{') {
        return match inner.split_once('}') {
            Some((name, _)) => (after.get(..name.len() + 2).unwrap_or_default(), name),
            None => ("", ""),
        };
    }
    let length = after
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    let name = after.get(..length).unwrap_or_default();
    (name, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_set_names_are_replaced() {
        let env = Env::from([
            ("PORT".to_owned(), "8080".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let check = |text: &str, expected: &str| assert_eq!(expand(text, &env), expected);
        check("listen_uri: 0.0.0.0:$PORT", "listen_uri: 0.0.0.0:8080");
        check("a: ${PORT}1 $PORT", "a: 80801 8080");
        check("a: $PORTS ${NOT_SET} $NOT_SET", "a: $PORTS ${NOT_SET} $NOT_SET");
        check("a: [$EMPTY]", "a: []");
        check("p: abc$", "p: abc$");
        check("p: a$$PORT", "p: a$8080");
        check("p: ${PORT", "p: ${PORT");
        check("p: ${} $- $ü", "p: ${} $- $ü");
    }
}
