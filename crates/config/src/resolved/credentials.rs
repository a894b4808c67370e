//! How a machine presents itself to a Local API, and a Local API to the Central API.

use std::path::PathBuf;

use crate::secret::Secret;

/// `local_api_credentials.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `url`: `http(s)://…/` with a final slash, or the absolute path of a unix socket.
    pub url: String,
    /// Login and password, or a client certificate.
    pub identity: Identity,
    /// `password_key_path`; when given the password follows from it, and somebody else registers the machine.
    pub password_key_file: Option<PathBuf>,
    /// `ca_cert_path`.
    pub ca_file: Option<PathBuf>,
    /// `papi_url`.
    pub papi_url: Option<String>,
}

/// Who presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `login` and `password`.
    Password {
        /// `login`.
        login: String,
        /// `password`.
        password: Secret,
    },
    /// `cert_path` and `key_path`.
    Certificate(ClientTls),
}

/// A client certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// `cert_path`.
    pub cert_file: PathBuf,
    /// `key_path`.
    pub key_file: PathBuf,
}

/// `online_api_credentials.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineCredentials {
    /// `url`.
    pub url: String,
    /// `login`.
    pub login: String,
    /// `password`.
    pub password: Secret,
    /// `papi_url`.
    pub papi_url: Option<String>,
}
