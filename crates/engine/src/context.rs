//! Alert context: which facts of an alert's events go along with it.

use std::{collections::BTreeMap, sync::Arc};

use expr::{EvalError, ExprId, Type, Value};
use golang::{
    json,
    yaml::{self, Dialect},
};
use indexmap::IndexMap;
use serde::Deserialize;

use crate::{
    Event, ItemFile, Problem, Text,
    bucket::{
        load::line_of,
        scenarios::{Bench, eval_context},
        scope::Schemes,
    },
    loader::Loader,
};

/// Longest value, in bytes of JSON. Upstream: `console_context_value_length`, its default and its highest value.
pub const VALUE_LENGTH: usize = 4000;

/// The compiled contexts: per key the expressions whose values are collected, in the order they were declared.
#[derive(Debug, Default)]
pub struct Contexts {
    keys: BTreeMap<Text, Vec<ExprId>>,
}

/// A hub item writes `context:` above its keys; the console's own `context.yaml` has the keys at the top.
#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Item(RawItem),
    Plain(IndexMap<String, Vec<String>>),
}

/// Name, author and description beside it are the hub's, not ours. Upstream decodes contexts without strictness.
#[derive(Deserialize)]
struct RawItem {
    context: IndexMap<String, Vec<String>>,
}

impl Contexts {
    /// Compiles the union of `files`; what does not load is added to the loader's problems.
    ///
    /// Upstream: `pkg/alertcontext`.
    pub(crate) fn load(files: &[&ItemFile], schemes: &Schemes, loader: &mut Loader<'_>) -> Self {
        let Loader {
            library, problems, ..
        } = loader;
        let mut contexts = Self::default();
        for file in files {
            let raw = match yaml::multi::<Raw>(&file.text, Dialect::V2Strict) {
                Ok(documents) => documents,
                Err(problem) => {
                    let cure = "write `context:` with a list of expressions under each key";
                    problems.push(
                        Problem::in_file(&file.path, problem.message, cure)
                            .at(problem.line, problem.column)
                            .of(&file.name)
                            .field(problem.path),
                    );
                    continue;
                }
            };
            for (document, start) in raw {
                let (Raw::Item(RawItem { context: keys }) | Raw::Plain(keys)) = document;
                for (key, sources) in keys {
                    for source in sources {
                        match library.compile(&source, &schemes.context, &Type::Any) {
                            Ok(id) => contexts.add(&key, id),
                            Err(error) => problems.push(
                                Problem::in_file(
                                    &file.path,
                                    format!("invalid context expression: {error}"),
                                    "correct the expression",
                                )
                                .at(line_of(&file.text, start, "context"), 1)
                                .of(&file.name)
                                .field(format!("context.{key}")),
                            ),
                        }
                    }
                }
            }
        }
        contexts
    }

    fn add(&mut self, key: &str, id: ExprId) {
        let ids = self.keys.entry(Text::from(key)).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    /// Returns key and JSON list of values for every key that has one, sorted by key; a value is at most `limit` bytes.
    /// Errors of single expressions go to `failed` and leave their value out.
    pub fn collect(
        &self,
        bench: &mut Bench<'_>,
        events: &[Arc<Event>],
        limit: usize,
        failed: &mut dyn FnMut(&str, &EvalError),
    ) -> Vec<(Text, Text)> {
        let mut found = Vec::new();
        for (key, ids) in &self.keys {
            let mut values: Vec<String> = Vec::new();
            for event in events {
                for id in ids {
                    match eval_context(bench, *id, event) {
                        Ok(value) => texts(&value, &mut values),
                        Err(error) => failed(key, &error),
                    }
                }
            }
            if !values.is_empty() {
                found.push((key.clone(), Text::from(truncated(values, limit))));
            }
        }
        found
    }
}

/// Adds the texts of `value` that are not empty and not there yet.
fn texts(value: &Value, values: &mut Vec<String>) {
    let mut add = |text: String| {
        if !text.is_empty() && !values.contains(&text) {
            values.push(text);
        }
    };
    match value {
        Value::Nil | Value::Bool(false) => {}
        Value::Float(number) if *number == 0.0 => {}
        Value::Str(text) => add(text.to_string()),
        Value::Int(number) => add(number.to_string()),
        Value::Array(items)
            if items
                .iter()
                .all(|item| matches!(item, Value::Str(_) | Value::Int(_))) =>
        {
            for item in items.iter() {
                match item {
                    Value::Str(text) => add(text.to_string()),
                    Value::Int(number) => add(number.to_string()),
                    _ => {}
                }
            }
        }
        other => add(plain(other)),
    }
}

/// Writes a value as Go's `%v` does.
fn plain(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => golang::fmt::format_float(*number, 'g', None),
        Value::Str(text) => text.to_string(),
        Value::Duration(duration) => duration.to_string(),
        Value::Time(time) => time.to_go_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let mut entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}:{}", plain(&key.to_value()), plain(value)))
                .collect();
            entries.sort_unstable();
            format!("map[{}]", entries.join(" "))
        }
        other => format!("{other:?}"),
    }
}

/// Writes `values` as a JSON list of at most `limit` bytes: the last values go first, a single one is halved.
fn truncated(mut values: Vec<String>, limit: usize) -> String {
    let list = |values: &[String]| json::to_string(&serde_json::Value::from(values));
    let mut text = list(&values);
    // Each round removes a value or half of one; a limit that not even "..." fits into ends the loop.
    for _ in 0..values.len() + 64 {
        if text.len() <= limit {
            break;
        }
        if values.len() > 1 {
            values.pop();
        } else if let Some(value) = values.first_mut() {
            let half = value.as_bytes().get(..value.len() / 2).unwrap_or_default();
            *value = format!("{}...", String::from_utf8_lossy(half));
        }
        text = list(&values);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], limit: usize, expected: &str) {
        assert_eq!(
            truncated(values.iter().map(ToString::to_string).collect(), limit),
            expected
        );
    }

    #[test]
    fn too_long_a_list_loses_its_last_values_and_a_single_value_its_second_half() {
        check(&["a", "b", "c"], 13, r#"["a","b","c"]"#);
        check(&["a", "b", "c"], 12, r#"["a","b"]"#);
        check(&["abcdefgh"], 11, r#"["abcd..."]"#);
        check(&["abcdefgh", "x"], 11, r#"["abcd..."]"#);
        check(
            &[&"x".repeat(9000)],
            4000,
            &format!(r#"["{}..."]"#, "x".repeat(2251)),
        );
    }

    #[test]
    fn an_impossible_limit_ends() {
        assert!(truncated(vec!["abcdefgh".to_owned()], 3).len() < 20);
    }

    #[test]
    fn values_are_kept_once_in_order_and_empty_ones_left_out() {
        let mut values = Vec::new();
        for value in [
            Value::text("b"),
            Value::text(""),
            Value::Int(0),
            Value::texts(["a", "b", "c"]),
            Value::Nil,
            Value::Bool(true),
            Value::Bool(false),
        ] {
            texts(&value, &mut values);
        }
        assert_eq!(values, ["b", "0", "a", "c", "true"]);
    }
}
