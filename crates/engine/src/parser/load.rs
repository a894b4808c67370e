//! Compiles parser and post-overflow documents; what upstream refuses at start is refused here, all of it at once.

mod compiler;
mod place;

use std::collections::BTreeMap;

use golang::yaml::{self, Dialect};

use self::{compiler::Compiler, place::Place};
use super::{
    node::{Node, Stage},
    spec::NodeSpec,
};
use crate::{ItemFile, Name, Problem, grok, loader::Loader};

/// Compiles the files of one kind, in the order given, into stages; defects go to the loader.
pub(crate) fn load(items: &[&ItemFile], loader: &mut Loader<'_>) -> Vec<Stage> {
    let mut library = grok::Library::default();
    for file in &loader.world.patterns {
        // Upstream skips files with a dot in their name (backups of editors).
        if file.name.contains('.') {
            continue;
        }
        for (line, error) in library.define_file(&file.text) {
            let problem = Problem::in_file(&file.name, error.to_string(), "mend or remove this pattern");
            loader.problems.push(problem.at(line, 1));
        }
    }
    let mut stages: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    for item in items {
        for node in documents(item, &mut library, loader) {
            stages.entry(item.stage.as_str()).or_default().push(node);
        }
    }
    stages
        .into_iter()
        .map(|(name, nodes)| Stage {
            name: Name::new(name),
            nodes,
        })
        .collect()
}

fn documents(item: &ItemFile, library: &mut grok::Library, loader: &mut Loader<'_>) -> Vec<Node> {
    let parsed = match yaml::documents(&item.text) {
        Ok(documents) => documents,
        Err(problem) => {
            loader.problems.push(yaml_problem(item, &problem));
            return Vec::new();
        }
    };
    let mut nodes = Vec::new();
    for document in parsed.iter().filter(|document| !document.node.is_null()) {
        let spec: NodeSpec = match document.node.decode(Dialect::V2Strict) {
            Ok(spec) => spec,
            Err(problem) => {
                loader.problems.push(yaml_problem(item, &problem));
                continue;
            }
        };
        // Upstream: a document without any of the three is taken for an empty one.
        if spec.name.is_empty() && spec.description.is_empty() && spec.author.is_empty() {
            continue;
        }
        let place = Place {
            item,
            name: &spec.name,
            node: &document.node,
            path: String::new(),
        };
        if !is_format_known(&spec.format, &place, loader) {
            continue;
        }
        for (index, entry) in spec.data.iter().enumerate() {
            if let Err(error) = loader.data.load(entry, loader.world) {
                let problem = place
                    .key(&format!("data[{index}]"))
                    .problem(error.to_string(), error.cure());
                let into = if error.is_tolerated() {
                    &mut loader.warnings
                } else {
                    &mut loader.problems
                };
                into.push(problem);
            }
        }
        let mut compiler = Compiler {
            stage: Name::new(&item.stage),
            library,
            loader,
        };
        let before = compiler.loader.problems.len();
        let node = compiler.node(&spec, &place, "");
        if compiler.loader.problems.len() == before {
            nodes.push(node);
        }
    }
    nodes
}

/// Turns what the YAML reader found wrong into a problem of the item.
pub(crate) fn yaml_problem(item: &ItemFile, problem: &yaml::Problem) -> Problem {
    Problem::in_file(&item.path, problem.message.clone(), "")
        .at(problem.line, problem.column)
        .of(&item.name)
        .field(problem.path.clone())
}

fn is_format_known(format: &str, place: &Place<'_>, loader: &mut Loader<'_>) -> bool {
    let place = place.key("format");
    match format_version(format) {
        Some(version) if (1.0..=3.0).contains(&version) => true,
        Some(_) => {
            let message = format!("format {format} is not supported, so this document is left out");
            loader
                .warnings
                .push(place.problem(message, "use a format from 1.0 to 3.0"));
            false
        }
        None => {
            let message = format!("format {format:?} is not a version");
            loader
                .problems
                .push(place.problem(message, "write a format from 1.0 to 3.0"));
            false
        }
    }
}

/// Reads a format version as a number, `1.0` when absent; a patch level does not matter.
pub(crate) fn format_version(format: &str) -> Option<f64> {
    if format.is_empty() {
        return Some(1.0);
    }
    let mut parts = format.split('.');
    let (major, minor) = (parts.next()?, parts.next().unwrap_or("0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(major) || !is_number(minor) || !parts.all(is_number) {
        return None;
    }
    format!("{major}.{minor}").parse().ok()
}
