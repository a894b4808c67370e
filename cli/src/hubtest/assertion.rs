//! Assertion files: one expression a line, and which of the false ones upstream forgives.

use expr::Value;

use super::results::{Error, Results};

/// Which assertion file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `parser.assert`
    Parser,
    /// `scenario.assert`
    Scenario,
}

/// What an assertion file said about a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Assertions evaluated.
    pub count: usize,
    /// False assertions that make the test fail.
    pub failures: Vec<Failure>,
    /// False assertions that upstream never enforces.
    pub forgiven: Vec<Failure>,
}

/// A false assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Line in the file, from 1.
    pub line: usize,
    /// The assertion.
    pub assertion: String,
    /// Left side of the comparison and what it is.
    pub actual: Option<(String, String)>,
}

/// An assertion that has no verdict; it ends the whole run, as upstream does.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It does not compile or does not run.
    #[error("unable to run assert '{assertion}': {error}")]
    Assertion {
        /// The assertion.
        assertion: String,
        /// Why.
        error: Error,
    },
    /// It is not true or false.
    #[error("unable to run assert '{0}': assertion '{0}' is not a condition")]
    NotBool(String),
}

impl Outcome {
    /// Returns whether nothing enforced was false.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Evaluates every line of `text` that is not empty.
///
/// A false line is forgiven when its left side has no value by itself; in `scenario.assert` also when it is no
/// comparison with ` == ` (`pkg/hubtest/parser_assert.go`).
pub fn check(file: File, text: &str, results: &mut Results) -> Result<Outcome, Broken> {
    let mut outcome = Outcome::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
        let broken = |error| Broken::Assertion {
            assertion: line.to_owned(),
            error,
        };
        let Value::Bool(truth) = results.eval(&with_basename(line)).map_err(broken)? else {
            return Err(Broken::NotBool(line.to_owned()));
        };
        outcome.count += 1;
        if truth {
            continue;
        }
        let mut failure = Failure {
            line: number,
            assertion: line.to_owned(),
            actual: None,
        };
        let side = match left_side(line) {
            Some(side) => side,
            None if file == File::Parser => line,
            None => {
                outcome.forgiven.push(failure);
                continue;
            }
        };
        match results.eval(side) {
            Ok(value) => {
                failure.actual = Some((side.to_owned(), display(&value)));
                outcome.failures.push(failure);
            }
            Err(_) => outcome.forgiven.push(failure),
        }
    }
    Ok(outcome)
}

/// Compares paths by their last part: logs stand elsewhere than where the assertion was written.
fn with_basename(line: &str) -> String {
    match line.split_once("==") {
        Some((left, right)) if line.contains("datasource_path") && !line.contains("basename(") => {
            format!("basename({}) =={right}", left.trim())
        }
        _ => line.to_owned(),
    }
}

/// Returns what stands before the first ` == `, back to the last space or `=`.
fn left_side(line: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(found) = line.get(from..)?.find(" == ") {
        let end = from + found;
        let before = line.get(..end)?;
        let side = before.rsplit([' ', '=']).next().unwrap_or("");
        if !side.is_empty() {
            return Some(side);
        }
        from = end + 1;
    }
    None
}

/// Writes a value for people.
pub fn display(value: &Value) -> String {
    match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => golang::json::float(*number),
        Value::Str(text) => text.to_string(),
        Value::Duration(duration) => duration.to_string(),
        Value::Time(time) => time.rfc3339_nano(),
        Value::Array(items) => {
            let lines: Vec<String> = items
                .iter()
                .map(|item| format!("- {}\n", display(item)))
                .collect();
            lines.concat()
        }
        Value::Map(map) => {
            let line = |(key, value): (&expr::MapKey, &Value)| {
                format!("{}: {}\n", display(&key.to_value()), display(value))
            };
            map.iter().map(line).collect::<Vec<_>>().concat()
        }
        other => format!("<{}>", other.type_name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_side_reaches_back_to_a_space_or_an_equals_sign() {
        for (line, expected) in [
            ("len(results) == 7", Some("len(results)")),
            (r#"results["a"]["b c"] == "x""#, Some(r#"c"]"#)),
            (r#""1.2.3.4" in results[0].Overflow.GetSources()"#, None),
            ("a == b == c", Some("a")),
            ("", None),
        ] {
            assert_eq!(left_side(line), expected, "{line}");
        }
    }

    #[test]
    fn only_data_source_paths_are_compared_by_their_last_part() {
        let line = r#"results[0].Evt.Meta["datasource_path"] == "a.log""#;
        assert_eq!(
            with_basename(line),
            r#"basename(results[0].Evt.Meta["datasource_path"]) == "a.log""#
        );
        assert_eq!(with_basename("len(results) == 7"), "len(results) == 7");
        let done = r#"basename(x["datasource_path"]) == "a.log""#;
        assert_eq!(with_basename(done), done);
    }
}
