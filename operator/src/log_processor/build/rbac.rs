//! What the agents may read of the API: their targets, and pods where an Acquisition was accepted.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{Role, RoleBinding, RoleRef, Subject};
use kube::core::ObjectMeta;

use crate::labels::Component;
use crate::log_processor::validate::Validated;
use crate::names;
use crate::rules;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Returns one role for each place of [`places`].
pub fn roles(validated: &Validated) -> Vec<Role> {
    let own = validated.container_logs.then(|| Role {
        metadata: own_meta(validated),
        rules: Some(vec![
            rules::AGENT_TARGETS.rule(&[validated.name(names::AGENT_TARGETS)]),
        ]),
    });
    let elsewhere = places(validated).into_iter().map(|namespace| Role {
        metadata: meta_in(validated, namespace),
        rules: Some(vec![rules::AGENT_PODS.rule(&[])]),
    });
    own.into_iter().chain(elsewhere).collect()
}

/// Returns a binding to the agents for each role.
pub fn bindings(validated: &Validated) -> Vec<RoleBinding> {
    roles(validated)
        .into_iter()
        .map(|role| RoleBinding {
            role_ref: RoleRef {
                api_group: GROUP.to_owned(),
                kind: "Role".to_owned(),
                name: role.metadata.name.clone().unwrap_or_default(),
            },
            metadata: role.metadata,
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".to_owned(),
                name: validated.name(names::AGENT),
                namespace: Some(validated.owner.namespace.clone()),
                api_group: None,
            }]),
        })
        .collect()
}

/// Returns the namespaces whose pods are read.
fn places(validated: &Validated) -> BTreeSet<&str> {
    validated
        .targets
        .iter()
        .map(|target| target.namespace.as_str())
        .collect()
}

fn own_meta(validated: &Validated) -> ObjectMeta {
    validated
        .owner
        .meta(validated.name(names::AGENT), Component::Agent)
}

/// An owner reference does not reach into another namespace; there the finalizer deletes.
fn meta_in(validated: &Validated, namespace: &str) -> ObjectMeta {
    let owner = &validated.owner;
    let name = names::derived(&format!("{}.{}", owner.namespace, owner.name), names::AGENT);
    let mut meta = if namespace == owner.namespace {
        owner.meta(name, Component::Agent)
    } else {
        owner.kept_meta(name, Component::Agent)
    };
    meta.namespace = Some(namespace.to_owned());
    meta
}
