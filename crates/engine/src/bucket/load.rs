//! From a scenario file to checked documents: strict keys, values in range, errors that name line, field and cure.

use std::sync::Arc;

use golang::{
    duration::Duration,
    yaml::{self, Dialect},
};
use indexmap::IndexMap;
use serde::Deserialize;

use super::spec::{BucketKind, Scope, Spec, Weight};
use crate::{ItemFile, Name, Problem, data::DataEntry, overflow};

/// What a scenario file gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The documents in order.
    pub specs: Vec<Spec>,
    /// What must be mended before the scenarios can run.
    pub problems: Vec<Problem>,
    /// What is odd but loads, or is skipped as upstream skips it.
    pub warnings: Vec<Problem>,
}

/// Reads every document of `file`; all defects of all documents are reported.
///
/// Upstream: `leakybucket/manager_load.go`.
pub fn load(file: &ItemFile) -> Loaded {
    let mut loaded = Loaded::default();
    let documents = match yaml::multi::<Raw>(&file.text, Dialect::V2Strict) {
        Ok(documents) => documents,
        Err(problem) => {
            loaded.problems.push(unreadable(file, problem));
            return loaded;
        }
    };
    for (raw, line) in documents {
        let mut check = Check {
            file,
            line,
            name: raw.name.clone(),
            problems: Vec::new(),
        };
        if !format_is_known(&raw.format) {
            let message = format!(
                "format '{}' is not between 1.0 and 3.0, the document is skipped",
                raw.format
            );
            loaded
                .warnings
                .push(check.problem("format", message, "write a format of this engine"));
            continue;
        }
        let spec = check.document(raw, &mut loaded.warnings);
        if check.problems.is_empty() {
            loaded.specs.push(spec);
        }
        loaded.problems.append(&mut check.problems);
    }
    loaded
}

fn unreadable(file: &ItemFile, problem: yaml::Problem) -> Problem {
    let cure = if problem.message.contains("field") {
        "remove the key or correct its spelling"
    } else {
        "correct the YAML"
    };
    Problem::in_file(&file.path, problem.message, cure)
        .at(problem.line, problem.column)
        .of(&file.name)
        .field(problem.path)
}

/// Formats from 1.0 to 3.0 are read; none written means 1.0.
pub(crate) fn format_is_known(format: &str) -> bool {
    format.is_empty()
        || format
            .parse::<f64>()
            .is_ok_and(|version| (1.0..=3.0).contains(&version))
}

/// A scenario as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    format: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    author: String,
    description: String,
    references: Vec<String>,
    version: String,
    filter: String,
    groupby: String,
    capacity: i64,
    leakspeed: String,
    duration: String,
    blackhole: String,
    distinct: String,
    condition: String,
    cancel_on: String,
    overflow_filter: String,
    cache_size: i64,
    scope: RawScope,
    labels: IndexMap<String, serde_json::Value>,
    reprocess: bool,
    data: Vec<DataEntry>,
    debug: bool,
    profiling: bool,
    bayesian_prior: f32,
    bayesian_threshold: f32,
    bayesian_conditions: Vec<RawWeight>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawScope {
    #[serde(rename = "type")]
    kind: String,
    expression: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawWeight {
    condition: String,
    prob_given_evil: f32,
    prob_given_benign: f32,
    guillotine: bool,
}

/// The checks of one document.
struct Check<'a> {
    file: &'a ItemFile,
    line: usize,
    name: String,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn document(&mut self, raw: Raw, warnings: &mut Vec<Problem>) -> Spec {
        let kind = self.kind(&raw.kind);
        self.required(&raw);
        let leakspeed = self
            .duration("leakspeed", &raw.leakspeed)
            .unwrap_or(Duration::ZERO);
        let duration = self.duration("duration", &raw.duration).unwrap_or(Duration::ZERO);
        let blackhole = self.duration("blackhole", &raw.blackhole);
        self.fits_kind(kind, &raw, leakspeed, duration, warnings);
        self.assemble(raw, kind, leakspeed, duration, blackhole)
    }

    /// Checks what one kind of bucket asks for and the others do not.
    fn fits_kind(
        &mut self,
        kind: BucketKind,
        raw: &Raw,
        leakspeed: Duration,
        duration: Duration,
        warnings: &mut Vec<Problem>,
    ) {
        match kind {
            BucketKind::Leaky => {
                self.capacity(raw.capacity, |n| n > 0, "> 0");
                self.leaks(&raw.leakspeed, leakspeed);
            }
            BucketKind::Trigger => self.capacity(raw.capacity, |n| n == 0, "0"),
            BucketKind::Counter => {
                self.capacity(raw.capacity, |n| n == -1, "-1");
                if duration.0 <= 0 {
                    self.refuse(
                        "duration",
                        "a counter needs a duration",
                        "add `duration: 1m`, say",
                    );
                }
            }
            BucketKind::Conditional => {
                if raw.condition.is_empty() {
                    self.refuse(
                        "condition",
                        "a conditional bucket needs a condition",
                        "add the condition that overflows it",
                    );
                }
                self.leaks(&raw.leakspeed, leakspeed);
                if raw.capacity != -1 {
                    let message = format!(
                        "capacity {} of a conditional bucket only bounds its queue",
                        raw.capacity
                    );
                    warnings.push(self.problem("capacity", message, "write `capacity: -1`"));
                }
            }
            BucketKind::Bayesian => self.bayesian(raw),
        }
    }

    fn assemble(
        &mut self,
        raw: Raw,
        kind: BucketKind,
        leakspeed: Duration,
        duration: Duration,
        blackhole: Option<Duration>,
    ) -> Spec {
        let scope = self.scope(&raw.scope);
        // Read so that the keys are known; the engine has no use for them.
        let _unused = (raw.author, raw.references, raw.version, raw.debug, raw.profiling);
        Spec {
            name: Name::new(&raw.name),
            file: Arc::from(self.file.path.as_str()),
            line: self.line,
            version: Arc::from(self.file.version.as_str()),
            hash: Arc::from(self.file.hash.as_str()),
            description: raw.description,
            kind,
            filter: Arc::from(raw.filter),
            groupby: some(raw.groupby),
            capacity: raw.capacity,
            leakspeed,
            duration,
            blackhole,
            distinct: some(raw.distinct),
            condition: some(raw.condition),
            cancel_on: some(raw.cancel_on),
            overflow_filter: some(raw.overflow_filter),
            cache_size: raw.cache_size,
            scope,
            remediation: raw.labels.get("remediation") == Some(&serde_json::Value::Bool(true)),
            reprocess: raw.reprocess,
            data: raw.data,
            prior: raw.bayesian_prior,
            threshold: raw.bayesian_threshold,
            weights: raw.bayesian_conditions.into_iter().map(weight).collect(),
        }
    }

    fn required(&mut self, raw: &Raw) {
        for (field, value) in [
            ("name", &raw.name),
            ("description", &raw.description),
            ("filter", &raw.filter),
        ] {
            if value.is_empty() {
                self.refuse(field, format!("{field} is missing"), format!("add `{field}:`"));
            }
        }
    }

    fn kind(&mut self, kind: &str) -> BucketKind {
        match kind {
            "leaky" => BucketKind::Leaky,
            "trigger" => BucketKind::Trigger,
            "conditional" => BucketKind::Conditional,
            "counter" => BucketKind::Counter,
            "bayesian" => BucketKind::Bayesian,
            _ => {
                let cure = "write one of leaky, trigger, conditional, counter, bayesian";
                self.refuse("type", format!("there is no bucket type '{kind}'"), cure);
                BucketKind::Trigger
            }
        }
    }

    fn capacity(&mut self, capacity: i64, fits: fn(i64) -> bool, wanted: &str) {
        if !fits(capacity) {
            self.refuse(
                "capacity",
                format!("invalid capacity '{capacity}': must be {wanted}"),
                "correct the number",
            );
        }
    }

    fn leaks(&mut self, text: &str, leakspeed: Duration) {
        if text.is_empty() {
            self.refuse("leakspeed", "leakspeed is required", "add `leakspeed: 10s`, say");
        } else if leakspeed.0 <= 0 {
            self.refuse(
                "leakspeed",
                format!("leakspeed '{text}' must be more than nothing"),
                "write `10s`, say",
            );
        }
    }

    fn duration(&mut self, field: &str, text: &str) -> Option<Duration> {
        if text.is_empty() {
            return None;
        }
        match Duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.refuse(
                    field,
                    format!("invalid {field} '{text}': {error}"),
                    "write a duration such as `10s` or `1m30s`",
                );
                None
            }
        }
    }

    fn scope(&mut self, raw: &RawScope) -> Scope {
        let name = if raw.kind.is_empty() {
            overflow::IP
        } else {
            &raw.kind
        };
        if name == overflow::IP && !raw.expression.is_empty() {
            self.refuse(
                "scope",
                "scope Ip takes its value from source_ip, not from an expression",
                "remove `expression`",
            );
        }
        if name != overflow::IP && name != overflow::RANGE && raw.expression.is_empty() {
            self.refuse(
                "scope",
                format!("scope '{name}' needs an expression for its value"),
                "add `expression:`",
            );
        }
        Scope {
            name: Name::new(name),
            expression: some(raw.expression.clone()),
        }
    }

    fn bayesian(&mut self, raw: &Raw) {
        self.capacity(raw.capacity, |n| n == -1, "-1");
        if raw.bayesian_conditions.is_empty() {
            self.refuse(
                "bayesian_conditions",
                "bayesian conditions are required",
                "add at least one",
            );
        }
        for (field, value) in [
            ("bayesian_prior", raw.bayesian_prior),
            ("bayesian_threshold", raw.bayesian_threshold),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                self.refuse(
                    field,
                    format!("invalid {field} '{value}': must be between 0 and 1"),
                    "write a probability",
                );
            }
        }
    }

    fn refuse(&mut self, field: &str, message: impl Into<String>, cure: impl Into<String>) {
        let problem = self.problem(field, message, cure);
        self.problems.push(problem);
    }

    fn problem(&self, field: &str, message: impl Into<String>, cure: impl Into<String>) -> Problem {
        let line = line_of(&self.file.text, self.line, field);
        let item = if self.name.is_empty() {
            &self.file.name
        } else {
            &self.name
        };
        Problem::in_file(&self.file.path, message, cure)
            .at(line, 1)
            .of(item)
            .field(field)
    }
}

/// Returns the line (from 1) of the top-level key `field` in the document that begins at line `start`, or `start`.
pub(crate) fn line_of(text: &str, start: usize, field: &str) -> usize {
    text.lines()
        .enumerate()
        .skip(start.saturating_sub(1))
        .take_while(|(index, line)| *index < start || !line.starts_with("---"))
        .find(|(_, line)| {
            line.strip_prefix(field)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
        .map_or(start, |(index, _)| index + 1)
}

/// Returns the first line from `start` on that holds `words`.
pub(crate) fn line_with(text: &str, start: usize, words: &str) -> Option<usize> {
    text.lines()
        .enumerate()
        .skip(start.saturating_sub(1))
        .find(|(_, line)| line.contains(words))
        .map(|(index, _)| index + 1)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn weight(raw: RawWeight) -> Weight {
    Weight {
        condition: raw.condition,
        given_evil: raw.prob_given_evil,
        given_benign: raw.prob_given_benign,
        guillotine: raw.guillotine,
    }
}

#[cfg(test)]
mod tests;
