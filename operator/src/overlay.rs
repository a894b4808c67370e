//! `podTemplate`: what a user lays over the pods that are made, merged as `kubectl patch` does.
//!
//! It can add to everything and change most of it; it cannot take away by what the pods are found, nor weaken the
//! security context that they have by themselves.

use std::collections::BTreeMap;

use k8s_openapi::DeepMerge as _;
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use serde_json::Value;

use crate::crd::common::PodTemplate;
use crate::problem::Problem;

/// Where it stands in a spec.
const FIELD: &str = "podTemplate.spec";

/// A `podTemplate` that was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    spec: Option<PodSpec>,
}

impl Overlay {
    /// Reads what a user wrote; what is no part of a PodSpec is a problem.
    pub fn of(written: &PodTemplate) -> Result<Self, Vec<Problem>> {
        Ok(Self {
            labels: written.labels.clone(),
            annotations: written.annotations.clone(),
            spec: read(written)?,
        })
    }

    /// Lays it on the template of pods.
    pub fn lay(&self, template: &mut PodTemplateSpec) {
        let meta = template.metadata.get_or_insert_default();
        for (kept, added) in [
            (&mut meta.labels, &self.labels),
            (&mut meta.annotations, &self.annotations),
        ] {
            for (key, value) in added {
                let kept = kept.get_or_insert_default();
                kept.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        if let (Some(spec), Some(part)) = (template.spec.as_mut(), &self.spec) {
            let own = spec.clone();
            spec.merge_from(part.clone());
            keep_secure(spec, &own);
        }
    }
}

fn read(over: &PodTemplate) -> Result<Option<PodSpec>, Vec<Problem>> {
    let Some(part) = &over.spec else {
        return Ok(None);
    };
    let written = Value::Object(part.0.clone());
    let spec: PodSpec = serde_json::from_value(written.clone()).map_err(|error| {
        let cure = "see kubectl explain pod.spec";
        vec![Problem::new(
            FIELD,
            format!("it is no part of a PodSpec ({error})"),
            cure,
        )]
    })?;
    let read = serde_json::to_value(&spec).unwrap_or_default();
    let mut problems = Vec::new();
    unknown(&written, &read, FIELD, &mut problems);
    if problems.is_empty() {
        Ok(Some(spec))
    } else {
        Err(problems)
    }
}

/// Finds fields that were written and not understood: a slip of the pen would have no effect and no trace.
fn unknown(written: &Value, read: &Value, place: &str, problems: &mut Vec<Problem>) {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (key, value) in written.iter().filter(|(_, value)| !value.is_null()) {
                let place = format!("{place}.{key}");
                match read.get(key) {
                    Some(below) => unknown(value, below, &place, problems),
                    None => problems.push(Problem::new(
                        place,
                        "there is no such field",
                        "see kubectl explain pod.spec",
                    )),
                }
            }
        }
        (Value::Array(written), Value::Array(read)) => {
            for (index, (value, below)) in written.iter().zip(read).enumerate() {
                unknown(value, below, &format!("{place}[{index}]"), problems);
            }
        }
        _ => {}
    }
}

/// Sets again what was set for security. A pod's context may be added to; a container's is as it was.
fn keep_secure(spec: &mut PodSpec, own: &PodSpec) {
    if let Some(security) = &own.security_context {
        spec.security_context
            .get_or_insert_default()
            .merge_from(security.clone());
    }
    keep_containers_secure(&mut spec.containers, &own.containers);
    if let (Some(all), Some(own)) = (&mut spec.init_containers, &own.init_containers) {
        keep_containers_secure(all, own);
    }
}

fn keep_containers_secure(all: &mut [Container], own: &[Container]) {
    for container in all {
        if let Some(before) = own.iter().find(|before| before.name == container.name) {
            container.security_context.clone_from(&before.security_context);
        }
    }
}

#[cfg(test)]
mod tests {
    use golang::yaml::Dialect;

    use super::*;

    fn of<T: serde::de::DeserializeOwned>(text: &str) -> T {
        let json: Value = golang::yaml::from_str(text, Dialect::V3Known).unwrap();
        serde_json::from_value(json).unwrap()
    }

    const OWN: &str = "
metadata: {labels: {app: own}, annotations: {hash: a}}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 65532}
  containers:
  - name: main
    image: own
    env: [{name: A, value: own}]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  volumes: [{name: tmp, emptyDir: {}}]
";

    fn laid(over: &str) -> Result<PodTemplateSpec, String> {
        let mut template: PodTemplateSpec = of(OWN);
        let overlay = Overlay::of(&of(over)).map_err(|problems| crate::problem::text(&problems))?;
        overlay.lay(&mut template);
        Ok(template)
    }

    #[test]
    fn lists_with_names_are_merged_by_name() {
        let over = "
labels: {team: a, app: theirs}
annotations: {note: b}
spec:
  hostAliases: [{ip: 192.0.2.1, hostnames: [x]}]
  containers:
  - name: main
    env: [{name: A, value: theirs}, {name: B, value: b}]
  - name: sidecar
    image: theirs
  volumes: [{name: more, emptyDir: {}}]
";
        insta::assert_snapshot!(golang::yaml::to_string(&laid(over).unwrap()).unwrap(), @r"
        metadata:
          annotations:
            hash: a
            note: b
          labels:
            app: own
            team: a
        spec:
          containers:
            - env:
                - name: A
                  value: theirs
                - name: B
                  value: b
              image: own
              name: main
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop:
                    - ALL
            - image: theirs
              name: sidecar
          hostAliases:
            - hostnames:
                - x
              ip: 192.0.2.1
          securityContext:
            runAsNonRoot: true
            runAsUser: 65532
          volumes:
            - emptyDir: {}
              name: tmp
            - emptyDir: {}
              name: more
        ");
    }

    #[test]
    fn the_security_context_stays() {
        let over = "
spec:
  securityContext: {runAsNonRoot: false, runAsUser: 0, fsGroup: 7}
  containers:
  - name: main
    securityContext: {allowPrivilegeEscalation: true, privileged: true, capabilities: {add: [SYS_ADMIN]}}
";
        let text = golang::yaml::to_string(&laid(over).unwrap()).unwrap();
        assert!(
            text.contains("fsGroup: 7") && text.contains("runAsUser: 65532"),
            "{text}"
        );
        assert!(text.contains("runAsNonRoot: true"), "{text}");
        assert!(text.contains("allowPrivilegeEscalation: false"), "{text}");
        assert!(
            !text.contains("SYS_ADMIN") && !text.contains("privileged"),
            "{text}"
        );
    }

    #[test]
    fn a_slip_of_the_pen_is_told() {
        let check = |over: &str, expected: &str| {
            let told = laid(over).unwrap_err();
            assert!(told.starts_with(expected), "{told}");
        };
        check(
            "{spec: {containers: [{name: main, imagePullPolice: Never}]}}",
            "spec.podTemplate.spec.containers[0].imagePullPolice: there is no such field",
        );
        check(
            "{spec: {tolerations: yes}}",
            "spec.podTemplate.spec: it is no part of a PodSpec",
        );
        assert!(laid("{}").is_ok());
    }
}
