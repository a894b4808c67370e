//! The pods of the Service that ingress controllers ask: no rights at all, the key as a file that is read again.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{
    Container, PodSpec, PodTemplateSpec, Probe, SecretVolumeSource, TopologySpreadConstraint, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::ObjectMeta;

use crate::bouncer::build::secret::{API_KEY, CA};
use crate::bouncer::validate::{ForwardAuth, Validated};
use crate::crd::bouncer::FailurePolicy;
use crate::labels::{self, Component};
use crate::names;
use crate::network::{API_PORT, METRICS_PORT};
use crate::pods::parts;

/// Where the Secret is.
const SECRETS: &str = "/run/secrets/bouncer";
/// Time in which every ingress controller learns that a pod ends.
const DRAIN: &str = "5s";
/// Name of the port that is asked.
pub const HTTP: &str = "http";

/// Returns the Deployment.
pub fn build(validated: &Validated, service: &ForwardAuth) -> Deployment {
    let selector = labels::selector(Component::ForwardAuth, &validated.owner.name);
    Deployment {
        metadata: super::meta(validated),
        spec: Some(DeploymentSpec {
            replicas: Some(service.replicas),
            selector: matching(&selector),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(selector.clone()),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(validated, service, &selector)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn pod(validated: &Validated, service: &ForwardAuth, selector: &BTreeMap<String, String>) -> PodSpec {
    PodSpec {
        service_account_name: Some(validated.name(names::FORWARD_AUTH)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: parts::pull_secrets(&service.pull_secrets),
        security_context: Some(parts::own_user()),
        // Ingress controllers ask for each request: one node's loss must not take the answers away.
        topology_spread_constraints: Some(vec![TopologySpreadConstraint {
            max_skew: 1,
            topology_key: "kubernetes.io/hostname".to_owned(),
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(matching(selector)),
            ..TopologySpreadConstraint::default()
        }]),
        containers: vec![container(validated, service)],
        volumes: Some(vec![Volume {
            secret: Some(SecretVolumeSource {
                secret_name: Some(validated.name(names::BOUNCER)),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..parts::volume("bouncer")
        }]),
        ..PodSpec::default()
    }
}

fn container(validated: &Validated, service: &ForwardAuth) -> Container {
    Container {
        name: "forward-auth".to_owned(),
        image: Some(service.image.clone()),
        image_pull_policy: service.pull_policy.map(|policy| policy.as_str().to_owned()),
        command: Some(vec![
            "/usr/local/bin/crowdsec".to_owned(),
            "forward-auth".to_owned(),
        ]),
        args: Some(arguments(validated, service)),
        ports: Some(vec![
            parts::port(HTTP, API_PORT),
            parts::port(parts::METRICS, METRICS_PORT),
        ]),
        resources: Some(
            service
                .resources
                .clone()
                .unwrap_or_else(|| parts::requests("10m", "32Mi")),
        ),
        liveness_probe: Some(Probe {
            period_seconds: Some(10),
            ..parts::probe("/livez")
        }),
        readiness_probe: Some(Probe {
            period_seconds: Some(2),
            ..parts::probe("/readyz")
        }),
        security_context: Some(parts::unprivileged()),
        volume_mounts: Some(vec![parts::mount("bouncer", SECRETS, true)]),
        ..Container::default()
    }
}

fn arguments(validated: &Validated, service: &ForwardAuth) -> Vec<String> {
    let failure = match service.failure_policy {
        FailurePolicy::Open => "allow",
        FailurePolicy::Closed => "deny",
    };
    let mut all = vec![
        "--lapi-url".to_owned(),
        validated.url.clone(),
        "--api-key-file".to_owned(),
        format!("{SECRETS}/{API_KEY}"),
        "--on-failure".to_owned(),
        failure.to_owned(),
        "--deny-status".to_owned(),
        service.deny_status.to_string(),
        "--update-interval".to_owned(),
        service.update_interval.clone(),
        "--drain".to_owned(),
        DRAIN.to_owned(),
    ];
    if !service.trusted_proxies.is_empty() {
        all.extend(["--trusted-proxies".to_owned(), service.trusted_proxies.join(",")]);
    }
    if validated.ca.is_some() {
        all.extend(["--ca-file".to_owned(), format!("{SECRETS}/{CA}")]);
    }
    all
}

fn matching(labels: &BTreeMap<String, String>) -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels.clone()),
        match_expressions: None,
    }
}
