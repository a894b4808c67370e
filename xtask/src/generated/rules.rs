//! The rights of the chart's roles, from the operator's one table.

use operator::rules::{self, Where};

use super::Generated;

const FOLDER: &str = "charts/crowdsec-operator/files/rules";

pub(super) fn files() -> Vec<Generated> {
    let places = [
        ("watched", rules::rules(Where::Watched)),
        ("cluster", rules::rules(Where::Cluster)),
        ("own", rules::rules(Where::Own)),
        ("default", rules::rules(Where::Default)),
        ("defaults", vec![rules::DEFAULTS.rule(&[])]),
        ("uninstall", vec![rules::UNINSTALL.rule(&[])]),
    ];
    places
        .into_iter()
        .map(|(name, rules)| {
            Generated::new(
                format!("{FOLDER}/{name}.yaml"),
                golang::yaml::to_string(&rules).unwrap(),
            )
        })
        .collect()
}
