//! Third step: the objects of an engine, a file each; pure.

pub mod claim;
pub mod config_map;
pub mod deployment;
pub mod service;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::core::DynamicObject;

use crate::cluster::apply::{Desired, Error};
use crate::cluster::kinds::SERVICE_MONITOR;
use crate::labels::Component;
use crate::monitor;
use crate::names;
use crate::network::policy;
use crate::security_engine::validate::{Storage, Validated};

/// Returns all objects but the Secrets, in the order they are applied: the Deployment after all that its pods need.
pub fn build(validated: &Validated) -> Result<Vec<Desired>, Error> {
    let files = config_map::files(validated)?;
    let mut all = vec![Desired::of(&service_account(validated))?];
    if let Some(peers) = &validated.peers {
        let meta = meta(validated, names::LAPI);
        let policy = policy::build_policy(meta, Component::Lapi, &validated.owner.name, peers);
        all.push(Desired::of(&policy)?);
    }
    if let Storage::Made { size, class } = &validated.storage {
        all.push(Desired::of(&claim::build(validated, size, class.as_deref()))?);
    }
    all.push(Desired::of(&config_map::build(validated, &files))?);
    all.push(Desired::of(&service::api(validated))?);
    all.push(Desired::of(&service::metrics(validated))?);
    all.push(Desired::of(&deployment::build(validated, &files))?);
    if validated.service_monitor {
        all.push(Desired::of_dynamic(&service_monitor(validated))?);
    }
    Ok(all)
}

fn meta(validated: &Validated, part: &str) -> kube::core::ObjectMeta {
    validated.owner.meta(validated.name(part), Component::Lapi)
}

fn service_monitor(validated: &Validated) -> DynamicObject {
    monitor::build(
        &SERVICE_MONITOR,
        &validated.owner,
        Component::Lapi,
        &validated.monitoring,
    )
}

fn service_account(validated: &Validated) -> ServiceAccount {
    ServiceAccount {
        metadata: meta(validated, names::LAPI),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

#[cfg(test)]
mod tests;
