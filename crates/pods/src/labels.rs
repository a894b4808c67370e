//! Label selectors as Kubernetes reads them. Source: Kubernetes, `apimachinery/pkg/apis/meta/v1`, `LabelSelector`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// All conditions must hold; one without conditions selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selector {
    /// Labels an object must have with exactly these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: Labels,
    /// Further conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
}

/// One condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// It is there and has one of the values.
    In,
    /// It is absent or has none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}

impl Selector {
    /// Tells whether an object with `labels` is selected.
    pub fn selects(&self, labels: &Labels) -> bool {
        let Self {
            match_labels,
            match_expressions,
        } = self;
        match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && match_expressions
                .iter()
                .all(|expression| expression.holds(labels))
    }

    /// Returns the first condition that the API server would refuse: its field below the selector, and why.
    pub(crate) fn fault(&self) -> Option<(String, &'static str)> {
        self.match_expressions
            .iter()
            .enumerate()
            .find_map(|(index, expression)| {
                let needs_values = matches!(expression.operator, Operator::In | Operator::NotIn);
                let field = |name: &str| format!("matchExpressions[{index}].{name}");
                if expression.key.is_empty() {
                    Some((field("key"), "missing key"))
                } else if needs_values && expression.values.is_empty() {
                    Some((field("values"), "In and NotIn need at least one value"))
                } else if !needs_values && !expression.values.is_empty() {
                    Some((field("values"), "Exists and DoesNotExist take no values"))
                } else {
                    None
                }
            })
    }
}

impl Expression {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let is_listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => is_listed,
            Operator::NotIn => !is_listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use golang::yaml::{Dialect, from_str};

    use super::*;

    #[track_caller]
    fn check(selector: &str, labels: &[(&str, &str)], expected: bool) {
        let selector: Selector = from_str(selector, Dialect::V3Known).unwrap();
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(selector.selects(&labels), expected, "{selector:?} {labels:?}");
    }

    #[test]
    fn labels_must_be_there_with_their_values() {
        check("{}", &[], true);
        check("{}", &[("a", "1")], true);
        check("matchLabels: {a: '1'}", &[("a", "1"), ("b", "2")], true);
        check("matchLabels: {a: '1'}", &[("a", "2")], false);
        check("matchLabels: {a: '1'}", &[], false);
        check("matchLabels: {a: '1', b: '2'}", &[("a", "1")], false);
        check("matchLabels: {a: ''}", &[("a", "")], true);
        check("matchLabels: {a: ''}", &[], false);
    }

    #[test]
    fn expressions_compare_as_the_api_server_does() {
        let one = |operator: &str, values: &str| {
            format!("matchExpressions: [{{key: a, operator: {operator}, values: {values}}}]")
        };
        check(&one("In", "[x, y]"), &[("a", "y")], true);
        check(&one("In", "[x, y]"), &[("a", "z")], false);
        check(&one("In", "[x, y]"), &[], false);
        check(&one("NotIn", "[x, y]"), &[("a", "y")], false);
        check(&one("NotIn", "[x, y]"), &[("a", "z")], true);
        check(&one("NotIn", "[x, y]"), &[], true);
        check(&one("Exists", "[]"), &[("a", "")], true);
        check(&one("Exists", "[]"), &[("b", "")], false);
        check(&one("DoesNotExist", "[]"), &[("a", "")], false);
        check(&one("DoesNotExist", "[]"), &[("b", "")], true);
    }

    #[test]
    fn all_conditions_hold_together() {
        let both = "matchLabels: {app: web}\nmatchExpressions:\n- {key: tier, operator: In, values: [a]}\n- {key: old, operator: DoesNotExist}\n";
        check(both, &[("app", "web"), ("tier", "a")], true);
        check(both, &[("app", "web"), ("tier", "a"), ("old", "")], false);
        check(both, &[("app", "web")], false);
        check(both, &[("tier", "a")], false);
    }
}
