//! How a machine registers and logs in. Upstream: `pkg/models/watcher_*_request.go`.

use serde::{Deserialize, Serialize};

use crate::json::decode::go_struct;

/// Body of `POST /v1/watchers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// Login the machine wants.
    pub machine_id: String,
    /// Its password, at most 72 bytes.
    pub password: String,
    /// Shared secret for registration without a person, 32 to 255 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub registration_token: String,
}

go_struct!(Registration, "WatcherRegistrationRequest", {
    machine_id "machine_id" required;
    password "password" required;
    registration_token "registration_token" at_most(255) at_least(32);
});

/// Body of `POST /v1/watchers/login`; id and password stay empty with a client certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Login {
    /// Login.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine_id: String,
    /// Password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// Scenarios the machine runs.
    pub scenarios: Vec<String>,
}

go_struct!(Login, "WatcherAuthRequest", {
    machine_id "machine_id" required;
    password "password" required;
    scenarios "scenarios";
});

/// Answer to a login or a refresh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Token {
    /// 200.
    pub code: u16,
    /// End of validity, RFC 3339.
    pub expire: String,
    /// JWT for `Authorization: Bearer`.
    pub token: String,
}
