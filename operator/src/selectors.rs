//! Label selectors of resources, checked as the API server checks those of its own kinds.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pods::labels::{Expression, Operator, Selector};

use crate::problem::Problem;

/// Takes a selector that stands at `field`; every condition the API server would refuse is a problem.
pub fn checked(field: &str, written: &LabelSelector) -> Result<Selector, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut match_expressions = Vec::new();
    for (index, expression) in written.match_expressions.iter().flatten().enumerate() {
        let place = |name: &str| format!("{field}.matchExpressions[{index}].{name}");
        let values = expression.values.clone().unwrap_or_default();
        let operator = match expression.operator.as_str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => {
                problems.push(Problem::new(
                    place("operator"),
                    format!("{other:?} is no operator"),
                    "use In, NotIn, Exists or DoesNotExist",
                ));
                continue;
            }
        };
        let needs_values = matches!(operator, Operator::In | Operator::NotIn);
        if expression.key.is_empty() {
            problems.push(Problem::new(place("key"), "it is empty", "name a label"));
        }
        if needs_values && values.is_empty() {
            let cure = "add a value, or use Exists or DoesNotExist";
            problems.push(Problem::new(
                place("values"),
                "In and NotIn need at least one value",
                cure,
            ));
        }
        if !needs_values && !values.is_empty() {
            let cure = "remove them, or use In or NotIn";
            problems.push(Problem::new(
                place("values"),
                "Exists and DoesNotExist take no values",
                cure,
            ));
        }
        match_expressions.push(Expression {
            key: expression.key.clone(),
            operator,
            values,
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Selector {
        match_labels: written.match_labels.clone().unwrap_or_default(),
        match_expressions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> LabelSelector {
        let json: serde_json::Value = golang::yaml::from_str(text, golang::yaml::Dialect::V3Known).unwrap();
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_the_api_server_would_refuse_is_a_problem_with_its_place() {
        let bad = "matchExpressions:\n- {key: a, operator: Like, values: [b]}\n- {key: '', operator: In}\n- {key: c, operator: Exists, values: [d]}\n";
        let problems = checked("target.podSelector", &written(bad)).unwrap_err();
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        spec.target.podSelector.matchExpressions[0].operator: "Like" is no operator; use In, NotIn, Exists or DoesNotExist
        spec.target.podSelector.matchExpressions[1].key: it is empty; name a label
        spec.target.podSelector.matchExpressions[1].values: In and NotIn need at least one value; add a value, or use Exists or DoesNotExist
        spec.target.podSelector.matchExpressions[2].values: Exists and DoesNotExist take no values; remove them, or use In or NotIn
        "#);
    }
}
