//! One file's YAML, read into types, with problems that know their place.

use std::path::{Path, PathBuf};

use golang::yaml::{self, Dialect};
use serde::de::DeserializeOwned;

use crate::expand::Env;
use crate::expand::expand;
use crate::locate::locate;
use crate::overlay::Overlay;
use crate::problem::Problem;

pub(crate) type Problems = Vec<Problem>;

/// The largest configuration file.
const LIMIT: u64 = 16 << 20;

/// The documents of a file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) parts: Vec<yaml::Document>,
}

impl File {
    /// Reads a file, with the environment expanded when one is given.
    pub(crate) fn read(path: &Path, env: Option<&Env>) -> Result<Self, Problems> {
        let text = text(path)?;
        let text = match env {
            Some(env) => expand(&text, env),
            None => text,
        };
        match yaml::documents(&text) {
            Ok(parts) => Ok(Self {
                path: path.to_owned(),
                parts,
            }),
            Err(problem) => Err(vec![from_yaml(path, problem)]),
        }
    }

    /// Reads the first document.
    pub(crate) fn one<T: DeserializeOwned + Default>(&self, dialect: Dialect) -> Result<T, Problems> {
        self.parts
            .first()
            .map_or_else(|| Ok(T::default()), |part| self.decode(part, dialect))
    }

    /// Reads one of the documents.
    pub(crate) fn decode<T: DeserializeOwned>(
        &self,
        part: &yaml::Document,
        dialect: Dialect,
    ) -> Result<T, Problems> {
        part.decode(dialect)
            .map_err(|problem| vec![from_yaml(&self.path, problem)])
    }

    /// Gives problems of fields the line and column where the field, or what encloses it, is written.
    pub(crate) fn place(&self, part: usize, mut problems: Problems) -> Problems {
        for problem in problems.iter_mut().filter(|problem| problem.line == 0) {
            let Some(part) = self.parts.get(part) else {
                continue;
            };
            match locate(&part.node, &problem.field) {
                Some(place) => (problem.line, problem.column) = (place.line, place.column),
                // A profile or source as a whole is named by its first line; a file's only document is not.
                None if self.parts.len() > 1 => problem.line = part.node.line(),
                None => {}
            }
        }
        problems
    }
}

/// A file with the `.local` file over it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    base: File,
    over: Option<File>,
}

impl Pair {
    /// Gives problems their place in the file that has the field, the `.local` one first.
    pub(crate) fn place(&self, problems: Problems) -> Problems {
        let mut placed = Vec::new();
        for mut problem in problems {
            let over = self.over.as_ref().and_then(|over| {
                let place = locate(&over.parts.first()?.node, &problem.field)?;
                place.exact.then_some((over, place))
            });
            match over {
                Some((file, place)) => {
                    file.path.clone_into(&mut problem.file);
                    (problem.line, problem.column) = (place.line, place.column);
                    placed.push(problem);
                }
                None => placed.extend(self.base.place(0, vec![problem])),
            }
        }
        placed
    }

    pub(crate) fn path(&self) -> &Path {
        &self.base.path
    }
}

/// Reads a file with the `.local` file over it, environment expanded in both when one is given.
pub(crate) fn merged<T>(path: &Path, env: Option<&Env>) -> Result<(T, Pair), Problems>
where
    T: DeserializeOwned + Default + Overlay,
{
    let base = File::read(path, env);
    let local = local(path);
    if !local.exists() {
        let base = base?;
        return Ok((base.one(Dialect::V3Known)?, Pair { base, over: None }));
    }
    // Both are read before either is refused, so that the problems of both are told.
    let over = File::read(&local, env);
    let (base, over) = both(base, over)?;
    let (mut value, above) = both(base.one::<T>(Dialect::V3Known), over.one::<T>(Dialect::V3Known))?;
    value.overlay(above, &over.one(Dialect::Lenient)?);
    Ok((
        value,
        Pair {
            base,
            over: Some(over),
        },
    ))
}

fn both<A, B>(one: Result<A, Problems>, other: Result<B, Problems>) -> Result<(A, B), Problems> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err(one.err().into_iter().chain(other.err()).flatten().collect()),
    }
}

fn from_yaml(file: &Path, problem: yaml::Problem) -> Problem {
    Problem {
        file: file.to_owned(),
        line: problem.line,
        column: problem.column,
        field: problem.path,
        message: problem.message,
        cure: String::new(),
    }
}

/// Returns the name of the file that overrides `path`.
pub(crate) fn local(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".local");
    name.into()
}

/// Reads a file as text; the size is bounded.
pub(crate) fn text(path: &Path) -> Result<String, Problems> {
    let refuse = |message: String, cure: &str| vec![Problem::in_file(path, message, cure)];
    let unreadable = |error: std::io::Error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        refuse(
            format!("cannot read the file: {message}"),
            "create it, or name another file",
        )
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > LIMIT {
        return Err(refuse(
            format!("the file has {length} bytes"),
            "a configuration file has at most 16 MiB",
        ));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}
