//! What the config.yaml of every component has alike; pure.

use config::raw::Main;
use config::raw::main::{Client, Common, Prometheus};
use serde::Serialize;

use crate::cluster::apply::Error;
use crate::network::METRICS_PORT;

/// Returns a config.yaml for a pod: it logs to its output, and Prometheus reaches it from other pods.
pub fn base() -> Main {
    let text = |value: &str| Some(value.to_owned());
    Main {
        common: Some(Common {
            log_media: text("stdout"),
            log_level: text("info"),
            ..Common::default()
        }),
        prometheus: Some(Prometheus {
            enabled: Some(true),
            level: text("full"),
            listen_addr: text("::"),
            listen_port: Some(METRICS_PORT.into()),
        }),
        ..Main::default()
    }
}

/// Returns where the component finds its login to the Local API, in the folder of its configuration.
pub fn client(folder: &str) -> Client {
    Client {
        credentials_path: Some(format!("{folder}/local_api_credentials.yaml")),
        ..Client::default()
    }
}

/// Returns a file's text.
pub fn yaml<T: Serialize>(value: &T) -> Result<String, Error> {
    golang::yaml::to_string(value).map_err(Error::Encode)
}
