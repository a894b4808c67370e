//! What the agents read: their configuration, and the targets that they follow while they run.

use std::collections::BTreeMap;

use config::raw::main::{Api, CrowdsecService, Cscli, Server};
use config::raw::{Credentials, FileAcquisition, Main, PodsAcquisition, Simulation, main};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::cluster::apply::Error;
use crate::crd::log_processor::NodeFiles;
use crate::labels::Component;
use crate::log_processor::build::daemon_set::{CA_FILE, CONFIG_DIR, DATA_DIR, HUB_DIR, KEY_FILE, POD_LOGS};
use crate::log_processor::validate::Validated;
use crate::names;
use crate::pods::config::{base, client, yaml};

/// Key of the certificate authority of the Local API.
const CA: &str = "lapi-ca.crt";

/// Returns the files that an agent reads at its start, by name.
pub fn files(validated: &Validated) -> Result<BTreeMap<String, String>, Error> {
    let mut files = BTreeMap::from([
        ("config.yaml".to_owned(), yaml(&main_file(validated))?),
        ("acquis.yaml".to_owned(), acquisition(validated)?),
        (
            "local_api_credentials.yaml".to_owned(),
            yaml(&credentials(validated))?,
        ),
        (
            "simulation.yaml".to_owned(),
            yaml(&Simulation {
                simulation: Some(false),
                exclusions: None,
            })?,
        ),
    ]);
    if let Some(ca) = &validated.local_api.ca {
        files.insert(CA.to_owned(), ca.clone());
    }
    Ok(files)
}

/// Returns the ConfigMap with those files.
pub fn config(validated: &Validated, files: &BTreeMap<String, String>) -> ConfigMap {
    ConfigMap {
        metadata: validated
            .owner
            .meta(validated.name(names::AGENT), Component::Agent),
        data: Some(files.clone()),
        ..ConfigMap::default()
    }
}

/// Returns the ConfigMap with the targets.
pub fn targets(validated: &Validated) -> Result<ConfigMap, Error> {
    let file = pods::targets::File {
        targets: validated.targets.clone(),
    };
    Ok(ConfigMap {
        metadata: validated
            .owner
            .meta(validated.name(names::AGENT_TARGETS), Component::Agent),
        data: Some(BTreeMap::from([(pods::targets::KEY.to_owned(), yaml(&file)?)])),
        ..ConfigMap::default()
    })
}

fn main_file(validated: &Validated) -> Main {
    let source = validated.hub.source.as_ref();
    let text = |value: &str| Some(value.to_owned());
    Main {
        crowdsec_service: Some(CrowdsecService {
            acquisition_path: Some(format!("{CONFIG_DIR}/acquis.yaml")),
            ..CrowdsecService::default()
        }),
        cscli: source.map(|source| Cscli {
            hub_branch: text(&source.branch),
            hub_url_template: text(&source.template),
            ..Cscli::default()
        }),
        api: Some(Api {
            client: Some(client(CONFIG_DIR)),
            server: Some(Server {
                enable: Some(false),
                ..Server::default()
            }),
            cti: None,
        }),
        config_paths: Some(main::Paths {
            config_dir: text(HUB_DIR),
            data_dir: text(DATA_DIR),
            simulation_path: Some(format!("{CONFIG_DIR}/simulation.yaml")),
            ..main::Paths::default()
        }),
        ..base()
    }
}

fn credentials(validated: &Validated) -> Credentials {
    let owner = &validated.owner;
    Credentials {
        url: Some(validated.local_api.url.clone()),
        login: Some(names::machine(&owner.namespace, &owner.name, "${NODE_NAME}")),
        password_key_path: Some(KEY_FILE.to_owned()),
        ca_cert_path: validated.local_api.ca.as_ref().map(|_| CA_FILE.to_owned()),
        ..Credentials::default()
    }
}

fn acquisition(validated: &Validated) -> Result<String, Error> {
    let mut documents = Vec::new();
    if validated.container_logs {
        documents.push(yaml(&PodsAcquisition {
            source: Some("pods".to_owned()),
            config_map: Some(validated.name(names::AGENT_TARGETS)),
            namespace: Some(validated.owner.namespace.clone()),
            root: Some(POD_LOGS.to_owned()),
            ..PodsAcquisition::default()
        })?);
    }
    for files in &validated.node_files {
        documents.push(yaml(&node_files(files))?);
    }
    Ok(documents.join("---\n"))
}

fn node_files(files: &NodeFiles) -> FileAcquisition {
    let mut labels = files.labels.clone();
    labels.insert("type".to_owned(), files.r#type.clone());
    FileAcquisition {
        source: Some("file".to_owned()),
        filenames: Some(files.paths.clone()),
        labels: Some(labels),
        // A file that does not exist on this node may come.
        force_inotify: Some(true),
        ..FileAcquisition::default()
    }
}
