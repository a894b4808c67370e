//! The agents' pods: root without any capability, because the logs belong to root; everything but their state read-only.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar,
    EnvVarSource, HTTPGetAction, HostPathVolumeSource, LocalObjectReference, ObjectFieldSelector,
    PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SELinuxOptions,
    SeccompProfile, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::ObjectMeta;
use sha2::{Digest as _, Sha256};

use crate::labels::{self, Component};
use crate::log_processor::validate::Validated;
use crate::names;
use crate::network::METRICS_PORT;

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
/// Name of the port of metrics.
pub const METRICS: &str = "metrics";

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
                hash(files, key_mark),
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

/// Returns a hash of all files with their names, and of the key.
fn hash(files: &BTreeMap<String, String>, key_mark: &str) -> String {
    let mut digest = Sha256::new_with_prefix(key_mark);
    for (name, text) in files {
        digest.update(name.len().to_le_bytes());
        digest.update(name);
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    hex::encode(digest.finalize()).chars().take(16).collect()
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
        image_pull_secrets: (!validated.pull_secrets.is_empty()).then(|| {
            let named = |name: &String| LocalObjectReference { name: name.clone() };
            validated.pull_secrets.iter().map(named).collect()
        }),
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
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        se_linux_options: se_linux_type.map(|type_| SELinuxOptions {
            type_: Some(type_.to_owned()),
            ..SELinuxOptions::default()
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        privileged: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            add: None,
            drop: Some(vec!["ALL".to_owned()]),
        }),
        ..SecurityContext::default()
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
        ports: Some(vec![ContainerPort {
            name: Some(METRICS.to_owned()),
            container_port: METRICS_PORT,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        // The first log-in waits for the operator to register the machine, so a start may take a while.
        startup_probe: Some(Probe {
            failure_threshold: Some(300),
            period_seconds: Some(2),
            ..probe("/livez")
        }),
        liveness_probe: Some(Probe {
            failure_threshold: Some(6),
            period_seconds: Some(10),
            ..probe("/livez")
        }),
        readiness_probe: Some(Probe {
            period_seconds: Some(5),
            ..probe("/readyz")
        }),
        env: Some(vec![
            from_field("NODE_NAME", "spec.nodeName"),
            from_field("POD_NAME", "metadata.name"),
            from_field("POD_NAMESPACE", "metadata.namespace"),
            crate::pods::debug(&validated.monitoring),
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
        resources: Some(validated.resources.clone().unwrap_or_else(least)),
        security_context: Some(container_security()),
        ..Container::default()
    }
}

/// What an idle agent takes; a limit of memory is for who knows their logs.
fn least() -> ResourceRequirements {
    ResourceRequirements {
        requests: Some(BTreeMap::from([
            ("cpu".to_owned(), Quantity("10m".to_owned())),
            ("memory".to_owned(), Quantity("64Mi".to_owned())),
        ])),
        ..ResourceRequirements::default()
    }
}

fn volumes(validated: &Validated) -> Vec<Volume> {
    let owner = &validated.owner;
    vec![
        Volume {
            config_map: Some(ConfigMapVolumeSource {
                name: validated.name(names::AGENT),
                ..ConfigMapVolumeSource::default()
            }),
            ..volume("config")
        },
        Volume {
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..volume("hub")
        },
        Volume {
            host_path: Some(HostPathVolumeSource {
                path: format!("{STATE}/{}/{}", owner.namespace, owner.name),
                type_: Some("DirectoryOrCreate".to_owned()),
            }),
            ..volume("data")
        },
        Volume {
            secret: Some(SecretVolumeSource {
                secret_name: Some(validated.name(names::AGENT)),
                default_mode: Some(0o400),
                ..SecretVolumeSource::default()
            }),
            ..volume("machine")
        },
        Volume {
            host_path: Some(HostPathVolumeSource {
                path: "/var/log".to_owned(),
                type_: None,
            }),
            ..volume("logs")
        },
        Volume {
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..volume("tmp")
        },
    ]
}

fn volume(name: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        ..Volume::default()
    }
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
        .map(|(name, path, read_only)| VolumeMount {
            name: name.to_owned(),
            mount_path: path.to_owned(),
            read_only: read_only.then_some(true),
            ..VolumeMount::default()
        })
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

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}
