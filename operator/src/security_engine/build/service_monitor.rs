//! Where the Prometheus Operator finds the Local API's metrics.

use kube::core::DynamicObject;
use serde_json::json;

use crate::cluster::kinds::SERVICE_MONITOR;
use crate::labels::{self, Component};
use crate::names;
use crate::security_engine::build::deployment::METRICS;
use crate::security_engine::validate::Validated;

/// Returns the ServiceMonitor.
pub fn build(validated: &Validated) -> DynamicObject {
    let mut endpoint = json!({"port": METRICS});
    if let (Some(fields), Some(interval)) = (endpoint.as_object_mut(), &validated.monitoring.interval) {
        fields.insert("interval".to_owned(), interval.as_str().into());
    }
    let meta = super::meta(validated, names::LAPI);
    let mut object = DynamicObject::new(
        meta.name.as_deref().unwrap_or_default(),
        &SERVICE_MONITOR.resource(),
    )
    .data(json!({"spec": {
        "selector": {"matchLabels": labels::selector(Component::Lapi, &validated.owner.name)},
        "endpoints": [endpoint],
    }}));
    object.metadata = meta;
    let labels = object.metadata.labels.get_or_insert_default();
    for (name, value) in &validated.monitoring.labels {
        labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    object
}
