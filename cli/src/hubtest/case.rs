//! A test of the hub's `.tests` folder: its configuration, the items it names, the data files they need.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use engine::{ItemFile, Kind, World, world::Mmdb};
use golang::yaml::{self, Dialect};
use serde::Deserialize;

/// Host of the hub's data files; below it their address is their place in a local copy.
const DATA_HOST: &str = "://hub-data.crowdsec.net/";

/// Why a test cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the test or of the hub cannot be read.
    #[error("unable to read '{path}'")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `config.yaml` is not as it should be.
    #[error("unable to load test '{name}': parsing: {problem}")]
    Config {
        /// Name of the test.
        name: String,
        /// Place and reason.
        problem: yaml::Problem,
    },
    /// Neither the hub nor the test has an item of that name or path.
    #[error("couldn't find custom {kind} '{name}' in the following locations: [{hub} {test}]", hub = .hub.display(), test = .test.display())]
    NoItem {
        /// `parser`, `scenario`, `postoverflow`.
        kind: &'static str,
        /// As written in `config.yaml`.
        name: String,
        /// Folder of the hub.
        hub: PathBuf,
        /// Folder of the test.
        test: PathBuf,
    },
    /// `config.yaml` names no log file.
    #[error("log file or nuclei template must be set in '{0}'")]
    NoLog(String),
    /// `config.yaml` names no log type.
    #[error("log_type must be set in '{0}'")]
    NoType(String),
}

/// `config.yaml` of a test; keys that are not known are ignored, as upstream does.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Parsers, by hub name or path.
    pub parsers: Vec<String>,
    /// Scenarios, by hub name or path.
    pub scenarios: Vec<String>,
    /// Post-overflow parsers, by hub name or path.
    pub postoverflows: Vec<String>,
    /// File with the lines, in the folder of the test.
    pub log_file: String,
    /// Label `type` of the lines.
    pub log_type: String,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Whether `parser.assert` is left alone.
    pub ignore_parsers: bool,
    /// Statics of a parser that runs before all others.
    pub override_statics: Vec<serde_json::Value>,
    /// Whether data files stand in the test's own `data` folder.
    pub own_data_dir: bool,
}

/// A test and where things are.
#[derive(Debug)]
pub struct Case {
    /// Name: that of its folder.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// `config.yaml`.
    pub config: Config,
}

/// Where items and data files come from.
#[derive(Debug, Clone)]
pub struct Places {
    /// Folder of the hub (`--hub`).
    pub hub: PathBuf,
    /// Copy of the hub's data files, laid out as their addresses below the host; `None` asks `<hub>/.cache/data` alone.
    pub data: Option<PathBuf>,
}

impl Case {
    /// Reads the test `name` of `places`.
    pub fn read(places: &Places, name: &str) -> Result<Self, Error> {
        let dir = places.hub.join(".tests").join(name);
        let text = read(&dir.join("config.yaml"))?;
        let config = yaml::from_str::<Config>(&text, Dialect::Lenient).map_err(|problem| Error::Config {
            name: name.to_owned(),
            problem,
        })?;
        Ok(Self {
            name: name.to_owned(),
            dir,
            config,
        })
    }

    /// Returns the path of the log file.
    pub fn log(&self) -> Result<PathBuf, Error> {
        if self.config.log_file.is_empty() {
            return Err(Error::NoLog(self.name.clone()));
        }
        Ok(self.dir.join(&self.config.log_file))
    }

    /// Returns the labels of its lines.
    pub fn labels(&self) -> Result<BTreeMap<String, String>, Error> {
        if self.config.log_type.is_empty() {
            return Err(Error::NoType(self.name.clone()));
        }
        let mut labels = self.config.labels.clone();
        labels.insert("type".to_owned(), self.config.log_type.clone());
        Ok(labels)
    }

    /// Reads the items it names, in the form the engine loads.
    pub fn items(&self, places: &Places) -> Result<Vec<ItemFile>, Error> {
        let mut items = Vec::new();
        let lists = [
            (Kind::Parser, &self.config.parsers),
            (Kind::Scenario, &self.config.scenarios),
            (Kind::Postoverflow, &self.config.postoverflows),
        ];
        for (kind, names) in lists {
            for name in names.iter().filter(|name| !name.is_empty()) {
                let path = self.find(places, kind, name)?;
                items.push(item(kind, name, &path)?);
            }
        }
        if !self.config.override_statics.is_empty() {
            items.push(overrides(&self.config.override_statics));
        }
        Ok(items)
    }

    /// Returns the world of the test: patterns that come with the engine, the data files and GeoIP databases that
    /// `items` name, UTC. A file that is nowhere to be found is left out, and the engine warns.
    pub fn world(&self, places: &Places, items: &[ItemFile]) -> World {
        let mut world = World {
            patterns: engine::grok::patterns(),
            ..World::default()
        };
        for (file, address) in items.iter().flat_map(data_entries) {
            let Some(bytes) = self.data(places, &file, &address) else {
                continue;
            };
            match file.as_str() {
                "GeoLite2-City.mmdb" => world.geoip_city = Mmdb::from_source(bytes).ok(),
                "GeoLite2-ASN.mmdb" => world.geoip_asn = Mmdb::from_source(bytes).ok(),
                _ => {
                    world
                        .data
                        .insert(file, Arc::from(String::from_utf8_lossy(&bytes)));
                }
            }
        }
        world
    }

    /// Reads a data file: the test's own, the copy's, or what upstream's `cscli` downloaded before.
    fn data(&self, places: &Places, file: &str, address: &str) -> Option<Vec<u8>> {
        let below_host = address.split_once(DATA_HOST).map(|(_, path)| path);
        let own = self.config.own_data_dir.then(|| self.dir.join("data").join(file));
        let copy = places
            .data
            .as_ref()
            .zip(below_host)
            .map(|(dir, path)| dir.join(path));
        let cached = places.hub.join(".cache/data").join(file);
        // A hub may keep its data files beside its items, as the starter set does.
        let beside = address
            .strip_prefix(hub::starter::SCHEME)
            .map(|name| places.hub.join("data").join(name));
        own.into_iter()
            .chain(beside)
            .chain(copy)
            .chain([cached])
            .find_map(|path| fs::read(path).ok())
    }

    /// Finds an item by hub name, else by path below the hub or the test.
    fn find(&self, places: &Places, kind: Kind, name: &str) -> Result<PathBuf, Error> {
        if let Some(path) = hub_item(&places.hub, kind, name) {
            return Ok(path);
        }
        let relative = name.trim_start_matches("./").trim_start_matches('/');
        [&places.hub, &self.dir]
            .into_iter()
            .map(|dir| dir.join(relative))
            .find(|path| path.is_file())
            .ok_or_else(|| Error::NoItem {
                kind: word(kind),
                name: name.to_owned(),
                hub: places.hub.clone(),
                test: self.dir.clone(),
            })
    }
}

/// Returns the names of all tests of the hub, sorted.
pub fn names(hub: &Path) -> Result<Vec<String>, Error> {
    let dir = hub.join(".tests");
    let entries = fs::read_dir(&dir).map_err(|source| Error::Read {
        path: dir.clone(),
        source,
    })?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Returns the file of the hub item `name`: `<folder>[/<stage>]/<author>/<name>.yaml`.
fn hub_item(hub: &Path, kind: Kind, name: &str) -> Option<PathBuf> {
    let (author, base) = name
        .split_once('/')
        .filter(|(author, _)| !author.is_empty() && *author != ".")?;
    let file = |dir: &Path| Some(dir.join(author).join(format!("{base}.yaml"))).filter(|path| path.is_file());
    let folder = hub.join(folder(kind));
    if matches!(kind, Kind::Scenario | Kind::Context) {
        return file(&folder);
    }
    let mut stages: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    stages.sort_unstable();
    stages.iter().find_map(|stage| file(stage))
}

/// Reads an item file; the stage of a parser is the third folder from the end of its path.
pub fn item(kind: Kind, name: &str, path: &Path) -> Result<ItemFile, Error> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let stage = match kind {
        Kind::Parser | Kind::Postoverflow => parts.iter().rev().nth(2).copied().unwrap_or(""),
        Kind::Scenario | Kind::Context => "",
    };
    let base = parts.last().copied().unwrap_or("");
    let install = [folder(kind), stage, base]
        .into_iter()
        .filter(|part| !part.is_empty());
    Ok(ItemFile {
        kind,
        stage: stage.to_owned(),
        path: install.collect::<Vec<_>>().join("/"),
        name: name.to_owned(),
        version: String::new(),
        hash: String::new(),
        text: read(path)?,
    })
}

/// Returns the parser that upstream makes of `override_statics`.
fn overrides(statics: &[serde_json::Value]) -> ItemFile {
    let statics = serde_json::Value::from(statics);
    ItemFile {
        kind: Kind::Parser,
        stage: "s00-raw".to_owned(),
        path: "parsers/s00-raw/00_overrides.yaml".to_owned(),
        name: "overrides".to_owned(),
        version: String::new(),
        hash: String::new(),
        text: format!("name: overrides\nfilter: \"1==1\"\nstatics: {statics}\n"),
    }
}

/// The part of an item that says which data files it needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DataList {
    data: Vec<DataSource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DataSource {
    source_url: String,
    dest_file: String,
}

/// Returns name and address of every data file `item` names.
fn data_entries(item: &ItemFile) -> Vec<(String, String)> {
    let documents = yaml::multi::<DataList>(&item.text, Dialect::Lenient).unwrap_or_default();
    documents
        .into_iter()
        .flat_map(|(list, _)| list.data)
        .map(|source| (source.dest_file, source.source_url))
        .collect()
}

fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Parser => "parsers",
        Kind::Scenario => "scenarios",
        Kind::Postoverflow => "postoverflows",
        Kind::Context => "contexts",
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Parser => "parser",
        Kind::Scenario => "scenario",
        Kind::Postoverflow => "postoverflow",
        Kind::Context => "context",
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })
}
