//! Third step: the objects of a LogProcessor, a file each; pure.

pub mod config_map;
pub mod daemon_set;
pub mod rbac;
pub mod secret;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::core::DynamicObject;

use crate::cluster::apply::{Desired, Error};
use crate::cluster::kinds::POD_MONITOR;
use crate::labels::Component;
use crate::log_processor::validate::Validated;
use crate::monitor;
use crate::names;
use crate::network::policy;

/// Returns all objects but the Secret, in the order they are applied: the DaemonSet after all that its pods need.
/// `key_mark` changes with the Secret's key, which agents read at their start.
pub fn build(validated: &Validated, key_mark: &str) -> Result<Vec<Desired>, Error> {
    let files = config_map::files(validated)?;
    let mut all = vec![Desired::of(&service_account(validated))?];
    for role in rbac::roles(validated) {
        all.push(Desired::of(&role)?);
    }
    for binding in rbac::bindings(validated) {
        all.push(Desired::of(&binding)?);
    }
    if let Some(peers) = &validated.peers {
        let meta = validated
            .owner
            .meta(validated.name(names::AGENT), Component::Agent);
        let policy = policy::build_policy(meta, Component::Agent, &validated.owner.name, peers);
        all.push(Desired::of(&policy)?);
    }
    all.push(Desired::of(&config_map::config(validated, &files))?);
    if validated.container_logs {
        all.push(Desired::of(&config_map::targets(validated)?)?);
    }
    all.push(Desired::of(&daemon_set::build(validated, &files, key_mark))?);
    if validated.pod_monitor {
        all.push(Desired::of_dynamic(&pod_monitor(validated))?);
    }
    Ok(all)
}

fn pod_monitor(validated: &Validated) -> DynamicObject {
    monitor::build(
        &POD_MONITOR,
        &validated.owner,
        Component::Agent,
        &validated.monitoring,
    )
}

fn service_account(validated: &Validated) -> ServiceAccount {
    ServiceAccount {
        metadata: validated
            .owner
            .meta(validated.name(names::AGENT), Component::Agent),
        // Pods that need the token ask for it themselves.
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

#[cfg(test)]
mod tests;
