//! Third step: the objects of a Bouncer, a file each; pure.

pub mod deployment;
pub mod middleware;
pub mod secret;
pub mod service;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::core::DynamicObject;

use crate::bouncer::validate::{ForwardAuth, Validated};
use crate::cluster::apply::{Desired, Error};
use crate::cluster::kinds::POD_MONITOR;
use crate::labels::Component;
use crate::monitor;
use crate::names;
use crate::network::policy;

/// Which optional kinds the cluster serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Traefik's Middleware.
    pub middleware: bool,
    /// The Prometheus Operator's PodMonitor.
    pub pod_monitor: bool,
}

/// Returns all objects but the Secrets, in the order they are applied: the Deployment after all that its pods need.
pub fn build(validated: &Validated, served: Served) -> Result<Vec<Desired>, Error> {
    let Some(service) = &validated.forward_auth else {
        return Ok(Vec::new());
    };
    let mut all = vec![Desired::of(&service_account(validated))?];
    if let Some(peers) = &service.peers {
        let policy = policy::build_policy(
            meta(validated),
            Component::ForwardAuth,
            &validated.owner.name,
            peers,
        );
        all.push(Desired::of(&policy)?);
    }
    all.push(Desired::of(&service::build(validated))?);
    all.push(Desired::of(&deployment::build(validated, service))?);
    if wants_pod_monitor(service, served) {
        all.push(Desired::of_dynamic(&pod_monitor(validated, service))?);
    }
    if validated.wants_middleware && served.middleware {
        all.push(Desired::of_dynamic(&middleware::build(validated))?);
    }
    Ok(all)
}

fn wants_pod_monitor(service: &ForwardAuth, served: Served) -> bool {
    service.monitoring.enabled && served.pod_monitor
}

fn pod_monitor(validated: &Validated, service: &ForwardAuth) -> DynamicObject {
    monitor::build(
        &POD_MONITOR,
        &validated.owner,
        Component::ForwardAuth,
        &service.monitoring,
    )
}

fn meta(validated: &Validated) -> kube::core::ObjectMeta {
    validated
        .owner
        .meta(validated.name(names::FORWARD_AUTH), Component::ForwardAuth)
}

fn service_account(validated: &Validated) -> ServiceAccount {
    ServiceAccount {
        metadata: meta(validated),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

#[cfg(test)]
mod tests;
