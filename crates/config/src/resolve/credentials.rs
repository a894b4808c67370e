//! The two credentials files. Upstream: `pkg/csconfig/api.go`, `LocalApiClientCfg.Load`.

use std::path::PathBuf;

use crate::raw;
use crate::resolve::Findings;
use crate::resolved::credentials::{ClientTls, Credentials, Identity, OnlineCredentials};
use crate::secret::Secret;

/// Returns the file with the key that the password follows from; `password` or no `login` beside it is a problem.
pub(crate) fn key_file(raw: &raw::Credentials, found: &mut Findings<'_>) -> Option<PathBuf> {
    const FIELD: &str = "password_key_path";
    let file = found.path(FIELD, raw.password_key_path.clone())?;
    if raw.password.as_ref().is_some_and(|password| !password.is_empty()) {
        let message = "password and password_key_path are mutually exclusive";
        found.problem(FIELD, message, "remove one of the two");
    }
    let login = raw.login.as_deref().unwrap_or_default();
    if login.is_empty() {
        let message = "no login to which a password could belong";
        found.problem("login", message, "write the name of this machine");
    }
    if let Some((_, rest)) = login.split_once('$') {
        let message = format!("${rest} is not in the environment, so the name of this machine is not known");
        found.problem("login", message, "set the variable");
    }
    Some(file)
}

/// Resolves the file; `key` is the key file with its content when `password_key_path` names one.
pub(crate) fn local(
    raw: raw::Credentials,
    key: Option<(PathBuf, String)>,
    found: &mut Findings<'_>,
) -> Option<Credentials> {
    let url = raw.url.filter(|url| !url.is_empty());
    let login = raw.login.filter(|login| !login.is_empty());
    let (password_key_file, derived) = match (key, &login) {
        (Some((file, key)), Some(login)) => (
            Some(file),
            Some(Secret::new(wire::machine::password(&key, login))),
        ),
        _ => (None, None),
    };
    let password = derived.or_else(|| raw.password.filter(|password| !password.is_empty()));
    let cert = found.path("cert_path", raw.cert_path);
    let key = found.path("key_path", raw.key_path);
    let ca_file = found.path("ca_cert_path", raw.ca_cert_path);
    let papi_url = raw.papi_url.filter(|url| !url.is_empty());
    let Some(url) = url else {
        let message = "no credentials or URL found in api client configuration";
        found.problem(
            "url",
            message,
            "run cscli machines add --auto or cscli lapi register",
        );
        return None;
    };
    let socket = url.starts_with('/');
    if socket && (cert.is_some() || key.is_some() || ca_file.is_some()) {
        let message = "certificates are of no use with a unix socket";
        found.problem(
            "url",
            message,
            "remove ca_cert_path, cert_path and key_path, or use an https URL",
        );
    }
    let url = match url {
        url if socket || url.ends_with('/') => url,
        url => format!("{url}/"),
    };
    let identity = identity(login.zip(password), cert.zip(key), found)?;
    Some(Credentials {
        url,
        identity,
        password_key_file,
        ca_file,
        papi_url,
    })
}

type Password = (String, Secret);
type Certificate = (PathBuf, PathBuf);

fn identity(
    password: Option<Password>,
    certificate: Option<Certificate>,
    found: &mut Findings<'_>,
) -> Option<Identity> {
    match (password, certificate) {
        (Some(_), Some(_)) => {
            let message = "user/password authentication and TLS authentication are mutually exclusive";
            found.problem(
                "cert_path",
                message,
                "remove login and password, or cert_path and key_path",
            );
            None
        }
        (Some((login, password)), None) => Some(Identity::Password { login, password }),
        (None, Some((cert_file, key_file))) => Some(Identity::Certificate(ClientTls { cert_file, key_file })),
        (None, None) => {
            let message = "neither login and password nor cert_path and key_path are given";
            found.problem(
                "login",
                message,
                "run cscli machines add --auto or cscli lapi register",
            );
            None
        }
    }
}

pub(crate) fn online(raw: raw::OnlineCredentials, found: &mut Findings<'_>) -> Option<OnlineCredentials> {
    let mut given = |field: &str, text: Option<String>| {
        let text = text.filter(|text| !text.is_empty());
        if text.is_none() {
            found.problem(field, "missing", "run cscli capi register");
        }
        text
    };
    let (url, login) = (given("url", raw.url), given("login", raw.login));
    let password = raw.password.filter(|password| !password.is_empty());
    if password.is_none() {
        found.problem("password", "missing", "run cscli capi register");
    }
    Some(OnlineCredentials {
        url: url?,
        login: login?,
        password: password?,
        papi_url: raw.papi_url.filter(|url| !url.is_empty()),
    })
}
