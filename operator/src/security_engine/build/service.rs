//! The Services of the Local API: one for bouncers and agents, one for Prometheus.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::labels::{self, Component};
use crate::names;
use crate::network::{API_PORT, METRICS_PORT};
use crate::pods::parts::METRICS;
use crate::security_engine::build::deployment::API;
use crate::security_engine::validate::Validated;

/// Returns the Service on 8080.
pub fn api(validated: &Validated) -> Service {
    service(validated, names::LAPI, API, API_PORT)
}

/// Returns the Service on 6060; a Service of its own, so that whoever may use the one need not see the other.
pub fn metrics(validated: &Validated) -> Service {
    service(validated, names::LAPI_METRICS, METRICS, METRICS_PORT)
}

fn service(validated: &Validated, part: &str, port: &str, number: i32) -> Service {
    Service {
        metadata: super::meta(validated, part),
        spec: Some(ServiceSpec {
            selector: Some(labels::selector(Component::Lapi, &validated.owner.name)),
            ports: Some(vec![ServicePort {
                name: Some(port.to_owned()),
                port: number,
                target_port: Some(IntOrString::String(port.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
