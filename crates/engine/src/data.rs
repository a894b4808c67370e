//! Data files that items name (`data:`): lists, regular expressions and maps, loaded once per name and kind.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use expr::{Map, Value};
use golang::duration::Duration;
use regex_automata::meta::Regex;
use serde::Deserialize;

use crate::{Text, World};

/// How many answers a result cache holds when the item does not say.
const CACHE_SIZE: usize = 4096;

/// An entry of an item's `data:` list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataEntry {
    /// Where the hub downloads it from; the engine never does.
    pub source_url: String,
    /// Name under the data directory, and in expressions.
    pub dest_file: String,
    /// `string`, `regex` or `regexp`, `map`, `bots`; empty files are downloaded but not loaded.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether results are cached.
    pub cache: Option<bool>,
    /// `LRU`, `LFU` or `ARC`.
    pub strategy: String,
    /// Most cached results.
    pub size: Option<i64>,
    /// How long a cached result lives.
    pub ttl: Option<String>,
}

/// All loaded data files.
#[derive(Debug, Default)]
pub struct DataFiles {
    lists: BTreeMap<String, Value>,
    regexps: BTreeMap<String, Regexps>,
    maps: BTreeMap<String, TagMap>,
}

#[derive(Debug)]
struct Regexps {
    all: Regex,
    cache: Option<Mutex<Answers>>,
}

/// Bounded answers by subject; emptied when full, which costs less than keeping an order.
#[derive(Debug)]
struct Answers {
    size: usize,
    held: HashMap<String, bool>,
}

#[derive(Debug)]
struct TagMap {
    entries: Value,
    equal: HashMap<String, Text>,
    contained: Option<(Regex, Vec<Text>)>,
    regexps: Vec<(regex::Regex, Text)>,
}

#[derive(Deserialize)]
struct TagLine {
    pattern: String,
    tag: String,
    #[serde(rename = "type")]
    kind: String,
}

/// What is wrong with a data entry.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The caller has no file of that name.
    #[error("data file {0} is not there")]
    Missing(String),
    /// No such kind of file.
    #[error("there is no data file type {0:?}")]
    Kind(String),
    /// `size`, `ttl` or `strategy` cannot be used.
    #[error("{0}")]
    Setting(String),
    /// A line of the file cannot be used.
    #[error("data file {file}, line {line}: {message}")]
    Line {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl DataError {
    /// Returns whether upstream starts in spite of it, with an error in its log.
    pub fn is_tolerated(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::Kind(_))
    }

    /// Returns what to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "run `cscli hub update` and `cscli hub upgrade`, or put the file into the data directory"
            }
            Self::Kind(_) => "write string, regexp or map",
            Self::Setting(_) => "mend the entry",
            Self::Line { .. } => "mend or remove the line",
        }
    }
}

impl DataFiles {
    /// Loads what `entry` names; a file loaded before stays as it is.
    pub fn load(&mut self, entry: &DataEntry, world: &World) -> Result<(), DataError> {
        check_settings(entry)?;
        let name = entry.dest_file.as_str();
        match entry.kind.as_str() {
            // Upstream: an entry without type is only downloaded; `bots` serve one helper, which reads them elsewhere.
            "" | "bots" => return Ok(()),
            "string" if self.lists.contains_key(name) => return Ok(()),
            "regex" | "regexp" if self.regexps.contains_key(name) => return Ok(()),
            "map" if self.maps.contains_key(name) => return Ok(()),
            "string" | "regex" | "regexp" | "map" => {}
            other => return Err(DataError::Kind(other.to_owned())),
        }
        let text = world
            .data
            .get(name)
            .ok_or_else(|| DataError::Missing(name.to_owned()))?;
        match entry.kind.as_str() {
            "string" => {
                self.lists.insert(
                    name.to_owned(),
                    Value::texts(lines(text).map(|(_, line)| Text::from(line))),
                );
            }
            "map" => {
                self.maps.insert(name.to_owned(), TagMap::new(name, text)?);
            }
            _ => {
                self.regexps
                    .insert(name.to_owned(), Regexps::new(name, text, entry)?);
            }
        }
        Ok(())
    }

    /// Returns the lines of a `string` file.
    pub fn lines(&self, name: &str) -> Option<Value> {
        self.lists.get(name).cloned()
    }

    /// Returns whether a regular expression of a `regexp` file matches `subject`.
    pub fn is_match(&self, name: &str, subject: &str) -> Option<bool> {
        self.regexps.get(name).map(|file| file.is_match(subject))
    }

    /// Returns the tag of a `map` file for `subject`: equal, else contained, else matching, else empty.
    pub fn lookup(&self, name: &str, subject: &str) -> Option<Text> {
        self.maps.get(name).map(|file| file.lookup(subject))
    }

    /// Returns a `map` file as a list of maps of strings.
    pub fn entries(&self, name: &str) -> Option<Value> {
        self.maps.get(name).map(|file| file.entries.clone())
    }
}

impl Regexps {
    fn new(file: &str, text: &str, entry: &DataEntry) -> Result<Self, DataError> {
        let mut all = Vec::new();
        for (number, line) in lines(text) {
            let bad = |message: String| DataError::Line {
                file: file.to_owned(),
                line: number,
                message,
            };
            let translated = golang::regexp::translate(line).map_err(|error| bad(error.to_string()))?;
            let hir = regex_automata::util::syntax::parse(&translated)
                .map_err(|error| bad(crate::grok::last_line(&error.to_string())))?;
            all.push(hir);
        }
        let too_large = |message: String| DataError::Line {
            file: file.to_owned(),
            line: 1,
            message,
        };
        let all = Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(64 << 20)))
            .build_many_from_hir(&all)
            .map_err(|error| too_large(error.to_string()))?;
        let size = entry
            .size
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(CACHE_SIZE);
        let cache = entry.cache.unwrap_or(false).then(|| {
            Mutex::new(Answers {
                size,
                held: HashMap::new(),
            })
        });
        Ok(Self { all, cache })
    }

    fn is_match(&self, subject: &str) -> bool {
        let Some(cache) = &self.cache else {
            return self.all.is_match(subject);
        };
        if let Some(known) = cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .held
            .get(subject)
        {
            return *known;
        }
        let answer = self.all.is_match(subject);
        let mut answers = cache.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.held.len() >= answers.size {
            answers.held.clear();
        }
        answers.held.insert(subject.to_owned(), answer);
        answer
    }
}

impl TagMap {
    fn new(file: &str, text: &str) -> Result<Self, DataError> {
        let mut entries = Vec::new();
        let mut equal = HashMap::new();
        let (mut literals, mut tags) = (Vec::new(), Vec::new());
        let mut regexps = Vec::new();
        for (number, line) in lines(text) {
            let bad = |message: String| DataError::Line {
                file: file.to_owned(),
                line: number,
                message,
            };
            let all: BTreeMap<String, String> =
                serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            entries.push(Value::map(Map::of_strings(
                all.iter().map(|(k, v)| (k.as_str(), v.as_str())),
            )));
            let entry: TagLine = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            let tag = Text::from(entry.tag);
            match entry.kind.as_str() {
                "equals" => {
                    equal.insert(entry.pattern, tag);
                }
                "contains" => {
                    literals.push(regex_syntax::hir::Hir::literal(entry.pattern.into_bytes()));
                    tags.push(tag);
                }
                "regex" | "regexp" => {
                    let regexp =
                        golang::regexp::compile(&entry.pattern).map_err(|error| bad(error.to_string()))?;
                    regexps.push((regexp, tag));
                }
                other => return Err(bad(format!("there is no entry type {other:?}"))),
            }
        }
        let contained = if literals.is_empty() {
            None
        } else {
            let too_large = |error: &dyn std::fmt::Display| DataError::Line {
                file: file.to_owned(),
                line: 1,
                message: error.to_string(),
            };
            let regex = Regex::builder()
                .build_many_from_hir(&literals)
                .map_err(|error| too_large(&error))?;
            Some((regex, tags))
        };
        Ok(Self {
            entries: Value::array(entries),
            equal,
            contained,
            regexps,
        })
    }

    fn lookup(&self, subject: &str) -> Text {
        if let Some(tag) = self.equal.get(subject) {
            return tag.clone();
        }
        if let Some((literals, tags)) = &self.contained
            && let Some(found) = literals.find(subject)
        {
            return tags.get(found.pattern().as_usize()).cloned().unwrap_or_default();
        }
        self.regexps
            .iter()
            .find(|(regexp, _)| regexp.is_match(subject))
            .map(|(_, tag)| tag.clone())
            .unwrap_or_default()
    }
}

/// Returns the lines that count, with their numbers: comments and empty lines are skipped.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn check_settings(entry: &DataEntry) -> Result<(), DataError> {
    if let Some(ttl) = &entry.ttl
        && Duration::parse(ttl).is_err()
    {
        return Err(DataError::Setting(format!("ttl {ttl:?} is not a duration")));
    }
    if entry.size.is_some_and(|size| size <= 0) {
        return Err(DataError::Setting("size must be above 0".to_owned()));
    }
    match entry.strategy.as_str() {
        "" | "LRU" | "LFU" | "ARC" => Ok(()),
        other => Err(DataError::Setting(format!(
            "there is no strategy {other:?}, use LRU, LFU or ARC"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str, kind: &str, text: &str) -> Result<DataFiles, DataError> {
        let mut world = World::default();
        world.data.insert(name.to_owned(), text.into());
        let entry = DataEntry {
            dest_file: name.to_owned(),
            kind: kind.to_owned(),
            ..DataEntry::default()
        };
        let mut files = DataFiles::default();
        files.load(&entry, &world).map(|()| files)
    }

    #[test]
    fn comments_and_empty_lines_are_skipped() {
        let files = files("l", "string", "# a\n\nb\n c\n").unwrap();
        let lines = files.lines("l").unwrap();
        let texts: Vec<_> = lines
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(texts, ["b", " c"]);
    }

    #[test]
    fn a_map_prefers_equal_then_contained_then_matching() {
        let text = r#"
{"pattern": "^/x", "tag": "regex", "type": "regex"}
{"pattern": "/x/y", "tag": "contains", "type": "contains"}
{"pattern": "/x/y", "tag": "first", "type": "equals"}
{"pattern": "/x/y", "tag": "equals", "type": "equals"}"#;
        let files = files("m", "map", text).unwrap();
        let tags = ["/x/y", "/x/yz", "/xz", "none"].map(|s| files.lookup("m", s).unwrap().to_string());
        assert_eq!(tags, ["equals", "contains", "regex", ""]);
    }

    #[test]
    fn a_bad_regular_expression_names_file_and_line() {
        let error = files("r", "regexp", "ok\n(").unwrap_err().to_string();
        assert!(error.starts_with("data file r, line 2: "), "{error}");
        assert_eq!(
            files("r", "regexp", "^a\nb$").unwrap().is_match("r", "xb"),
            Some(true)
        );
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        assert_eq!(
            files("r", "lsit", "").unwrap_err().to_string(),
            "there is no data file type \"lsit\""
        );
    }
}
