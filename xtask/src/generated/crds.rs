//! The definitions of the kinds, a file each, inside the chart so that an upgrade brings them along.

use super::Generated;

/// Where they lie; the chart's template takes every file of the folder.
pub(super) const FOLDER: &str = "charts/crowdsec-operator/files/crds";

pub(super) fn files() -> Vec<Generated> {
    let definitions = operator::crd::crds();
    definitions
        .iter()
        .map(|definition| {
            let name = &definition.spec.names.plural;
            let text = operator::crd::to_yaml(definition).unwrap();
            Generated::new(format!("{FOLDER}/{name}.yaml"), text)
        })
        .collect()
}

#[test]
fn the_folder_holds_the_definitions_and_nothing_else() {
    let mut found: Vec<String> = std::fs::read_dir(crate::tidy::workspace().join(FOLDER))
        .unwrap()
        .map(|file| format!("{FOLDER}/{}", file.unwrap().file_name().to_str().unwrap()))
        .collect();
    found.sort();
    let mut wanted: Vec<String> = files().into_iter().map(|file| file.path).collect();
    wanted.sort();
    assert_eq!(found, wanted);
}
