//! The few fields of an item's YAML that the hub itself needs: its name, its parts and its data files.
//! The engine reads the rest; a file that is wrong there still lists and installs.

use serde::Deserialize;

use crate::index::Dependencies;

/// The hub's view of an item file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// `name:` of the first document, empty when there is none.
    pub name: String,
    /// `description:` of the first document.
    pub description: String,
    /// `author:` of the first document.
    pub author: String,
    /// `references:` of the first document.
    pub references: Vec<String>,
    /// Parts, for a collection.
    pub dependencies: Dependencies,
    /// `data:` of every document.
    pub data: Vec<DataFile>,
}

/// One `data:` entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFile {
    /// Where it comes from; empty for a file the user places there.
    pub source_url: String,
    /// Path below the data folder.
    pub dest_file: String,
    /// `string`, `regexp`, `map`, `modsec`, or empty.
    pub kind: String,
}

/// A text that is not YAML, or YAML of another shape; the message carries line and column.
#[derive(Debug, thiserror::Error)]
#[error("invalid YAML: {0}")]
pub struct Invalid(String);

impl Document {
    /// Reads the text of an item file, all its documents.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let raws: Vec<Option<Raw>> =
            serde_saphyr::from_multiple(text).map_err(|error| Invalid(first_line(&error.to_string())))?;
        let mut raws = raws.into_iter().flatten();
        let Some(mut first) = raws.next() else {
            return Ok(Self::default());
        };
        let mut data = first.data.take().unwrap_or_default();
        data.extend(raws.flat_map(|raw| raw.data.unwrap_or_default()));
        Ok(Self {
            name: first.name.unwrap_or_default(),
            description: first.description.unwrap_or_default(),
            author: first.author.unwrap_or_default(),
            references: first.references.unwrap_or_default(),
            dependencies: first.dependencies,
            data: data.into_iter().map(RawData::into_file).collect(),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    name: Option<String>,
    description: Option<String>,
    author: Option<String>,
    references: Option<Vec<String>>,
    data: Option<Vec<RawData>>,
    #[serde(flatten)]
    dependencies: Dependencies,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawData {
    source_url: Option<String>,
    dest_file: Option<String>,
    r#type: Option<String>,
}

impl RawData {
    fn into_file(self) -> DataFile {
        DataFile {
            source_url: self.source_url.unwrap_or_default(),
            dest_file: self.dest_file.unwrap_or_default(),
            kind: self.r#type.unwrap_or_default(),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_every_document_is_collected_and_the_first_names_the_item() {
        let text = "name: a/b\ndata:\n  - source_url: https://h/x.txt\n    dest_file: x.txt\n    type: string\n---\n\
                    name: a/c\ndata:\n  - source_url: https://h/y.txt\n    dest_file: y.txt\n";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.name, "a/b");
        let files: Vec<_> = document.data.iter().map(|file| file.dest_file.as_str()).collect();
        assert_eq!(files, ["x.txt", "y.txt"]);
    }

    #[test]
    fn a_collection_lists_its_parts() {
        let document = Document::parse("parsers:\n  - a/p\nappsec-rules:\n  - a/r\nscenarios:\n").unwrap();
        assert_eq!(document.dependencies.parsers, ["a/p"]);
        assert_eq!(document.dependencies.appsec_rules, ["a/r"]);
    }

    #[test]
    fn broken_yaml_says_where() {
        let error = Document::parse("name: [a\n").unwrap_err().to_string();
        assert!(error.contains("line"), "{error}");
    }
}
