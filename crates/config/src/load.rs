//! Reads configuration files; the only part of this crate that touches the file system.

mod document;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use golang::yaml::{Dialect, Document as Part};

use crate::expand::Env;
use crate::load::document::{File, Problems};
use crate::problem::Problem;
use crate::raw;
use crate::resolve::acquisition::Kind;
use crate::resolve::{self, Findings};
use crate::resolved::{
    Agent, Client, Config, Console, ContextValues, Credentials, Features, Notification, OnlineCredentials,
    Paths, Profile, Simulation, Source,
};

/// The shortest key that passwords follow from, in characters: 16 random bytes in hexadecimal.
const SHORTEST_KEY: usize = 32;

/// Which parts of `config.yaml` must be right; problems of the others are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// `crowdsec_service` and `api.client`.
    pub agent: bool,
    /// `api.server`.
    pub server: bool,
}

impl Parts {
    /// Everything must be right.
    pub const ALL: Self = Self {
        agent: true,
        server: true,
    };
    /// Neither part needs to be right, as for `cscli`; the sections are there when they are.
    pub const NONE: Self = Self {
        agent: false,
        server: false,
    };
}

/// Reads `config.yaml` with its `.local`; the other files are read by the functions below, when they are needed.
pub fn load(path: &Path, env: &Env) -> Result<Config, Vec<Problem>> {
    load_parts(path, env, Parts::ALL)
}

/// Like [`load`], but leaves out the problems of parts that do not run.
pub fn load_parts(path: &Path, env: &Env, parts: Parts) -> Result<Config, Vec<Problem>> {
    let path = absolute(path);
    let (raw, pair) = document::merged::<raw::Main>(&path, Some(env))?;
    let cwd = current_dir();
    let mut found = Findings::new(&path, &cwd);
    let config = resolve::main::resolve(raw, &mut found);
    let Findings {
        problems, warnings, ..
    } = found;
    let left_out = |field: &str| {
        (!parts.server && field.starts_with("api.server"))
            || (!parts.agent && (field.starts_with("crowdsec_service") || field.starts_with("api.client")))
    };
    let problems: Problems = problems
        .into_iter()
        .filter(|problem| !left_out(&problem.field))
        .collect();
    match config {
        Some(config) if problems.is_empty() => Ok(Config { warnings, ..config }),
        _ => Err(pair.place(problems)),
    }
}

/// Reads `local_api_credentials.yaml` with its `.local`.
pub fn credentials(client: &Client, env: &Env) -> Result<Credentials, Vec<Problem>> {
    let (raw, pair) = document::merged::<raw::Credentials>(&client.credentials_file, Some(env))?;
    let cwd = current_dir();
    let mut found = Findings::new(pair.path(), &cwd);
    let key = match resolve::credentials::key_file(&raw, &mut found) {
        Some(file) if found.problems.is_empty() => match key(&file) {
            Ok(key) => Some((file, key)),
            Err(problem) => return Err(vec![problem]),
        },
        Some(_) => return Err(pair.place(found.problems)),
        None => None,
    };
    let value = resolve::credentials::local(raw, key, &mut found);
    value
        .filter(|_| found.problems.is_empty())
        .ok_or_else(|| pair.place(found.problems))
}

/// Reads the key that a machine's password follows from.
fn key(file: &Path) -> Result<String, Problem> {
    let cure =
        "write a key of at least 32 characters into it, as the operator does in the Secret <processor>-agent";
    let refuse = |message: String| Problem::in_file(file, message, cure);
    let text = document::text(file).map_err(|mut problems| problems.remove(0))?;
    let text = text.trim();
    if text.len() < SHORTEST_KEY {
        return Err(refuse(format!(
            "the key has {} characters, which is too few",
            text.len()
        )));
    }
    Ok(text.to_owned())
}

/// Reads `online_api_credentials.yaml`.
pub fn online_credentials(path: &Path) -> Result<OnlineCredentials, Vec<Problem>> {
    let file = File::read(path, None)?;
    let raw = file.one::<raw::OnlineCredentials>(Dialect::V3Known)?;
    let mut found = Findings::new(path, Path::new("/"));
    let value = resolve::credentials::online(raw, &mut found);
    value
        .filter(|_| found.problems.is_empty())
        .ok_or_else(|| file.place(0, found.problems))
}

/// Reads the acquisition file, then `*.yaml` and `*.yml` of the folder; no source at all is a problem.
pub fn acquisition(agent: &Agent, env: &Env) -> Result<Vec<Source>, Vec<Problem>> {
    let mut paths: Vec<PathBuf> = agent
        .acquisition_file
        .iter()
        .filter(|path| path.exists())
        .cloned()
        .collect();
    if let Some(folder) = &agent.acquisition_dir {
        paths.extend(listing(folder, "yaml")?);
        paths.extend(listing(folder, "yml")?);
    }
    let mut all = Collected::default();
    for path in paths {
        all.each(&path, Some(env), |file, part, line, found| {
            let head = file.decode::<raw::Head>(part, Dialect::Lenient)?;
            match resolve::acquisition::kind(&head, found) {
                Kind::Refused => Ok(None),
                Kind::File => {
                    let raw = file.decode(part, Dialect::GoccyStrict)?;
                    Ok(Some(resolve::acquisition::file(raw, line, found)))
                }
                Kind::Pods => {
                    let raw = file.decode(part, Dialect::GoccyStrict)?;
                    Ok(Some(resolve::acquisition::pods(raw, line, env, found)))
                }
            }
        });
    }
    let place = agent.acquisition_file.as_ref().or(agent.acquisition_dir.as_ref());
    let place = place.map_or_else(|| Path::new("config.yaml"), PathBuf::as_path);
    let cure = "set crowdsec_service.acquisition_path or acquisition_dir, and describe there what to read";
    all.at_least_one(place, "no datasource enabled", cure)
}

/// Reads `profiles.yaml`, after the documents of its `.local`; no profile at all is a problem.
pub fn profiles(path: &Path) -> Result<Vec<Profile>, Vec<Problem>> {
    let local = document::local(path);
    let mut all = Collected::default();
    for path in [local.exists().then_some(local.as_path()), Some(path)]
        .into_iter()
        .flatten()
    {
        all.each(path, None, |file, part, line, found| {
            let raw = file.decode(part, Dialect::V3Known)?;
            Ok(Some(resolve::profile::resolve(raw, line, found)))
        });
    }
    all.at_least_one(
        path,
        "zero profiles loaded for LAPI",
        "write at least one profile",
    )
}

/// Reads `simulation.yaml` with its `.local`.
pub fn simulation(path: &Path) -> Result<Simulation, Vec<Problem>> {
    document::merged::<raw::Simulation>(path, None).map(|(raw, _)| resolve::content::simulation(raw))
}

/// Reads `simulation.yaml` with its `.local`; a file that `config.yaml` does not name may be missing.
pub fn simulation_of(paths: &Paths) -> Result<Simulation, Vec<Problem>> {
    if !paths.simulation_is_named && !paths.simulation.exists() {
        return Ok(Simulation::default());
    }
    simulation(&paths.simulation)
}

/// Reads `console.yaml`; a missing file is the default.
pub fn console(path: &Path) -> Result<Console, Vec<Problem>> {
    if !path.exists() {
        return Ok(Console::default());
    }
    let raw = File::read(path, None)?.one::<raw::Console>(Dialect::Lenient)?;
    Ok(resolve::content::console(&raw))
}

/// Reads a context file; a missing one says nothing.
pub fn context(path: &Path) -> Result<ContextValues, Vec<Problem>> {
    if !path.exists() {
        return Ok(ContextValues::new());
    }
    File::read(path, None)?.one(Dialect::Lenient)
}

/// Reads `feature.yaml` beside `config.yaml`, if it is there, and the environment.
pub fn features(path: &Path, env: &Env) -> Result<Features, Vec<Problem>> {
    let listed: Vec<String> = if path.exists() {
        File::read(path, None)?.one(Dialect::Lenient)?
    } else {
        Vec::new()
    };
    Ok(resolve::content::features(&listed, env))
}

/// Reads every notification file of a folder; a missing folder has none.
pub fn notifications(folder: &Path, env: &Env) -> Result<Vec<Notification>, Vec<Problem>> {
    let mut paths = listing(folder, "yaml")?;
    paths.extend(listing(folder, "yml")?);
    paths.sort();
    let mut all = Collected::default();
    for path in paths {
        all.each(&path, Some(env), |file, part, line, found| {
            let raw = file.decode(part, Dialect::V2Strict)?;
            let whole: serde_json::Value = file.decode(part, Dialect::V2Strict)?;
            let text = golang::yaml::to_string(&whole).unwrap_or_default();
            Ok(resolve::content::notification(raw, text, line, found))
        });
    }
    all.finish()
}

/// What several documents of several files give.
struct Collected<T> {
    values: Vec<T>,
    problems: Problems,
}

impl<T> Default for Collected<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            problems: Vec::new(),
        }
    }
}

impl<T> Collected<T> {
    /// Reads every document of a file that has content.
    fn each(
        &mut self,
        path: &Path,
        env: Option<&Env>,
        mut read: impl FnMut(&File, &Part, usize, &mut Findings<'_>) -> Result<Option<T>, Problems>,
    ) {
        let file = match File::read(path, env) {
            Ok(file) => file,
            Err(more) => return self.problems.extend(more),
        };
        for (index, part) in file
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.node.is_null())
        {
            let mut found = Findings::new(path, Path::new("/"));
            match read(&file, part, part.node.line(), &mut found) {
                Ok(value) => self.values.extend(value),
                Err(more) => self.problems.extend(more),
            }
            self.problems.extend(file.place(index, found.problems));
        }
    }

    fn finish(self) -> Result<Vec<T>, Problems> {
        if self.problems.is_empty() {
            Ok(self.values)
        } else {
            Err(self.problems)
        }
    }

    fn at_least_one(mut self, place: &Path, message: &str, cure: &str) -> Result<Vec<T>, Problems> {
        if self.values.is_empty() && self.problems.is_empty() {
            self.problems.push(Problem::in_file(place, message, cure));
        }
        self.finish()
    }
}

/// Returns the files of a folder with the given ending, sorted; hidden ones are left out, a missing folder is empty.
fn listing(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Problems> {
    let unreadable = |error: &std::io::Error| {
        vec![Problem::in_file(
            folder,
            format!("cannot list the folder: {error}"),
            "check its permissions",
        )]
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn current_dir() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_gone| PathBuf::from("/"))
}

fn absolute(path: &Path) -> PathBuf {
    resolve::clean(&current_dir().join(path))
}

#[cfg(test)]
mod tests;
