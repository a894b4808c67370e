//! Where the Prometheus Operator finds the agents' metrics.

use kube::core::DynamicObject;
use serde_json::json;

use crate::cluster::kinds::POD_MONITOR;
use crate::labels::{self, Component};
use crate::log_processor::build::daemon_set::METRICS;
use crate::log_processor::validate::Validated;
use crate::names;

/// Returns the PodMonitor.
pub fn build(validated: &Validated) -> DynamicObject {
    let mut endpoint = json!({
        "port": METRICS,
        "relabelings": [{
            "sourceLabels": ["__meta_kubernetes_pod_node_name"],
            "targetLabel": "node",
        }],
    });
    if let (Some(fields), Some(interval)) = (endpoint.as_object_mut(), &validated.monitoring.interval) {
        fields.insert("interval".to_owned(), interval.as_str().into());
    }
    let spec = json!({
        "selector": {"matchLabels": labels::selector(Component::Agent, &validated.owner.name)},
        "podMetricsEndpoints": [endpoint],
    });
    let mut object = DynamicObject::new(&validated.name(names::AGENT), &POD_MONITOR.resource())
        .data(json!({"spec": spec}));
    let mut meta = validated
        .owner
        .meta(validated.name(names::AGENT), Component::Agent);
    let labels = meta.labels.get_or_insert_default();
    for (key, value) in &validated.monitoring.labels {
        labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    object.metadata = meta;
    object
}
