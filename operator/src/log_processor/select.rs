//! Which Acquisitions a LogProcessor reads, and what each becomes in the file of targets; pure.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt as _;
use pods::labels::Labels;
use pods::{Format, Target};

use crate::crd::acquisition::{Acquisition, LogFormat};
use crate::crd::log_processor::LogProcessor;
use crate::engine;
use crate::problem::Problem;
use crate::selectors;

/// Most targets that one agent takes.
pub const TARGETS_MAX: usize = 1000;

/// The label by which parsers know a line.
const TYPE: &str = "type";

/// An Acquisition with what is known of its namespace.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The resource.
    pub acquisition: Arc<Acquisition>,
    /// Labels of its namespace.
    pub namespace_labels: Labels,
    /// Whether the engine of the LogProcessor permits its namespace.
    pub allowed: bool,
}

/// What a LogProcessor makes of an Acquisition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It reads it.
    Selected,
    /// It would, but its engine does not permit the namespace.
    NotAllowed,
    /// It looks for other labels.
    NotSelected,
}

/// Returns what a LogProcessor makes of an Acquisition.
pub fn verdict(processor: &LogProcessor, candidate: &Candidate) -> Verdict {
    let spec = &processor.spec;
    let wanted = spec.sources.container_logs
        && candidate.acquisition.metadata.deletion_timestamp.is_none()
        && selects(spec.acquisition_selector.as_ref(), candidate.acquisition.labels())
        && selects(
            spec.acquisition_namespace_selector.as_ref(),
            &candidate.namespace_labels,
        );
    match (wanted, candidate.allowed) {
        (false, _) => Verdict::NotSelected,
        (true, false) => Verdict::NotAllowed,
        (true, true) => Verdict::Selected,
    }
}

fn selects(selector: Option<&LabelSelector>, labels: &Labels) -> bool {
    selector.is_none_or(|selector| engine::matches(selector, labels))
}

/// Returns the targets of a LogProcessor, ordered by namespace and name. Acquisitions whose own spec is at fault are
/// left out: their own condition says so.
pub fn targets(processor: &LogProcessor, candidates: &[Candidate]) -> Vec<Target> {
    let mut all: Vec<Target> = candidates
        .iter()
        .filter(|candidate| verdict(processor, candidate) == Verdict::Selected)
        .filter_map(|candidate| target(&candidate.acquisition).ok())
        .collect();
    all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    all.truncate(TARGETS_MAX);
    all
}

/// Says whether these Acquisitions alone are as many as a LogProcessor reads; whatever comes after them is left out.
pub fn fill(processor: &LogProcessor, candidates: impl Iterator<Item = Candidate>) -> bool {
    candidates
        .filter(|candidate| verdict(processor, candidate) == Verdict::Selected)
        .filter(|candidate| target(&candidate.acquisition).is_ok())
        .nth(TARGETS_MAX - 1)
        .is_some()
}

/// Returns what an Acquisition becomes. Its namespace is its own and cannot be chosen.
pub fn target(acquisition: &Acquisition) -> Result<Target, Vec<Problem>> {
    let spec = &acquisition.spec;
    let mut problems = Vec::new();
    let selector = selectors::checked("target.podSelector", &spec.target.pod_selector)
        .map_err(|found| problems.extend(found))
        .unwrap_or_default();
    for (index, name) in spec.target.containers.iter().enumerate() {
        if !is_container(name) {
            problems.push(Problem::new(
                format!("target.containers[{index}]"),
                format!("{name:?} is no name of a container"),
                "write it as in the pod's spec",
            ));
        }
    }
    let line_type = line_type(acquisition);
    if line_type.is_empty() {
        problems.push(Problem::new(
            "type",
            "it is empty",
            "name the program, for example nginx",
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut labels = spec.labels.clone();
    labels.insert(TYPE.to_owned(), line_type.to_owned());
    Ok(Target {
        name: acquisition.name_any(),
        namespace: acquisition.namespace().unwrap_or_default(),
        selector,
        containers: spec.target.containers.clone(),
        labels,
        format: match spec.format {
            LogFormat::Auto => Format::Auto,
            LogFormat::Cri => Format::Cri,
            LogFormat::Plain => Format::Plain,
        },
    })
}

/// Returns the label `type` that an Acquisition gives its lines.
pub fn line_type(acquisition: &Acquisition) -> &str {
    match acquisition.spec.preset {
        Some(preset) => preset.line_type(),
        None => acquisition.spec.r#type.as_deref().unwrap_or_default(),
    }
}

fn is_container(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_processor::fixtures::{acquisition, candidate, processor};

    #[track_caller]
    fn check(spec: &str, candidate: &Candidate, expected: Verdict) {
        assert_eq!(verdict(&processor(spec), candidate), expected, "{spec}");
    }

    #[test]
    fn without_selectors_every_acquisition_of_an_allowed_namespace_is_read() {
        let edge = candidate("traefik", "edge");
        check("{engineRef: {name: main}}", &edge, Verdict::Selected);
        let refused = Candidate {
            allowed: false,
            ..edge
        };
        check("{engineRef: {name: main}}", &refused, Verdict::NotAllowed);
    }

    #[test]
    fn labels_of_the_acquisition_and_of_its_namespace_narrow_what_is_read() {
        let edge = candidate("traefik", "edge");
        let by_namespace = |value: &str| {
            format!(
                "{{engineRef: {{name: main}}, acquisitionNamespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {value}}}}}}}"
            )
        };
        check(&by_namespace("traefik"), &edge, Verdict::Selected);
        check(&by_namespace("shop"), &edge, Verdict::NotSelected);
        let by_label = "{engineRef: {name: main}, acquisitionSelector: {matchLabels: {tier: gold}}}";
        check(by_label, &edge, Verdict::NotSelected);
        let refused = Candidate {
            allowed: false,
            ..edge
        };
        check(&by_namespace("shop"), &refused, Verdict::NotSelected);
    }

    #[test]
    fn a_processor_of_files_alone_reads_no_acquisition() {
        let spec = "{engineRef: {name: main}, sources: {containerLogs: false}}";
        check(spec, &candidate("traefik", "edge"), Verdict::NotSelected);
    }

    #[test]
    fn a_target_reaches_its_own_namespace_and_its_type_cannot_be_overridden_by_a_label() {
        let edge = acquisition(
            "traefik",
            "edge",
            "{preset: ingress-nginx, target: {podSelector: {}, containers: [controller]}, labels: {type: sshd, team: a, namespace: bank}}",
        );
        let target = target(&edge).unwrap();
        assert_eq!(target.namespace, "traefik");
        assert_eq!(target.labels["type"], "nginx");
        insta::assert_snapshot!(golang::yaml::to_string(&target).unwrap(), @r"
        name: edge
        namespace: traefik
        selector: {}
        containers:
          - controller
        labels:
          namespace: bank
          team: a
          type: nginx
        format: auto
        ");
    }

    #[test]
    fn an_acquisition_that_cannot_be_carried_out_is_left_out_with_its_reasons() {
        let broken = acquisition(
            "shop",
            "web",
            "{type: '', target: {containers: ['../x'], podSelector: {matchExpressions: [{key: a, operator: Like}]}}}",
        );
        let problems = target(&broken).unwrap_err();
        insta::assert_snapshot!(crate::problem::text(&problems), @r#"spec.target.podSelector.matchExpressions[0].operator: "Like" is no operator; use In, NotIn, Exists or DoesNotExist · spec.target.containers[0]: "../x" is no name of a container; write it as in the pod's spec · spec.type: it is empty; name the program, for example nginx"#);
        let all = [
            Candidate {
                acquisition: Arc::new(broken),
                ..candidate("shop", "web")
            },
            candidate("shop", "api"),
            candidate("bank", "web"),
        ];
        let read = targets(&processor("{engineRef: {name: main}}"), &all);
        let ids: Vec<String> = read.iter().map(Target::id).collect();
        assert_eq!(ids, ["bank/web", "shop/api"]);
    }

    #[test]
    fn a_thousand_acquisitions_fill_a_processor() {
        let all = |count: usize| (0..count).map(|number| candidate("shop", &format!("web-{number:04}")));
        let reader = processor("{engineRef: {name: main}}");
        assert!(fill(&reader, all(TARGETS_MAX)));
        assert!(!fill(&reader, all(TARGETS_MAX - 1)));
        let elsewhere = processor("{engineRef: {name: main}, acquisitionSelector: {matchLabels: {a: b}}}");
        assert!(!fill(&elsewhere, all(TARGETS_MAX)));
        let listed: Vec<Candidate> = all(TARGETS_MAX + 1).collect();
        let read = targets(&reader, &listed);
        assert_eq!(read.len(), TARGETS_MAX);
        assert!(!read.iter().any(|target| target.name == "web-1000"));
    }

    #[test]
    fn what_is_rendered_the_agent_reads() {
        let all: Vec<Candidate> = ["a", "b"].iter().map(|name| candidate("shop", name)).collect();
        let targets = targets(&processor("{engineRef: {name: main}}"), &all);
        let text = golang::yaml::to_string(&pods::targets::File {
            targets: targets.clone(),
        })
        .unwrap();
        assert_eq!(pods::targets::parse(&text).unwrap(), targets);
    }
}
