//! The Local API: where it listens and whom it trusts.

use std::path::PathBuf;
use std::time::Duration;

use crate::resolved::{LogLevel, Range};
use crate::secret::Secret;

/// The section `api.server`; at least one of `listen_uri` and `listen_socket` is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// `listen_uri`, `host:port` as written; a host name is resolved when the server starts.
    pub listen_uri: Option<String>,
    /// `listen_socket`.
    pub listen_socket: Option<PathBuf>,
    /// `tls`.
    pub tls: Option<Tls>,
    /// `profiles_path`.
    pub profiles_file: PathBuf,
    /// `console_path`.
    pub console_file: PathBuf,
    /// `log_level`; none inherits.
    pub log_level: Option<LogLevel>,
    /// `papi_log_level`; none inherits.
    pub papi_log_level: Option<LogLevel>,
    /// `use_forwarded_for_headers`.
    pub use_forwarded_for_headers: bool,
    /// `trusted_proxies`; none trusts every sender, as upstream does, an empty list none.
    pub trusted_proxies: Option<Vec<Range>>,
    /// `trusted_ips`, with the loopback addresses.
    pub trusted_ips: Vec<Range>,
    /// `disable_remote_lapi_registration`.
    pub disable_remote_registration: bool,
    /// `disable_usage_metrics_export`.
    pub disable_usage_metrics_export: bool,
    /// `capi_whitelists_path` (deprecated).
    pub capi_whitelists: Option<PathBuf>,
    /// `auto_registration`; none when absent or off.
    pub auto_registration: Option<AutoRegistration>,
    /// `online_client`; none when absent or without `credentials_path`.
    pub online_client: Option<OnlineClient>,
}

/// The section `api.server.tls`; certificate and key are both given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `cert_file`.
    pub cert_file: PathBuf,
    /// `key_file`.
    pub key_file: PathBuf,
    /// `server_name`.
    pub server_name: Option<String>,
    /// `ca_cert_path`.
    pub ca_file: Option<PathBuf>,
    /// `client_verification`.
    pub client_verification: ClientVerification,
    /// `agents_allowed_ou`.
    pub agents_allowed_ou: Vec<String>,
    /// `bouncers_allowed_ou`.
    pub bouncers_allowed_ou: Vec<String>,
    /// `crl_path`.
    pub crl_file: Option<PathBuf>,
    /// `cache_expiration`; one hour by default.
    pub cache_expiration: Duration,
}

/// `client_verification`, with Go's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientVerification {
    /// `NoClientCert`.
    None,
    /// `RequestClientCert`.
    Request,
    /// `RequireAnyClientCert`.
    RequireAny,
    /// `VerifyClientCertIfGiven`.
    #[default]
    VerifyIfGiven,
    /// `RequireAndVerifyClientCert`.
    RequireAndVerify,
}

/// The section `api.server.auto_registration`; the token has at least 32 characters.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoRegistration {
    /// `token`.
    pub token: Secret,
    /// `allowed_ranges`, not empty.
    pub allowed_ranges: Vec<Range>,
}

/// The section `api.server.online_client`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineClient {
    /// `credentials_path`.
    pub credentials_file: PathBuf,
    /// `sharing`.
    pub sharing: bool,
    /// `pull.community`.
    pub pull_community: bool,
    /// `pull.blocklists`.
    pub pull_blocklists: bool,
}
