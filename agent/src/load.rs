//! From installed items and data files on disk to compiled rules; the same for live reading, replay, `explain`, `hubtest`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use engine::world::{Mmdb, Outside, PatternFile};
use engine::{ItemFile, Kind, Problem, Rules, World};
use expr::LogLevel;
use hub::{Hub, ItemType};

/// GeoIP databases, by their names in the data folder.
const CITY: &str = "GeoLite2-City.mmdb";
const ASN: &str = "GeoLite2-ASN.mmdb";

/// Where rules are loaded from; all absolute.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Grok pattern files.
    pub pattern_dir: &'a Path,
    /// Data files of items.
    pub data_dir: &'a Path,
    /// The console's context file; it may be absent.
    pub context_file: Option<&'a Path>,
}

/// Reads and compiles everything that is installed in `hub`; every defect of every file is returned at once.
pub fn rules(hub: &Hub, places: Places<'_>, settings: engine::Settings) -> Result<Rules, Vec<Problem>> {
    let mut problems = Vec::new();
    let items = items(hub, places.context_file, &mut problems);
    let world = world(&items, places, &mut problems);
    match Rules::load(&items, world, settings) {
        Ok(rules) if problems.is_empty() => Ok(rules),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// Reads the installed items and the context file; what cannot be read is added to `problems`.
pub fn items(hub: &Hub, context_file: Option<&Path>, problems: &mut Vec<Problem>) -> Vec<ItemFile> {
    let kinds = [
        (ItemType::Parsers, Kind::Parser),
        (ItemType::Scenarios, Kind::Scenario),
        (ItemType::Postoverflows, Kind::Postoverflow),
        (ItemType::Contexts, Kind::Context),
    ];
    let mut items = Vec::new();
    for (type_, kind) in kinds {
        for installed in hub.installed(type_) {
            let path = installed.path.display().to_string();
            match installed.text() {
                Ok(text) => items.push(ItemFile {
                    kind,
                    stage: installed.stage,
                    path,
                    name: installed.name,
                    version: installed.version,
                    hash: installed.hash,
                    text,
                }),
                Err(error) => problems.push(unreadable(&path, &error)),
            }
        }
    }
    if let Some(path) = context_file {
        match fs::read_to_string(path) {
            Ok(text) => items.push(ItemFile {
                kind: Kind::Context,
                stage: String::new(),
                path: path.display().to_string(),
                name: String::new(),
                version: String::new(),
                hash: String::new(),
                text,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => problems.push(unreadable(&path.display().to_string(), &error)),
        }
    }
    items
}

/// Reads pattern files, the data files that `items` name, and the GeoIP databases.
pub fn world(items: &[ItemFile], places: Places<'_>, problems: &mut Vec<Problem>) -> World {
    World {
        patterns: patterns(places.pattern_dir, problems),
        data: data(items, places.data_dir),
        geoip_city: database(&places.data_dir.join(CITY), problems),
        geoip_asn: database(&places.data_dir.join(ASN), problems),
        zone: jiff::tz::TimeZone::system(),
        outside: Arc::new(Log),
        ..World::default()
    }
}

/// The patterns of the engine, where a file of the folder takes the place of the family of its name.
///
/// Upstream has only the base patterns built in and refuses to start without the folder; a first install here has
/// none, or an empty one.
fn patterns(dir: &Path, problems: &mut Vec<Problem>) -> Vec<PatternFile> {
    let mut files = engine::grok::patterns();
    for path in pattern_files(dir, problems) {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        match fs::read_to_string(&path) {
            Ok(text) => match files.iter_mut().skip(1).find(|file| file.name == name) {
                Some(family) => family.text = text,
                None => files.push(PatternFile { name, text }),
            },
            Err(error) => problems.push(unreadable(&path.display().to_string(), &error)),
        }
    }
    // The base patterns stay first; the others in the order of their names, as upstream reads its folder.
    if let Some((_base, others)) = files.split_first_mut() {
        others.sort_by(|a, b| a.name.cmp(&b.name));
    }
    files
}

/// The files of the folder; a missing folder has none.
fn pattern_files(dir: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    match fs::read_dir(dir) {
        Ok(entries) => entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let message = format!(
                "failed to load parser patterns: open {}: {}",
                dir.display(),
                text(&error)
            );
            let cure = "set config_paths.pattern_dir to the folder of the grok patterns";
            problems.push(Problem::in_file(&dir.display().to_string(), message, cure));
            Vec::new()
        }
    }
}

/// A file that is not there is left to the engine, which warns with the item that names it, as upstream does.
fn data(items: &[ItemFile], dir: &Path) -> BTreeMap<String, Arc<str>> {
    let mut found: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for item in items {
        // What cannot be read as YAML is reported by the engine with line and column.
        let Ok(document) = hub::document::Document::parse(&item.text) else {
            continue;
        };
        for file in document.data {
            let is_inside = Path::new(&file.dest_file)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if file.dest_file.is_empty() || !is_inside || found.contains_key(&file.dest_file) {
                continue;
            }
            if let Ok(bytes) = fs::read(dir.join(&file.dest_file)) {
                found.insert(file.dest_file, Arc::from(String::from_utf8_lossy(&bytes)));
            }
        }
    }
    found
}

fn database(path: &Path, problems: &mut Vec<Problem>) -> Option<Mmdb> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            problems.push(unreadable(&path.display().to_string(), &error));
            return None;
        }
    };
    match Mmdb::from_source(bytes) {
        Ok(reader) => Some(reader),
        Err(error) => {
            let message = format!("not a MaxMind database: {error}");
            let cure = "download it again or remove it";
            problems.push(Problem::in_file(&path.display().to_string(), message, cure));
            None
        }
    }
}

fn unreadable(path: &str, error: &dyn std::fmt::Display) -> Problem {
    Problem::in_file(
        path,
        format!("unable to read file: {error}"),
        "check the file and its permissions",
    )
}

fn text(error: &io::Error) -> String {
    hub::state::io_text(error)
}

/// The log as the outside world of expressions; names are not resolved.
#[derive(Debug, Clone, Copy)]
struct Log;

impl Outside for Log {
    fn log(&self, level: LogLevel, message: &str) {
        match level {
            LogLevel::Error => tracing::error!("{message}"),
            LogLevel::Warn => tracing::warn!("{message}"),
            LogLevel::Info => tracing::info!("{message}"),
            LogLevel::Debug => tracing::debug!("{message}"),
        }
    }
}
