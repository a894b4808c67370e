//! Second step: from what was written and observed to what is meant, everything defaulted; pure.

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::cluster::store::Key;
use crate::context::Defaults;
use crate::crd::SecurityEngine;
use crate::crd::bouncer::IntegrationType;
use crate::crd::common::{self, AllowedFrom, ImagePullPolicy, Monitoring};
use crate::crd::security_engine::TlsMode;
use crate::labels::{self, Component, Owner};
use crate::names;
use crate::network::Peer;
use crate::network::policy::{Peers, any_prometheus, named, pods_in};
use crate::overlay::Overlay;
use crate::problem::Problem;
use crate::security_engine::observe::{BouncerSeen, Observed};

/// Size of the claim when the spec says none.
const SIZE: &str = "1Gi";

/// A SecurityEngine that can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    /// The resource.
    pub owner: Owner,
    /// Image.
    pub image: String,
    /// When it is pulled.
    pub pull_policy: Option<ImagePullPolicy>,
    /// Secrets with registry credentials.
    pub pull_secrets: Vec<String>,
    /// Number of pods, 0 or 1.
    pub replicas: i32,
    /// Requests and limits.
    pub resources: Option<ResourceRequirements>,
    /// The volume.
    pub storage: Storage,
    /// Largest number of alerts.
    pub max_items: i32,
    /// Greatest age of alerts, as Go writes durations with days.
    pub max_age: String,
    /// Whether the port speaks TLS.
    pub tls: bool,
    /// Metrics.
    pub monitoring: Monitoring,
    /// Whether a ServiceMonitor is made.
    pub service_monitor: bool,
    /// Peers of the pods; none without a policy.
    pub peers: Option<Peers>,
    /// What is laid over the pods.
    pub overlay: Overlay,
}

/// Where the database lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Storage {
    /// A claim that is made.
    Made {
        /// Its size.
        size: Quantity,
        /// Its class; the cluster's default when none.
        class: Option<String>,
    },
    /// A claim that exists.
    Existing(String),
}

/// Takes an engine for what it means; all that cannot be carried out is told at once.
pub fn validate(
    engine: &SecurityEngine,
    observed: &Observed,
    defaults: &Defaults,
) -> Result<Validated, Vec<Problem>> {
    let spec = &engine.spec;
    let mut problems = Vec::new();
    if let Err(error) = golang::duration::Duration::parse_days(&spec.retention.max_age) {
        problems.push(Problem::new(
            "retention.maxAge",
            error.to_string(),
            "write it as 7d or 36h",
        ));
    }
    let allowed = &spec.allowed_namespaces;
    if allowed.from == AllowedFrom::Selector
        && let Some(selector) = &allowed.selector
        && kube::core::Selector::try_from(selector.clone()).is_err()
    {
        let cure = "use the operators In, NotIn, Exists and DoesNotExist";
        problems.push(Problem::new(
            "allowedNamespaces.selector",
            "it is no label selector",
            cure,
        ));
    }
    let overlay = Overlay::of(&spec.pod_template).unwrap_or_else(|wrong| {
        problems.extend(wrong);
        Overlay::default()
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let storage = match &spec.storage.existing_claim {
        Some(claim) => Storage::Existing(claim.clone()),
        None => Storage::Made {
            size: spec
                .storage
                .size
                .clone()
                .unwrap_or_else(|| Quantity(SIZE.to_owned())),
            class: spec.storage.storage_class_name.clone(),
        },
    };
    Ok(Validated {
        owner: Owner::of(engine),
        image: spec.image.clone().unwrap_or_else(|| defaults.image.clone()),
        pull_policy: spec.image_pull_policy.or(defaults.image_pull_policy),
        pull_secrets: defaults.image_pull_secrets.clone(),
        replicas: spec.replicas,
        resources: spec.resources.clone(),
        storage,
        max_items: spec.retention.max_items,
        max_age: spec.retention.max_age.clone(),
        tls: spec.tls.mode == TlsMode::SelfManaged,
        monitoring: spec.monitoring.clone(),
        service_monitor: spec.monitoring.enabled && observed.serves_service_monitor,
        peers: spec.network_policy.enabled.then(|| peers(engine, observed)),
        overlay,
    })
}

impl Validated {
    /// Returns the name of an object of this engine.
    pub fn name(&self, part: &str) -> String {
        names::derived(&self.owner.name, part)
    }

    /// Returns the claim that the pods mount.
    pub fn claim(&self) -> String {
        match &self.storage {
            Storage::Made { .. } => self.name(names::LAPI_DATA),
            Storage::Existing(claim) => claim.clone(),
        }
    }
}

fn peers(engine: &SecurityEngine, observed: &Observed) -> Peers {
    let policy = &engine.spec.network_policy;
    let namespace = Key::of(engine).namespace;
    let mut peers = Peers {
        extra_ingress: policy.extra_ingress.clone(),
        extra_egress: policy.extra_egress.clone(),
        ..Peers::default()
    };
    let operator = [(labels::KEY_NAME.to_owned(), labels::OPERATOR.to_owned())];
    peers.add(
        Peer::Operator,
        pods_in(&observed.operator_namespace, operator.into()),
    );
    for agents in &observed.processors {
        peers.add(
            Peer::Agents,
            pods_in(
                &agents.namespace,
                labels::selector(Component::Agent, &agents.name),
            ),
        );
    }
    for bouncer in &observed.bouncers {
        peers.add(Peer::Bouncers, bouncer_peer(bouncer));
    }
    let prometheus = policy.prometheus.as_ref();
    peers.add(
        Peer::Prometheus,
        prometheus.map_or_else(any_prometheus, |peer| named(peer, &namespace)),
    );
    peers
}

/// Returns who pulls decisions with a Bouncer's key.
fn bouncer_peer(bouncer: &BouncerSeen) -> k8s_openapi::api::networking::v1::NetworkPolicyPeer {
    let Key { namespace, name } = &bouncer.key;
    if bouncer.integration != IntegrationType::None {
        return pods_in(namespace, labels::selector(Component::ForwardAuth, name));
    }
    match &bouncer.network_peer {
        Some(peer) => named(peer, namespace),
        None => named(&common::Peer::default(), namespace),
    }
}

#[cfg(test)]
mod tests {
    use crate::security_engine::fixtures::{defaults, engine, observed};

    use super::*;

    #[track_caller]
    fn check(spec: &str, expected: &[&str]) {
        let outcome = validate(&engine(spec), &observed(), &defaults());
        let problems: Vec<String> = outcome
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(problems, expected, "{spec}");
    }

    #[test]
    fn every_fault_is_told_with_its_field_and_cure() {
        check("{}", &[]);
        check(
            "podTemplate: {spec: {hostNetwrok: true}}",
            &["spec.podTemplate.spec.hostNetwrok: there is no such field; see kubectl explain pod.spec"],
        );
        check(
            "allowedNamespaces: {from: Selector, selector: {matchExpressions: [{key: a, operator: Like, values: [b]}]}}",
            &[
                "spec.allowedNamespaces.selector: it is no label selector; use the operators In, NotIn, Exists and DoesNotExist",
            ],
        );
    }

    #[test]
    fn an_empty_spec_is_a_whole_installation() {
        let validated = validate(&engine("{}"), &observed(), &defaults()).unwrap();
        assert_eq!(validated.replicas, 1);
        assert_eq!(validated.claim(), "main-lapi-data");
        assert!(validated.peers.is_some() && !validated.tls);
    }
}
