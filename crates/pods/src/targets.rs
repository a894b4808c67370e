//! The file of targets: what the operator makes of Acquisitions, and the agent reads.

use std::collections::BTreeSet;
use std::fmt;

use golang::yaml::{self, Dialect};
use serde::{Deserialize, Serialize};

use crate::labels::{Labels, Selector};
use crate::pod::is_name;

/// Key of the `ConfigMap` that holds the file.
pub const KEY: &str = "targets.yaml";

/// Most targets of one file.
const LIMIT: usize = 1000;

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Each selects pods of its own namespace.
    pub targets: Vec<Target>,
}

/// Pods of one namespace whose containers are read in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the Acquisition.
    pub name: String,
    /// Its namespace, the only one whose pods it can select.
    pub namespace: String,
    /// Which pods.
    pub selector: Selector,
    /// Which of their containers; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
    /// What each line is labelled with; `type` is needed.
    pub labels: Labels,
    /// How lines are written.
    #[serde(default)]
    pub format: Format,
}

/// How the lines of a container stand in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As the container runtime writes them if the file looks so, else as they are.
    #[default]
    Auto,
    /// Behind the container runtime's prefix (CRI).
    Cri,
    /// As they are.
    Plain,
}

/// What is wrong with a file, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Dotted path of the key; empty when the file as a whole is meant.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do; empty when the message says it.
    pub cure: String,
}

impl fmt::Display for Problem {
    /// Writes `targets.yaml:line: field: message; cure`, without the parts that are absent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KEY}:{}: ", self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.cure.is_empty() {
            write!(f, "; {}", self.cure)?;
        }
        Ok(())
    }
}

impl Target {
    /// Returns the name that reports and positions have: `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Tells whether lines of `container` are wanted.
    pub fn wants(&self, container: &str) -> bool {
        self.containers.is_empty() || self.containers.iter().any(|name| name == container)
    }
}

/// Reads a file; every problem is returned at once.
pub fn parse(text: &str) -> Result<Vec<Target>, Vec<Problem>> {
    let document = yaml::documents(text).map_err(of_yaml)?.into_iter().next();
    let Some(document) = document else {
        return Ok(Vec::new());
    };
    let File { targets } = document.decode(Dialect::V3Known).map_err(of_yaml)?;
    let lines: Vec<usize> = match document.node.get("targets").map(golang::yaml::Node::kind) {
        Some(yaml::Kind::Sequence(items)) => items.iter().map(|item| item.line()).collect(),
        _ => Vec::new(),
    };
    let mut problems = Vec::new();
    if targets.len() > LIMIT {
        problems.push(Problem {
            line: document.line,
            field: "targets".to_owned(),
            message: format!("{} targets are too many", targets.len()),
            cure: format!("one agent reads at most {LIMIT}; divide them among log processors"),
        });
    }
    let mut ids = BTreeSet::new();
    for (index, target) in targets.iter().enumerate() {
        let line = lines.get(index).copied().unwrap_or(document.line);
        let faults = faults(target)
            .into_iter()
            .chain((!ids.insert(target.id())).then(|| {
                (
                    "name".to_owned(),
                    "given twice".to_owned(),
                    "name each target once",
                )
            }));
        problems.extend(faults.map(|(field, message, cure)| Problem {
            line,
            field: format!("targets[{index}].{field}"),
            message,
            cure: cure.to_owned(),
        }));
    }
    if problems.is_empty() {
        Ok(targets)
    } else {
        Err(problems)
    }
}

fn of_yaml(problem: yaml::Problem) -> Vec<Problem> {
    vec![Problem {
        line: problem.line,
        field: problem.path,
        message: problem.message,
        cure: String::new(),
    }]
}

fn faults(target: &Target) -> Vec<(String, String, &'static str)> {
    let mut faults = Vec::new();
    let names = [("name", &target.name), ("namespace", &target.namespace)];
    for (field, name) in names {
        if !is_name(name) {
            let cure = "use lower-case letters, digits and dashes, as for any object";
            faults.push((field.to_owned(), format!("{name:?} is no name"), cure));
        }
    }
    for (index, name) in target.containers.iter().enumerate() {
        if !is_name(name) {
            let message = format!("{name:?} is no name of a container");
            faults.push((
                format!("containers[{index}]"),
                message,
                "write it as in the pod's spec",
            ));
        }
    }
    if target.labels.get("type").is_none_or(String::is_empty) {
        let cure = "add type, which parsers go by, for example type: nginx";
        faults.push(("labels".to_owned(), "missing label type".to_owned(), cure));
    }
    if let Some((field, message)) = target.selector.fault() {
        faults.push((
            format!("selector.{field}"),
            message.to_owned(),
            "correct the selector",
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "targets:
- name: edge
  namespace: traefik
  selector: {matchLabels: {app.kubernetes.io/name: traefik}, matchExpressions: []}
  containers: [traefik]
  labels: {type: traefik}
  format: auto
- name: web
  namespace: shop
  selector: {}
  labels: {type: nginx, tier: front}
";

    fn told(text: &str) -> String {
        let problems = parse(text).unwrap_err();
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn targets_are_read_and_read_back_as_written() {
        let targets = parse(GOOD).unwrap();
        assert_eq!(targets[0].id(), "traefik/edge");
        assert!(targets[0].wants("traefik") && !targets[0].wants("sidecar"));
        assert!(targets[1].wants("anything"));
        assert_eq!(targets[1].format, Format::Auto);
        let written = yaml::to_string(&File {
            targets: targets.clone(),
        })
        .unwrap();
        assert_eq!(parse(&written).unwrap(), targets);
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("targets: []\n").unwrap(), []);
    }

    #[test]
    fn a_broken_file_is_told_with_line_field_and_cure() {
        insta::assert_snapshot!(told("targets: [\n"), @"targets.yaml:1: unclosed bracket '['");
        insta::assert_snapshot!(told(&GOOD.replace("containers:", "container:")), @r#"targets.yaml:5: targets[0]: unknown key "container"; valid keys are name, namespace, selector, containers, labels, format"#);
        insta::assert_snapshot!(told(&GOOD.replace("format: auto", "format: json")), @"targets.yaml:7: targets[0].format: unknown variant `json`, expected one of `auto`, `cri`, `plain`");
        insta::assert_snapshot!(told("targets:\n- name: a\n"), @"targets.yaml:2: targets[0]: missing field `namespace`");
        insta::assert_snapshot!(told(&GOOD.replace("namespace: shop", "namespace: ../shop").replace("type: nginx, ", "").replace("[traefik]", "['a/b']")), @r#"
        targets.yaml:2: targets[0].containers[0]: "a/b" is no name of a container; write it as in the pod's spec
        targets.yaml:8: targets[1].namespace: "../shop" is no name; use lower-case letters, digits and dashes, as for any object
        targets.yaml:8: targets[1].labels: missing label type; add type, which parsers go by, for example type: nginx
        "#);
        insta::assert_snapshot!(told(&GOOD.replace("name: web\n  namespace: shop\n  selector: {}", "name: edge\n  namespace: traefik\n  selector: {matchExpressions: [{key: a, operator: In}]}")), @r"
        targets.yaml:8: targets[1].selector.matchExpressions[0].values: In and NotIn need at least one value; correct the selector
        targets.yaml:8: targets[1].name: given twice; name each target once
        ");
    }
}
