//! Where the Prometheus Operator finds the metrics of a component: a `PodMonitor` or a `ServiceMonitor`.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::cluster::kinds::{Kind, POD_MONITOR};
use crate::crd::common::Monitoring;
use crate::labels::{self, Component, Owner};
use crate::names;
use crate::pods::parts::METRICS;

/// Returns the monitor of one component of a resource, of `kind`; interval and labels are as `monitoring` says.
pub fn build(kind: &Kind, owner: &Owner, component: Component, monitoring: &Monitoring) -> DynamicObject {
    let mut endpoint = json!({"port": METRICS});
    // Agents differ by nothing but the node they are on.
    if component == Component::Agent {
        let node = json!([{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}]);
        insert(&mut endpoint, "relabelings", node);
    }
    if let Some(interval) = &monitoring.interval {
        insert(&mut endpoint, "interval", interval.as_str().into());
    }
    let endpoints = if *kind == POD_MONITOR {
        "podMetricsEndpoints"
    } else {
        "endpoints"
    };
    let name = names::derived(&owner.name, component.as_str());
    let mut object = DynamicObject::new(&name, &kind.resource()).data(json!({"spec": {
        "selector": {"matchLabels": labels::selector(component, &owner.name)},
        endpoints: [endpoint],
    }}));
    object.metadata = owner.meta(name, component);
    let labels = object.metadata.labels.get_or_insert_default();
    for (name, value) in &monitoring.labels {
        labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    object
}

fn insert(endpoint: &mut Value, name: &str, value: Value) {
    if let Some(fields) = endpoint.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
