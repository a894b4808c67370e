//! `api.server`. Upstream: `pkg/csconfig/api.go`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use crate::raw::main as raw;
use crate::resolve::Findings;
use crate::resolved::Range;
use crate::resolved::server::{AutoRegistration, ClientVerification, OnlineClient, Server, Tls};

/// Upstream: `api.go`, the shortest token for registration.
const TOKEN_LENGTH: usize = 32;

/// Addresses that always have administrative access.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

pub(crate) fn resolve(mut raw: raw::Server, config_dir: &Path, found: &mut Findings<'_>) -> Option<Server> {
    if raw.enable == Some(false) {
        return None;
    }
    let listen_uri = raw.listen_uri.take().filter(|uri| !uri.is_empty());
    let listen_socket = found.path("api.server.listen_socket", raw.listen_socket.take());
    if listen_uri.is_none() && listen_socket.is_none() {
        let cure = "give listen_uri, for example 127.0.0.1:8080";
        found.problem("api.server", "no listen_uri or listen_socket specified", cure);
    }
    if let Some(uri) = &listen_uri {
        check_address(uri, found);
    }
    let profiles_file = found.path("api.server.profiles_path", raw.profiles_path.take());
    if profiles_file.is_none() {
        let cure = "name the file with the profiles, usually profiles.yaml beside config.yaml";
        found.problem("api.server.profiles_path", "no profiles file given", cure);
    }
    let console_file = found.path("api.server.console_path", raw.console_path.take());
    let mut trusted_ips = found.ranges(
        "api.server.trusted_ips",
        &raw.trusted_ips.take().unwrap_or_default(),
    );
    trusted_ips.extend(LOOPBACK.map(Range::from));
    let tls = raw.tls.take().and_then(|section| tls(section, found));
    let auto_registration = raw
        .auto_registration
        .take()
        .and_then(|section| auto_registration(section, found));
    let online_client = raw
        .online_client
        .take()
        .and_then(|section| online_client(section, found));
    let trusted_proxies = raw
        .trusted_proxies
        .take()
        .map(|list| found.ranges("api.server.trusted_proxies", &list));
    Some(Server {
        listen_uri,
        listen_socket,
        tls,
        profiles_file: profiles_file.unwrap_or_default(),
        console_file: console_file.unwrap_or_else(|| config_dir.join("console.yaml")),
        log_level: found.level("api.server.log_level", raw.log_level.as_deref()),
        papi_log_level: found.level("api.server.papi_log_level", raw.papi_log_level.as_deref()),
        use_forwarded_for_headers: raw.use_forwarded_for_headers.unwrap_or(false),
        trusted_proxies,
        trusted_ips,
        disable_remote_registration: raw.disable_remote_lapi_registration.unwrap_or(false),
        disable_usage_metrics_export: raw.disable_usage_metrics_export.unwrap_or(false),
        capi_whitelists: found.path("api.server.capi_whitelists_path", raw.capi_whitelists_path),
        auto_registration,
        online_client,
    })
}

/// Refuses an address that can never be listened on; upstream notices only when it binds, and exits too.
fn check_address(uri: &str, found: &mut Findings<'_>) {
    let field = "api.server.listen_uri";
    let cure = "write host:port, for example 127.0.0.1:8080";
    match uri.rsplit_once(':') {
        None => found.problem(
            field,
            format!("listening on {uri}: missing port in address"),
            cure,
        ),
        Some((_, port)) if port.parse::<u16>().is_err() => {
            found.problem(field, format!("listening on {uri}: invalid port {port:?}"), cure);
        }
        // A reference that the environment did not have is no host name.
        Some((host, _)) if host.contains('$') => found.problem(
            field,
            format!("listening on {uri}: {host} is no host name"),
            "set the environment variable or write the address",
        ),
        Some(_) => {}
    }
}

fn tls(raw: raw::Tls, found: &mut Findings<'_>) -> Option<Tls> {
    let cert = found.path("api.server.tls.cert_file", raw.cert_file);
    let key = found.path("api.server.tls.key_file", raw.key_file);
    let client_verification = match raw.client_verification.as_deref() {
        None | Some("" | "VerifyClientCertIfGiven") => ClientVerification::VerifyIfGiven,
        Some("NoClientCert") => ClientVerification::None,
        Some("RequestClientCert") => ClientVerification::Request,
        Some("RequireAnyClientCert") => ClientVerification::RequireAny,
        Some("RequireAndVerifyClientCert") => ClientVerification::RequireAndVerify,
        Some(other) => {
            found.problem(
                "api.server.tls.client_verification",
                format!("unknown client_verification {other:?}"),
                "use NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or \
                 RequireAndVerifyClientCert",
            );
            ClientVerification::VerifyIfGiven
        }
    };
    let cache = found.duration("api.server.tls.cache_expiration", raw.cache_expiration.as_deref());
    let ca_file = found.path("api.server.tls.ca_cert_path", raw.ca_cert_path);
    let crl_file = found.path("api.server.tls.crl_path", raw.crl_path);
    let cure = "give cert_file and key_file, or neither";
    let (cert_file, key_file) = match (cert, key) {
        (Some(cert), Some(key)) => (cert, key),
        (None, None) => return None,
        (Some(_), None) => {
            found.problem("api.server.tls.key_file", "missing TLS key file", cure);
            return None;
        }
        (None, Some(_)) => {
            found.problem("api.server.tls.cert_file", "missing TLS cert file", cure);
            return None;
        }
    };
    Some(Tls {
        cert_file,
        key_file,
        server_name: raw.server_name.filter(|name| !name.is_empty()),
        ca_file,
        client_verification,
        agents_allowed_ou: raw.agents_allowed_ou.unwrap_or_default(),
        bouncers_allowed_ou: raw.bouncers_allowed_ou.unwrap_or_default(),
        crl_file,
        cache_expiration: cache.unwrap_or(Duration::from_secs(3600)),
    })
}

fn auto_registration(raw: raw::AutoRegistration, found: &mut Findings<'_>) -> Option<AutoRegistration> {
    let ranges: Vec<Range> = found.ranges(
        "api.server.auto_registration.allowed_ranges",
        &raw.allowed_ranges.unwrap_or_default(),
    );
    if raw.enabled != Some(true) {
        return None;
    }
    let token = raw.token.unwrap_or_default();
    let field = "api.server.auto_registration.token";
    if token.is_empty() {
        found.problem(
            field,
            "missing token value",
            "give a random text of at least 32 characters",
        );
    } else if token.expose().len() < TOKEN_LENGTH {
        let message = "token value for api.server.auto_register is too short (min 32 characters)";
        found.problem(field, message, "give a random text of at least 32 characters");
    }
    if ranges.is_empty() {
        let field = "api.server.auto_registration.allowed_ranges";
        found.problem(
            field,
            "no range may register",
            "list the ranges the machines come from",
        );
    }
    Some(AutoRegistration {
        token,
        allowed_ranges: ranges,
    })
}

fn online_client(raw: raw::OnlineClient, found: &mut Findings<'_>) -> Option<OnlineClient> {
    let pull = raw.pull.unwrap_or_default();
    let credentials_file = found.path("api.server.online_client.credentials_path", raw.credentials_path)?;
    Some(OnlineClient {
        credentials_file,
        sharing: raw.sharing.unwrap_or(true),
        pull_community: pull.community.unwrap_or(true),
        pull_blocklists: pull.blocklists.unwrap_or(true),
    })
}
