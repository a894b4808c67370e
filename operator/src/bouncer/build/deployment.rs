//! The pods of the Service that ingress controllers ask: no rights at all, the key as a file that is read again.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, HTTPGetAction, LocalObjectReference, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretVolumeSource, SecurityContext,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;

use crate::bouncer::build::secret::{API_KEY, CA};
use crate::bouncer::validate::{ForwardAuth, Validated};
use crate::crd::bouncer::FailurePolicy;
use crate::labels::{self, Component};
use crate::names;
use crate::network::{API_PORT, METRICS_PORT};

/// Where the Secret is.
const SECRETS: &str = "/run/secrets/bouncer";
/// User and group of the pods; the image's own.
const USER: i64 = 65532;
/// Name of the port that is asked.
pub const HTTP: &str = "http";
/// Name of the port of metrics and probes.
pub const METRICS: &str = "metrics";

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
    let pull_secrets = service
        .pull_secrets
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        service_account_name: Some(validated.name(names::FORWARD_AUTH)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: (!service.pull_secrets.is_empty()).then(|| pull_secrets.collect()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
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
            name: "bouncer".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(validated.name(names::BOUNCER)),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
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
        ports: Some(vec![port(HTTP, API_PORT), port(METRICS, METRICS_PORT)]),
        resources: Some(service.resources.clone().unwrap_or_else(least)),
        liveness_probe: Some(Probe {
            period_seconds: Some(10),
            ..probe("/livez")
        }),
        readiness_probe: Some(Probe {
            period_seconds: Some(2),
            ..probe("/readyz")
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities {
                add: None,
                drop: Some(vec!["ALL".to_owned()]),
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: "bouncer".to_owned(),
            mount_path: SECRETS.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        }]),
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
    ];
    if !service.trusted_proxies.is_empty() {
        all.extend(["--trusted-proxies".to_owned(), service.trusted_proxies.join(",")]);
    }
    if validated.ca.is_some() {
        all.extend(["--ca-file".to_owned(), format!("{SECRETS}/{CA}")]);
    }
    all
}

/// What it takes when nobody asks; a limit of memory is for who knows their lists.
fn least() -> ResourceRequirements {
    ResourceRequirements {
        requests: Some(BTreeMap::from([
            ("cpu".to_owned(), Quantity("10m".to_owned())),
            ("memory".to_owned(), Quantity("32Mi".to_owned())),
        ])),
        ..ResourceRequirements::default()
    }
}

fn matching(labels: &BTreeMap<String, String>) -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels.clone()),
        match_expressions: None,
    }
}

fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(METRICS.to_owned()),
            ..HTTPGetAction::default()
        }),
        ..Probe::default()
    }
}
