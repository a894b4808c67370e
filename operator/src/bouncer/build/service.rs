//! The Service that ingress controllers ask.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::bouncer::build::deployment::HTTP;
use crate::bouncer::validate::Validated;
use crate::labels::{self, Component};
use crate::network::API_PORT;

/// Returns the Service.
pub fn build(validated: &Validated) -> Service {
    Service {
        metadata: super::meta(validated),
        spec: Some(ServiceSpec {
            selector: Some(labels::selector(Component::ForwardAuth, &validated.owner.name)),
            ports: Some(vec![ServicePort {
                name: Some(HTTP.to_owned()),
                port: API_PORT,
                target_port: Some(IntOrString::String(HTTP.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
