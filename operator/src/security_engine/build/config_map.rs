//! What the Local API reads: the files that upstream's reads, written from the types that our loader reads them into.

use std::collections::BTreeMap;

use config::Secret;
use config::raw::main::{Api, Database, Flush, Server, Tls};
use config::raw::profile::{Decision, Profile};
use config::raw::{Credentials, Main, main};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::cluster::apply::Error;
use crate::engine::CA;
use crate::names;
use crate::network::API_PORT;
use crate::pods::config::{base, client, yaml};
use crate::security_engine::build::deployment::{CONFIG_DIR, CSCLI_PASSWORD, DATA_DIR, TLS_DIR};
use crate::security_engine::tls::{CERTIFICATE, KEY};
use crate::security_engine::validate::Validated;

/// Login of `cscli` in the Local API's pod.
pub const CSCLI: &str = "cscli";

/// Returns the files by name.
pub fn files(validated: &Validated) -> Result<BTreeMap<String, String>, Error> {
    let mut profiles = Vec::new();
    for profile in self::profiles() {
        profiles.push(yaml(&profile)?);
    }
    Ok(BTreeMap::from([
        ("config.yaml".to_owned(), yaml(&main_file(validated))?),
        ("profiles.yaml".to_owned(), profiles.join("---\n")),
        (
            "local_api_credentials.yaml".to_owned(),
            yaml(&credentials(validated))?,
        ),
    ]))
}

/// Returns the ConfigMap with those files.
pub fn build(validated: &Validated, files: &BTreeMap<String, String>) -> ConfigMap {
    ConfigMap {
        metadata: super::meta(validated, names::LAPI),
        data: Some(files.clone()),
        ..ConfigMap::default()
    }
}

fn main_file(validated: &Validated) -> Main {
    let text = |value: &str| Some(value.to_owned());
    Main {
        db_config: Some(Database {
            r#type: text("sqlite"),
            db_path: Some(format!("{DATA_DIR}/crowdsec.db")),
            use_wal: Some(true),
            flush: Some(Flush {
                max_items: Some(validated.max_items.into()),
                max_age: Some(validated.max_age.clone()),
                ..Flush::default()
            }),
            ..Database::default()
        }),
        api: Some(Api {
            client: Some(client(CONFIG_DIR)),
            server: Some(Server {
                listen_uri: Some(format!("[::]:{API_PORT}")),
                profiles_path: Some(format!("{CONFIG_DIR}/profiles.yaml")),
                tls: validated.tls.then(|| Tls {
                    cert_file: Some(format!("{TLS_DIR}/{CERTIFICATE}")),
                    key_file: Some(format!("{TLS_DIR}/{KEY}")),
                    ..Tls::default()
                }),
                ..Server::default()
            }),
            cti: None,
        }),
        config_paths: Some(main::Paths {
            config_dir: text(CONFIG_DIR),
            data_dir: text(DATA_DIR),
            hub_dir: Some(format!("{DATA_DIR}/hub")),
            ..main::Paths::default()
        }),
        ..base()
    }
}

fn credentials(validated: &Validated) -> Credentials {
    let scheme = if validated.tls { "https" } else { "http" };
    Credentials {
        url: Some(format!("{scheme}://localhost:{API_PORT}/")),
        login: Some(CSCLI.to_owned()),
        password: Some(Secret::new(format!("${{{CSCLI_PASSWORD}}}"))),
        ca_cert_path: validated.tls.then(|| format!("{TLS_DIR}/{CA}")),
        ..Credentials::default()
    }
}

/// Four hours for an address or a range that did something with remediation, as upstream's own profiles have it.
fn profiles() -> [Profile; 2] {
    let text = |value: &str| Some(value.to_owned());
    let profile = |name: &str, scope: &str| Profile {
        name: text(name),
        filters: Some(vec![format!(
            "Alert.Remediation == true && Alert.GetScope() == \"{scope}\""
        )]),
        decisions: Some(vec![Decision {
            r#type: text("ban"),
            duration: text("4h"),
            ..Decision::default()
        }]),
        on_success: text("break"),
        ..Profile::default()
    };
    [profile("ban_address", "Ip"), profile("ban_range", "Range")]
}
