//! `local_api_credentials.yaml` and `online_api_credentials.yaml`. Upstream: `csconfig.ApiCredentialsCfg`.

use crate::raw::section;
use crate::secret::Secret;

section! {
    /// `local_api_credentials.yaml`.
    Credentials {
        /// Where the Local API is.
        url: String,
        /// Name of the machine.
        login: String,
        /// Its password.
        password: Secret,
        /// Certificate authority of the Local API.
        ca_cert_path: String,
        /// Client key.
        key_path: String,
        /// Client certificate.
        cert_path: String,
        /// File with the key from which the password follows (`wire::machine::password`); ours, upstream has no such key.
        password_key_path: String,
        /// Polling API.
        papi_url: String,
    }
}

/// `online_api_credentials.yaml`; the same keys are allowed.
pub type OnlineCredentials = Credentials;
