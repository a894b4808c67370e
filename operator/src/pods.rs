//! What pods of all components share: their parts, and why they are not ready, in the words of the cluster.

pub mod config;
pub mod parts;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ContainerStatus, EnvVar, Pod};
use kube::Api;
use kube::api::ListParams;
use kube::core::ResourceExt as _;

use crate::context::Context;
use crate::crd::common::Monitoring;

/// Returns the variable by which the engine shows or hides `/debug/pprof/` on 6060.
pub fn debug(monitoring: &Monitoring) -> EnvVar {
    EnvVar {
        name: "CROWDSEC_DEBUG".to_owned(),
        value: Some(if monitoring.debug { "on" } else { "off" }.to_owned()),
        value_from: None,
    }
}

/// Asks what keeps the pods of a workload from being ready; called only while they are not.
pub async fn trouble(ctx: &Context, namespace: &str, selector: &BTreeMap<String, String>) -> Option<String> {
    let labels: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let api: Api<Pod> = Api::namespaced(ctx.client.clone(), namespace);
    // Without an answer there is nothing to tell; the condition still says that the pods are not ready.
    let pods = api
        .list(&ListParams::default().labels(&labels.join(",")))
        .await
        .ok()?;
    pods.items.iter().find_map(of_pod)
}

/// Returns what keeps one pod from being ready.
pub fn of_pod(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let name = pod.name_any();
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    if let Some(text) = containers
        .filter(|container| !container.ready)
        .find_map(of_container)
    {
        return Some(format!("pod {name}, {text}"));
    }
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(format!(
        "pod {name} is not scheduled: {}",
        unscheduled.message.as_deref().unwrap_or_default()
    ))
}

fn of_container(container: &ContainerStatus) -> Option<String> {
    let name = &container.name;
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        if matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
            return None;
        }
        return Some(format!(
            "container {name}: {reason}: {}",
            waiting.message.as_deref().unwrap_or("see its log")
        ));
    }
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let message = ended.message.as_deref().unwrap_or("see its log");
    Some(format!(
        "container {name} ended with {}: {message}",
        ended.exit_code
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: &str, expected: Option<&str>) {
        let text = format!("{{metadata: {{name: a}}, status: {status}}}");
        let json: serde_json::Value = golang::yaml::from_str(&text, golang::yaml::Dialect::Lenient).unwrap();
        let pod: Pod = serde_json::from_value(json).unwrap();
        assert_eq!(of_pod(&pod).as_deref(), expected);
    }

    #[test]
    fn a_pod_tells_the_first_thing_that_is_wrong() {
        let container = |state: &str| {
            format!(
                "{{containerStatuses: [{{name: c, image: i, imageID: '', ready: false, restartCount: 0, state: {state}}}]}}"
            )
        };
        check("{}", None);
        check(&container("{waiting: {reason: ContainerCreating}}"), None);
        check(
            &container("{waiting: {reason: ImagePullBackOff, message: no such image}}"),
            Some("pod a, container c: ImagePullBackOff: no such image"),
        );
        check(
            &container("{terminated: {exitCode: 2}}"),
            Some("pod a, container c ended with 2: see its log"),
        );
        check(
            "{conditions: [{type: PodScheduled, status: 'False', message: 0/3 nodes}]}",
            Some("pod a is not scheduled: 0/3 nodes"),
        );
    }
}
