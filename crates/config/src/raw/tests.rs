//! Raw types: what is read is written back, and strange keys are refused.

use std::collections::BTreeMap;

use golang::yaml::{Dialect, from_str, to_string};
use proptest::prelude::*;

use super::*;

fn read_back<T>(value: &T, dialect: Dialect)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug + Default,
{
    let text = to_string(value).unwrap();
    let back: T = from_str(&text, dialect).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    assert_eq!(&back, value, "{text}");
}

/// Texts that YAML would take for something else stand beside arbitrary ones.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "off",
            "yes",
            "1.0",
            "0123",
            "1e3",
            "~",
            "null",
            "- a",
            "a: b",
            "#",
            "'",
            "\"",
            "a\nb\n",
            " a ",
            "2024-01-01",
            "$X",
            "[a",
            "{",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%",
            "@",
            "`",
            "a #b",
            "<<",
            "=",
            "\u{feff}",
            "é",
        ])
        .prop_map(str::to_owned),
        "[ -~\n]{1,20}",
        "\\PC{1,8}",
    ]
}

fn maybe<T: std::fmt::Debug>(inner: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(inner)
}

proptest! {
    #[test]
    fn config_is_read_back_as_written(
        level in maybe(text()),
        compress in maybe(any::<bool>()),
        size in maybe(any::<i64>()),
        uri in maybe(text()),
        ips in maybe(proptest::collection::vec(text(), 1..4)),
        password in maybe(text()),
        days in maybe(text()),
    ) {
        let config = Main {
            common: Some(main::Common { log_level: level, compress_logs: compress, log_max_size: size, ..Default::default() }),
            db_config: Some(main::Database {
                r#type: Some("sqlite".to_owned()),
                password: password.map(crate::Secret::new),
                flush: Some(main::Flush { max_age: days, max_items: size, ..Default::default() }),
                ..Default::default()
            }),
            api: Some(main::Api {
                server: Some(main::Server { listen_uri: uri, trusted_ips: ips, enable: compress, ..Default::default() }),
                ..Default::default()
            }),
            ..Default::default()
        };
        read_back(&config, Dialect::V3Known);
    }

    #[test]
    fn credentials_and_pods_and_simulation_are_read_back_as_written(
        url in maybe(text()),
        login in maybe(text()),
        password in maybe(text()),
        key in maybe(text()),
        exclusions in maybe(proptest::collection::vec(text(), 1..3)),
        on in maybe(any::<bool>()),
    ) {
        read_back(
            &Credentials {
                url: url.clone(),
                login: login.clone(),
                password: password.map(crate::Secret::new),
                password_key_path: key.clone(),
                ..Default::default()
            },
            Dialect::V3Known,
        );
        read_back(
            &PodsAcquisition { source: Some("pods".to_owned()), config_map: url, namespace: login, root: key, ..Default::default() },
            Dialect::GoccyStrict,
        );
        read_back(&Simulation { simulation: on, exclusions }, Dialect::V3Known);
        read_back(&Console { share_custom: on, ..Default::default() }, Dialect::Lenient);
    }

    #[test]
    fn sources_and_profiles_are_read_back_as_written(
        labels in proptest::collection::btree_map(text(), text(), 1..4),
        filenames in proptest::collection::vec(text(), 1..3),
        filters in proptest::collection::vec(text(), 1..3),
        duration in maybe(text()),
    ) {
        read_back(
            &FileAcquisition { labels: Some(labels.clone()), filenames: Some(filenames), ..Default::default() },
            Dialect::GoccyStrict,
        );
        let decision = Decision { r#type: Some("ban".to_owned()), duration, ..Default::default() };
        read_back(
            &Profile { filters: Some(filters), decisions: Some(vec![decision]), ..Default::default() },
            Dialect::V3Known,
        );
        let context: Context = labels.into_iter().map(|(key, value)| (key, vec![value])).collect();
        read_back::<BTreeMap<String, Vec<String>>>(&context, Dialect::Lenient);
    }
}
