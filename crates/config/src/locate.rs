//! Finds the place of a key in a YAML document, so that a rule between fields can name line and column.

use golang::yaml::{Kind, Node};

/// Where a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// Whether it is the field's own place and not that of what encloses it.
    pub(crate) exact: bool,
}

/// Returns the place of the field at `path` (`api.server.trusted_ips[1]`), or of the nearest that encloses it;
/// none when not even the first key is there.
pub(crate) fn locate(top: &Node, path: &str) -> Option<Place> {
    let mut node = top;
    let mut found = None;
    for step in path.split('.').flat_map(|part| part.split('[')) {
        let entry = match node.kind() {
            Kind::Mapping(entries) => entries
                .iter()
                .find(|(key, _)| key.text() == Some(step))
                .map(|(key, value)| (key.as_ref(), value.as_ref())),
            Kind::Sequence(items) => step
                .strip_suffix(']')
                .and_then(|index| items.get(index.parse::<usize>().ok()?))
                .map(|item| (item.as_ref(), item.as_ref())),
            Kind::Scalar { .. } => None,
        };
        let Some((place, below)) = entry else {
            return found.map(|place| Place {
                exact: false,
                ..place
            });
        };
        found = Some(Place {
            line: place.line(),
            column: place.column(),
            exact: true,
        });
        node = below;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a comment with api: in it
common:
  log_level: info

api:
  client:
    listen_uri: no
  server:
    # the next one
    \"listen_uri\": x
    trusted_ips:
      - 127.0.0.1
      - nonsense
    tls: {cert_file: a}
decisions:
- type: ban
  duration: 4h
- type: captcha
  duration: 4x
";

    fn check(path: &str, expected: Option<(usize, usize, bool)>) {
        let document = golang::yaml::documents(TEXT).unwrap().remove(0);
        let expected = expected.map(|(line, column, exact)| Place { line, column, exact });
        assert_eq!(locate(&document.node, path), expected, "{path}");
    }

    #[test]
    fn keys_and_entries_are_found_below_their_parents() {
        check("common.log_level", Some((3, 3, true)));
        check("api.server.listen_uri", Some((10, 5, true)));
        check("api.server.trusted_ips[1]", Some((13, 9, true)));
        check("api.server.tls.cert_file", Some((14, 11, true)));
        check("decisions[1].duration", Some((19, 3, true)));
    }

    #[test]
    fn a_missing_key_gives_what_encloses_it() {
        check("api.server.tls.key_file", Some((14, 5, false)));
        check("api.server.profiles_path", Some((8, 3, false)));
        check("decisions[7].type", Some((15, 1, false)));
        check("db_config.type", None);
    }
}
