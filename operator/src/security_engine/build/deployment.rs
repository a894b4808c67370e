//! The Local API's pod: one at a time, because the database is one file.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar,
    EnvVarSource, HTTPGetAction, LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretKeySelector,
    SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;
use sha2::{Digest as _, Sha256};

use crate::engine::ADMIN_TOKEN;
use crate::labels::{self, Component};
use crate::names;
use crate::network::{API_PORT, METRICS_PORT};
use crate::pods;
use crate::security_engine::build::config_map::CSCLI_PASSWORD;
use crate::security_engine::secret;
use crate::security_engine::validate::Validated;

/// Where the configuration is.
pub const CONFIG_DIR: &str = "/etc/crowdsec";
/// Where the database is.
pub const DATA_DIR: &str = "/var/lib/crowdsec/data";
/// Where the certificate is.
pub const TLS_DIR: &str = "/run/secrets/lapi-tls";
/// Name of the port of the Local API.
pub const API: &str = "api";
/// Name of the port of metrics and probes.
pub const METRICS: &str = "metrics";

/// User and group of the pod; the image's own.
const USER: i64 = 65532;

/// Returns the Deployment; `files` are what the Local API reads at its start.
pub fn build(validated: &Validated, files: &BTreeMap<String, String>) -> Deployment {
    let selector = labels::selector(Component::Lapi, &validated.owner.name);
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(selector.clone()),
            annotations: Some(BTreeMap::from([(labels::CONFIG_HASH.to_owned(), hash(files))])),
            ..ObjectMeta::default()
        }),
        spec: Some(pod(validated)),
    };
    validated.overlay.lay(&mut template);
    Deployment {
        metadata: super::meta(validated, names::LAPI),
        spec: Some(DeploymentSpec {
            replicas: Some(validated.replicas),
            selector: LabelSelector {
                match_labels: Some(selector),
                match_expressions: None,
            },
            strategy: Some(DeploymentStrategy {
                type_: Some("Recreate".to_owned()),
                rolling_update: None,
            }),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// Returns a hash of all files with their names.
fn hash(files: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    for (name, text) in files {
        digest.update(name.len().to_le_bytes());
        digest.update(name);
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    hex::encode(digest.finalize()).chars().take(16).collect()
}

fn pod(validated: &Validated) -> PodSpec {
    let pull_secrets = validated
        .pull_secrets
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        service_account_name: Some(validated.name(names::LAPI)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: (!validated.pull_secrets.is_empty()).then(|| pull_secrets.collect()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            // A large volume is not walked through at each start.
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(validated)],
        volumes: Some(volumes(validated)),
        ..PodSpec::default()
    }
}

fn container(validated: &Validated) -> Container {
    let mut mounts = vec![
        mount("config", CONFIG_DIR, true),
        mount("data", DATA_DIR, false),
        mount("tmp", "/tmp", false),
    ];
    if validated.tls {
        mounts.push(mount("tls", TLS_DIR, true));
    }
    Container {
        name: "crowdsec".to_owned(),
        image: Some(validated.image.clone()),
        image_pull_policy: validated.pull_policy.map(|policy| policy.as_str().to_owned()),
        command: Some(
            [
                "/usr/local/bin/crowdsec",
                "-c",
                "/etc/crowdsec/config.yaml",
                "-no-cs",
            ]
            .map(str::to_owned)
            .into(),
        ),
        env: Some(vec![
            from_secret(validated, "CS_LAPI_ADMIN_TOKEN", ADMIN_TOKEN),
            from_secret(validated, "CS_LAPI_SECRET", secret::SIGNING),
            from_secret(validated, CSCLI_PASSWORD, secret::CSCLI_PASSWORD),
            pods::debug(&validated.monitoring),
        ]),
        ports: Some(vec![port(API, API_PORT), port(METRICS, METRICS_PORT)]),
        resources: Some(validated.resources.clone().unwrap_or_else(least)),
        // A large database is brought into memory before the first answer.
        startup_probe: Some(Probe {
            period_seconds: Some(1),
            failure_threshold: Some(600),
            ..probe("/livez")
        }),
        liveness_probe: Some(Probe {
            period_seconds: Some(10),
            failure_threshold: Some(6),
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
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

fn volumes(validated: &Validated) -> Vec<Volume> {
    let mut all = vec![
        Volume {
            config_map: Some(ConfigMapVolumeSource {
                name: validated.name(names::LAPI),
                ..ConfigMapVolumeSource::default()
            }),
            ..volume("config")
        },
        Volume {
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: validated.claim(),
                read_only: None,
            }),
            ..volume("data")
        },
        Volume {
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..volume("tmp")
        },
    ];
    if validated.tls {
        all.push(Volume {
            secret: Some(SecretVolumeSource {
                secret_name: Some(validated.name(names::LAPI_TLS)),
                default_mode: Some(0o440),
                // The authority's own key is for the operator alone.
                items: Some(
                    ["ca.crt", "tls.crt", "tls.key"]
                        .map(|key| k8s_openapi::api::core::v1::KeyToPath {
                            key: key.to_owned(),
                            path: key.to_owned(),
                            mode: None,
                        })
                        .into(),
                ),
                ..SecretVolumeSource::default()
            }),
            ..volume("tls")
        });
    }
    all
}

/// What an idle Local API takes; a limit of memory is for who knows their lists.
fn least() -> ResourceRequirements {
    ResourceRequirements {
        requests: Some(BTreeMap::from([
            ("cpu".to_owned(), Quantity("10m".to_owned())),
            ("memory".to_owned(), Quantity("64Mi".to_owned())),
        ])),
        ..ResourceRequirements::default()
    }
}

fn from_secret(validated: &Validated, name: &str, key: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: validated.name(names::LAPI),
                key: key.to_owned(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
    }
}

fn volume(name: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        ..Volume::default()
    }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
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
