//! The Local API's pod: one at a time, because the database is one file.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{
    Container, EnvVar, EnvVarSource, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, SecretKeySelector, SecretVolumeSource, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::ObjectMeta;

use crate::engine::ADMIN_TOKEN;
use crate::labels::{self, Component};
use crate::names;
use crate::network::{API_PORT, METRICS_PORT};
use crate::pods::{self, parts};
use crate::security_engine::secret;
use crate::security_engine::validate::Validated;

/// Where the configuration is.
pub const CONFIG_DIR: &str = "/etc/crowdsec";
/// Where the database is.
pub const DATA_DIR: &str = "/var/lib/crowdsec/data";
/// Where the certificate is.
pub const TLS_DIR: &str = "/run/secrets/lapi-tls";
/// Variable with the password of `cscli`.
pub const CSCLI_PASSWORD: &str = "CSCLI_PASSWORD";
/// Name of the port of the Local API.
pub const API: &str = "api";

/// Returns the Deployment; `files` are what the Local API reads at its start.
pub fn build(validated: &Validated, files: &BTreeMap<String, String>) -> Deployment {
    let selector = labels::selector(Component::Lapi, &validated.owner.name);
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(selector.clone()),
            annotations: Some(BTreeMap::from([(
                labels::CONFIG_HASH.to_owned(),
                parts::hash("", files),
            )])),
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

fn pod(validated: &Validated) -> PodSpec {
    PodSpec {
        service_account_name: Some(validated.name(names::LAPI)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: parts::pull_secrets(&validated.pull_secrets),
        security_context: Some(PodSecurityContext {
            // A large volume is not walked through at each start.
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            ..parts::own_user()
        }),
        containers: vec![container(validated)],
        volumes: Some(volumes(validated)),
        ..PodSpec::default()
    }
}

fn container(validated: &Validated) -> Container {
    let mut mounts = vec![
        parts::mount("config", CONFIG_DIR, true),
        parts::mount("data", DATA_DIR, false),
        parts::mount("tmp", "/tmp", false),
    ];
    if validated.tls {
        mounts.push(parts::mount("tls", TLS_DIR, true));
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
        ports: Some(vec![
            parts::port(API, API_PORT),
            parts::port(parts::METRICS, METRICS_PORT),
        ]),
        resources: Some(
            validated
                .resources
                .clone()
                .unwrap_or_else(|| parts::requests("10m", "64Mi")),
        ),
        // A large database is brought into memory before the first answer.
        startup_probe: Some(Probe {
            period_seconds: Some(1),
            failure_threshold: Some(600),
            ..parts::probe("/livez")
        }),
        liveness_probe: Some(Probe {
            period_seconds: Some(10),
            failure_threshold: Some(6),
            ..parts::probe("/livez")
        }),
        readiness_probe: Some(Probe {
            period_seconds: Some(2),
            ..parts::probe("/readyz")
        }),
        security_context: Some(parts::unprivileged()),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

fn volumes(validated: &Validated) -> Vec<Volume> {
    let mut all = vec![
        parts::config_map("config", validated.name(names::LAPI)),
        Volume {
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: validated.claim(),
                read_only: None,
            }),
            ..parts::volume("data")
        },
        parts::empty_dir("tmp"),
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
            ..parts::volume("tls")
        });
    }
    all
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
