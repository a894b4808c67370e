//! What a `.local` file changes: mappings are merged, everything else is replaced, an explicit null resets.
//!
//! Upstream: `csyaml.Merge`. Its error for a mapping that meets a scalar cannot occur here, because both
//! files are read with the same types first.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::secret::Secret;

/// A value that a `.local` file can override.
pub(crate) trait Overlay: Sized {
    /// Applies `over`; `written` is the untyped form of it, which still knows explicit nulls.
    fn overlay(&mut self, over: Self, written: &Value);
}

/// Applies one field: absent keeps, null resets, a value is merged.
pub(crate) fn field<T: Overlay>(base: &mut Option<T>, over: Option<T>, written: Option<&Value>) {
    match (base.as_mut(), over, written) {
        (Some(base), Some(over), written) => base.overlay(over, written.unwrap_or(&Value::Null)),
        (None, over @ Some(_), _) => *base = over,
        (_, None, Some(_)) => *base = None,
        (_, None, None) => {}
    }
}

macro_rules! replaced {
    ($($kind:ty),*) => {
        $(impl Overlay for $kind {
            fn overlay(&mut self, over: Self, _: &Value) {
                *self = over;
            }
        })*
    };
}

replaced!(String, bool, i64, Secret);

impl<T> Overlay for Vec<T> {
    fn overlay(&mut self, over: Self, _: &Value) {
        *self = over;
    }
}

impl<T> Overlay for BTreeMap<String, T> {
    fn overlay(&mut self, over: Self, _: &Value) {
        self.extend(over);
    }
}

#[cfg(test)]
mod tests {
    use golang::yaml::{Dialect, from_str};

    use crate::overlay::Overlay as _;
    use crate::raw::Main;

    fn check(base: &str, local: &str, expected: &str) {
        let read = |text: &str| from_str::<Main>(text, Dialect::V3Known).expect("readable");
        let mut merged = read(base);
        merged.overlay(read(local), &from_str(local, Dialect::Lenient).expect("readable"));
        assert_eq!(merged, read(expected), "{base}\n{local}");
    }

    #[test]
    fn mappings_are_merged_key_by_key() {
        check(
            "common: {log_level: info, log_media: file}",
            "common: {log_level: debug}",
            "common: {log_level: debug, log_media: file}",
        );
        check(
            "common: {log_level: info}",
            "prometheus: {enabled: on}",
            "{common: {log_level: info}, prometheus: {enabled: true}}",
        );
    }

    #[test]
    fn sequences_are_replaced() {
        check(
            "api: {server: {trusted_ips: [a, b], listen_uri: x}}",
            "api: {server: {trusted_ips: [c]}}",
            "api: {server: {trusted_ips: [c], listen_uri: x}}",
        );
    }

    #[test]
    fn an_explicit_null_resets_and_an_empty_file_changes_nothing() {
        check(
            "api: {server: {listen_uri: x, log_level: info}}",
            "api: {server: {listen_uri: null}}",
            "api: {server: {log_level: info}}",
        );
        check("db_config: {type: sqlite}", "db_config:", "");
        check("db_config: {type: sqlite}", "", "db_config: {type: sqlite}");
        check(
            "db_config: {type: sqlite, db_path: x}",
            "db_config: {type: ~}",
            "db_config: {db_path: x}",
        );
    }
}
