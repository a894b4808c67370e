//! Where the Prometheus Operator finds the metrics of the Service's pods.

use kube::core::DynamicObject;
use serde_json::json;

use crate::bouncer::build::deployment::METRICS;
use crate::bouncer::validate::{ForwardAuth, Validated};
use crate::cluster::kinds::POD_MONITOR;
use crate::labels::{self, Component};

/// Returns the PodMonitor, with interval and labels as the engine's `monitoring` says.
pub fn build(validated: &Validated, service: &ForwardAuth) -> DynamicObject {
    let mut endpoint = json!({"port": METRICS});
    if let (Some(fields), Some(interval)) = (endpoint.as_object_mut(), &service.monitoring.interval) {
        fields.insert("interval".to_owned(), interval.as_str().into());
    }
    let meta = super::meta(validated);
    let mut object = DynamicObject::new(meta.name.as_deref().unwrap_or_default(), &POD_MONITOR.resource())
        .data(json!({"spec": {
            "selector": {"matchLabels": labels::selector(Component::ForwardAuth, &validated.owner.name)},
            "podMetricsEndpoints": [endpoint],
        }}));
    object.metadata = meta;
    let labels = object.metadata.labels.get_or_insert_default();
    for (name, value) in &service.monitoring.labels {
        labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    object
}
