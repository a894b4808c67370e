//! The hub's index (`.index.json`): items, versions with digests, embedded contents, parts.
//! Upstream: `pkg/cwhub/hub.go`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::kind::{ItemRef, ItemType};

/// The whole index: type → name → entry.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Entries by type and name.
    pub items: BTreeMap<ItemType, BTreeMap<String, Entry>>,
}

/// One item of the index.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Entry {
    /// Path below the hub's root, `parsers/s01-parse/author/file.yaml`.
    pub path: String,
    /// Stage folder, empty for types without stages.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stage: String,
    /// Latest version.
    pub version: String,
    /// All versions, by their text.
    pub versions: BTreeMap<String, Version>,
    /// The file in base64, when the index embeds it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content: String,
    /// One line for lists.
    pub description: String,
    /// Who wrote it.
    pub author: String,
    /// Links.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Labels as written; scenarios carry `remediation`, `behavior` ….
    pub labels: serde_json::Value,
    /// Parts, for a collection.
    #[serde(flatten)]
    pub dependencies: Dependencies,
}

/// One version of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Version {
    /// SHA-256 of the file in lower-case hex.
    pub digest: String,
    /// Withdrawn by its author.
    #[serde(skip_serializing_if = "is_false")]
    pub deprecated: bool,
}

/// The parts of a collection, by type, in the order written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Dependencies {
    /// Parsers.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub parsers: Vec<String>,
    /// Postoverflows.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub postoverflows: Vec<String>,
    /// Scenarios.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
    /// Collections.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    /// Contexts.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<String>,
    /// WAF configurations.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub appsec_configs: Vec<String>,
    /// WAF rules.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub appsec_rules: Vec<String>,
}

impl Dependencies {
    /// Returns the names of one type.
    pub fn names(&self, kind: ItemType) -> &[String] {
        match kind {
            ItemType::Parsers => &self.parsers,
            ItemType::Postoverflows => &self.postoverflows,
            ItemType::Scenarios => &self.scenarios,
            ItemType::Contexts => &self.contexts,
            ItemType::AppsecConfigs => &self.appsec_configs,
            ItemType::AppsecRules => &self.appsec_rules,
            ItemType::Collections => &self.collections,
        }
    }

    /// Returns every part, types in upstream's order, names as written.
    pub fn refs(&self) -> Vec<ItemRef> {
        ItemType::ALL
            .into_iter()
            .flat_map(|kind| {
                self.names(kind)
                    .iter()
                    .map(move |name| ItemRef::new(kind, name.as_str()))
            })
            .collect()
    }

    /// Returns whether there is no part.
    pub fn is_empty(&self) -> bool {
        ItemType::ALL.into_iter().all(|kind| self.names(kind).is_empty())
    }
}

/// Why a text is no index.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, or JSON of another shape.
    #[error("not a hub index")]
    Json(#[source] serde_json::Error),
    /// A path that would leave the hub folder.
    #[error("the path {path:?} of {item} leaves the hub folder")]
    UnsafePath {
        /// `type:name`.
        item: String,
        /// As written.
        path: String,
    },
}

impl Index {
    /// Reads the JSON text of an index. Types this program does not know are left out.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let raw: BTreeMap<String, BTreeMap<String, Entry>> =
            serde_json::from_slice(bytes).map_err(ParseError::Json)?;
        let mut index = Self::default();
        for (kind, entries) in raw {
            let Some(kind) = ItemType::parse(&kind) else {
                continue;
            };
            for (name, entry) in &entries {
                if !is_safe_relative(&entry.path) {
                    let item = ItemRef::new(kind, name.as_str()).to_string();
                    return Err(ParseError::UnsafePath {
                        item,
                        path: entry.path.clone(),
                    });
                }
            }
            index.items.insert(kind, entries);
        }
        Ok(index)
    }

    /// Returns the JSON text, with every type present.
    pub fn to_json(&self) -> String {
        let empty = BTreeMap::new();
        let raw: BTreeMap<&str, &BTreeMap<String, Entry>> = ItemType::ALL
            .into_iter()
            .map(|kind| (kind.as_str(), self.items.get(&kind).unwrap_or(&empty)))
            .collect();
        serde_json::to_string(&raw).unwrap_or_default()
    }

    /// Takes over the entries of `other` whose names are free.
    pub fn add_missing(&mut self, other: &Self) {
        for (kind, entries) in &other.items {
            let own = self.items.entry(*kind).or_default();
            for (name, entry) in entries {
                own.entry(name.clone()).or_insert_with(|| entry.clone());
            }
        }
    }

    /// Returns the entry of an item.
    pub fn get(&self, id: &ItemRef) -> Option<&Entry> {
        self.items.get(&id.kind)?.get(&id.name)
    }
}

impl Entry {
    /// Returns the digest of the latest version.
    pub fn digest(&self) -> &str {
        self.versions
            .get(&self.version)
            .map_or("", |version| version.digest.as_str())
    }

    /// Returns the newest version with this digest. Several versions can share a text.
    pub fn version_of(&self, digest: &str) -> Option<&str> {
        if self.digest() == digest {
            return Some(&self.version);
        }
        self.versions
            .iter()
            .filter(|(_, version)| version.digest == digest)
            .map(|(name, _)| name.as_str())
            .max_by(|a, b| version_key(a).cmp(&version_key(b)))
    }

    /// Returns the last part of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// Returns whether `path` is relative, not empty and never climbs.
pub(crate) fn is_safe_relative(path: &str) -> bool {
    use std::path::{Component, Path};
    !path.is_empty()
        && !path.contains('\0')
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn version_key(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn nullable<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(input)?.unwrap_or_default())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Returns the lower-case hex SHA-256.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_lists_read_as_empty_and_unknown_types_are_left_out() {
        let text =
            br#"{"parsers":{"a/b":{"path":"parsers/s01-parse/a/b.yaml","stage":"s01-parse","version":"0.10",
            "versions":{"0.2":{"digest":"aa"},"0.9":{"digest":"aa"},"0.10":{"digest":"bb","deprecated":true}},
            "labels":null,"references":null}},"future":{}}"#;
        let index = Index::parse(text).unwrap();
        let entry = index.get(&ItemRef::new(ItemType::Parsers, "a/b")).unwrap();
        assert_eq!(entry.version_of("aa"), Some("0.9"));
        assert_eq!(entry.version_of("bb"), Some("0.10"));
        assert_eq!(entry.version_of("cc"), None);
        assert_eq!(entry.file_name(), "b.yaml");
    }

    #[test]
    fn a_path_that_climbs_out_is_refused_naming_the_item() {
        let text = br#"{"parsers":{"a/b":{"path":"parsers/../../etc/passwd"}}}"#;
        let error = Index::parse(text).unwrap_err().to_string();
        assert_eq!(
            error,
            r#"the path "parsers/../../etc/passwd" of parsers:a/b leaves the hub folder"#
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let text =
            br#"{"collections":{"a/c":{"path":"collections/a/c.yaml","version":"0.1","parsers":["a/b"],
            "appsec-rules":["a/r"]}}}"#;
        let index = Index::parse(text).unwrap();
        let again = Index::parse(index.to_json().as_bytes()).unwrap();
        assert_eq!(
            index.items[&ItemType::Collections],
            again.items[&ItemType::Collections]
        );
        assert_eq!(
            again.items[&ItemType::Collections]["a/c"]
                .dependencies
                .refs()
                .len(),
            2
        );
    }
}
