//! The agents' pods: root without any capability, because the logs belong to root; everything but their state read-only.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{
    Container, EnvVar, EnvVarSource, HostPathVolumeSource, ObjectFieldSelector, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, SELinuxOptions, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::ObjectMeta;

use crate::labels::{self, Component};
use crate::log_processor::validate::Validated;
use crate::names;
use crate::network::METRICS_PORT;
use crate::pods::{self, parts};

/// Where the configuration is.
pub const CONFIG_DIR: &str = "/etc/crowdsec";
/// Where positions, the outbox and data files are.
pub const DATA_DIR: &str = "/var/lib/crowdsec/data";
/// Where parsers and scenarios are.
pub const HUB_DIR: &str = "/var/lib/crowdsec/hub";
/// Where the node's folder of container logs is.
pub const POD_LOGS: &str = "/var/log/pods";
/// Key of the Secret.
pub const KEY: &str = "machine-key";
/// Where the Secret is.
const KEY_DIR: &str = "/run/secrets/machine";
/// The file with that key.
pub const KEY_FILE: &str = "/run/secrets/machine/machine-key";
/// The file with the certificate authority of the Local API.
pub const CA_FILE: &str = "/etc/crowdsec/lapi-ca.crt";

/// Name of the container that works.
const CONTAINER: &str = "crowdsec";
/// The group that may read the node's log of log-ins on Debian and its relatives.
const ADM: i64 = 4;
/// State of the agents on their nodes; the operator's name is in it, so that nothing else is met there.
const STATE: &str = "/var/lib/crowdsec-operator";

/// Returns the DaemonSet; `files` and the key behind `key_mark` are what an agent reads at its start.
pub fn build(validated: &Validated, files: &BTreeMap<String, String>, key_mark: &str) -> DaemonSet {
    let selector = labels::selector(Component::Agent, &validated.owner.name);
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(selector.clone()),
            annotations: Some(BTreeMap::from([(
                labels::CONFIG_HASH.to_owned(),
                parts::hash(key_mark, files),
            )])),
            ..ObjectMeta::default()
        }),
        spec: Some(pod(validated)),
    };
    validated.overlay.lay(&mut template);
    DaemonSet {
        metadata: validated
            .owner
            .meta(validated.name(names::AGENT), Component::Agent),
        spec: Some(DaemonSetSpec {
            selector: LabelSelector {
                match_labels: Some(selector),
                match_expressions: None,
            },
            update_strategy: validated.scheduling.update_strategy.clone(),
            template,
            ..DaemonSetSpec::default()
        }),
        status: None,
    }
}

fn pod(validated: &Validated) -> PodSpec {
    let scheduling = &validated.scheduling;
    PodSpec {
        service_account_name: Some(validated.name(names::AGENT)),
        automount_service_account_token: Some(validated.container_logs),
        enable_service_links: Some(false),
        security_context: Some(pod_security(validated.se_linux_type.as_deref())),
        init_containers: Some(installers(validated)),
        containers: vec![agent(validated)],
        volumes: Some(volumes(validated)),
        node_selector: (!scheduling.node_selector.is_empty()).then(|| scheduling.node_selector.clone()),
        affinity: scheduling.affinity.clone(),
        image_pull_secrets: parts::pull_secrets(&validated.pull_secrets),
        tolerations: (!scheduling.tolerations.is_empty()).then(|| scheduling.tolerations.clone()),
        priority_class_name: scheduling.priority_class.clone(),
        ..PodSpec::default()
    }
}

fn pod_security(se_linux_type: Option<&str>) -> PodSecurityContext {
    PodSecurityContext {
        run_as_user: Some(0),
        run_as_group: Some(0),
        supplemental_groups: Some(vec![ADM]),
        seccomp_profile: Some(parts::runtime_default()),
        se_linux_options: se_linux_type.map(|type_| SELinuxOptions {
            type_: Some(type_.to_owned()),
            ..SELinuxOptions::default()
        }),
        ..PodSecurityContext::default()
    }
}

fn agent(validated: &Validated) -> Container {
    Container {
        name: CONTAINER.to_owned(),
        command: Some(words(&[
            "/usr/local/bin/crowdsec",
            "-c",
            &format!("{CONFIG_DIR}/config.yaml"),
            "-no-api",
        ])),
        ports: Some(vec![parts::port(parts::METRICS, METRICS_PORT)]),
        // The first log-in waits for the operator to register the machine, so a start may take a while.
        startup_probe: Some(Probe {
            failure_threshold: Some(300),
            period_seconds: Some(2),
            ..parts::probe("/livez")
        }),
        liveness_probe: Some(Probe {
            failure_threshold: Some(6),
            period_seconds: Some(10),
            ..parts::probe("/livez")
        }),
        readiness_probe: Some(Probe {
            period_seconds: Some(5),
            ..parts::probe("/readyz")
        }),
        env: Some(vec![
            from_field("NODE_NAME", "spec.nodeName"),
            from_field("POD_NAME", "metadata.name"),
            from_field("POD_NAMESPACE", "metadata.namespace"),
            pods::debug(&validated.monitoring),
        ]),
        volume_mounts: Some(mounts(&["config", "hub", "data", "machine", "logs", "tmp"])),
        ..container(validated)
    }
}

/// One container for each run of `cscli`; a run finds what was installed before and adds to it.
fn installers(validated: &Validated) -> Vec<Container> {
    let config = format!("{CONFIG_DIR}/config.yaml");
    validated
        .hub
        .steps
        .iter()
        .map(|(name, arguments)| {
            let mut command = words(&["/usr/local/bin/cscli", "-c", &config]);
            command.extend(arguments.iter().cloned());
            Container {
                name: (*name).to_owned(),
                command: Some(command),
                volume_mounts: Some(mounts(&["config", "hub", "data", "tmp"])),
                ..container(validated)
            }
        })
        .collect()
}

/// What all containers of the pod have in common.
fn container(validated: &Validated) -> Container {
    Container {
        image: Some(validated.image.clone()),
        image_pull_policy: validated.pull_policy.map(|policy| policy.as_str().to_owned()),
        resources: Some(
            validated
                .resources
                .clone()
                .unwrap_or_else(|| parts::requests("10m", "64Mi")),
        ),
        security_context: Some(SecurityContext {
            privileged: Some(false),
            ..parts::unprivileged()
        }),
        ..Container::default()
    }
}

fn volumes(validated: &Validated) -> Vec<Volume> {
    let owner = &validated.owner;
    vec![
        parts::config_map("config", validated.name(names::AGENT)),
        parts::empty_dir("hub"),
        Volume {
            host_path: Some(HostPathVolumeSource {
                path: format!("{STATE}/{}/{}", owner.namespace, owner.name),
                type_: Some("DirectoryOrCreate".to_owned()),
            }),
            ..parts::volume("data")
        },
        Volume {
            secret: Some(SecretVolumeSource {
                secret_name: Some(validated.name(names::AGENT)),
                default_mode: Some(0o400),
                ..SecretVolumeSource::default()
            }),
            ..parts::volume("machine")
        },
        Volume {
            host_path: Some(HostPathVolumeSource {
                path: "/var/log".to_owned(),
                type_: None,
            }),
            ..parts::volume("logs")
        },
        parts::empty_dir("tmp"),
    ]
}

/// Returns where volumes of these names are mounted, of those that [`volumes`] makes.
fn mounts(names: &[&str]) -> Vec<VolumeMount> {
    let places = [
        ("config", CONFIG_DIR, true),
        ("hub", HUB_DIR, false),
        ("data", DATA_DIR, false),
        ("machine", KEY_DIR, true),
        ("logs", "/var/log", true),
        ("tmp", "/tmp", false),
    ];
    places
        .into_iter()
        .filter(|(name, ..)| names.contains(name))
        .map(|(name, path, read_only)| parts::mount(name, path, read_only))
        .collect()
}

fn from_field(name: &str, path: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: path.to_owned(),
                api_version: None,
            }),
            ..EnvVarSource::default()
        }),
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}
