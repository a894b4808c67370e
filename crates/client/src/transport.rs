//! One request and its answer: addresses and sockets, TLS files, compression, size caps, errors.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{Certificate, ClientBuilder, Identity, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Where the Local API is and how to trust it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://…`, `https://…`, or the path of a unix socket when it begins with `/`.
    pub url: String,
    /// Trusted besides the system's certificates; PEM, one or more.
    pub ca_cert_path: Option<PathBuf>,
    /// Trusted instead of the system's certificates; PEM text, one or more. Goes before `ca_cert_path`.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificate shown to the server, PEM; goes with `key_path`.
    pub cert_path: Option<PathBuf>,
    /// Its private key, PEM.
    pub key_path: Option<PathBuf>,
    /// Trusts whatever certificate the server shows.
    pub insecure_skip_verify: bool,
}

/// Limits of one request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time to a connection.
    pub connect: Duration,
    /// Time to the whole answer.
    pub total: Duration,
    /// Longest answer, in bytes after decompression.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_mins(1),
            answer: 256 << 20,
        }
    }
}

/// Bodies above this are compressed, as upstream's client does (`pkg/apiclient/client_http.go`).
const COMPRESS_ABOVE: usize = 5 << 10;

/// As much of a refusal as is kept.
const REFUSAL_LIMIT: usize = 64 << 10;

/// Returns the User-Agent of agents and `cscli`: `crowdsec/v<version>-<system>`.
///
/// A login is refused unless it holds exactly one `/`, so any other is replaced.
pub fn user_agent(version: &str, system: &str) -> String {
    let clean = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_ascii_graphic() && c != '/' { c } else { '_' })
            .collect()
    };
    format!(
        "crowdsec/v{}-{}",
        clean(version.trim_start_matches('v')),
        clean(system)
    )
}

/// A connection pool to one Local API.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    answer_limit: usize,
    /// Set once the server turned out not to read compressed bodies (upstream before 1.6).
    plain_bodies: AtomicBool,
}

/// A request before it is addressed.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Path below the base URL, without a leading slash.
    pub(crate) path: String,
    pub(crate) query: &'a [(&'a str, String)],
    pub(crate) body: Option<Bytes>,
    pub(crate) headers: HeaderMap,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: &[],
            body: None,
            headers: HeaderMap::new(),
        }
    }

    pub(crate) fn query(mut self, query: &'a [(&'a str, String)]) -> Self {
        self.query = query;
        self
    }

    pub(crate) fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|source| Error::Body {
            url: self.path.clone(),
            source,
        })?;
        self.body = Some(body.into());
        Ok(self)
    }
}

/// A 2xx answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    url: String,
}

impl Answer {
    /// Reads the body as JSON; upstream writes `null` for an empty list, which becomes the default.
    pub(crate) fn json<T: DeserializeOwned + Default>(&self) -> Result<T, Error> {
        let value: Result<Option<T>, _> = serde_json::from_slice(&self.body);
        value
            .map(Option::unwrap_or_default)
            .map_err(|source| Error::Body {
                url: self.url.clone(),
                source,
            })
    }
}

impl Transport {
    pub(crate) fn new(endpoint: &Endpoint, user_agent: &str, limits: &Limits) -> Result<Self, Error> {
        // Whoever installed a provider first is as good: ours is the only one in the workspace.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .redirect(reqwest::redirect::Policy::none());
        let (base, builder) = address(&endpoint.url, builder)?;
        let builder = trust(endpoint, &base, builder)?;
        let http = builder.build().map_err(Error::Build)?;
        Ok(Self {
            http,
            base,
            answer_limit: limits.answer,
            plain_bodies: AtomicBool::new(false),
        })
    }

    /// Sends `request` once (twice when its compression was not understood) and returns a 2xx answer.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let compressed = match &request.body {
            Some(body) if body.len() > COMPRESS_ABOVE && !self.plain_bodies.load(Ordering::Relaxed) => {
                compress(body)
            }
            _ => None,
        };
        let Some(compressed) = compressed else {
            return self.send_once(request, None).await;
        };
        match self.send_once(request, Some(compressed)).await {
            Err(Error::Api {
                status: StatusCode::BAD_REQUEST,
                ..
            }) => {
                let answer = self.send_once(request, None).await?;
                self.plain_bodies.store(true, Ordering::Relaxed);
                Ok(answer)
            }
            other => other,
        }
    }

    async fn send_once(&self, request: &Request<'_>, compressed: Option<Bytes>) -> Result<Answer, Error> {
        let Request {
            method,
            path,
            query,
            body,
            headers,
        } = request;
        let mut url = self
            .base
            .join(path)
            .map_err(|error| bad_url(path, &error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut()
                .extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        let shown = shown(&url);
        let mut call = self.http.request(method.clone(), url).headers(headers.clone());
        if let Some(body) = body {
            call = call.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            call = match compressed {
                Some(bytes) => call
                    .header(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
                    .body(bytes),
                None => call.body(body.clone()),
            };
        }
        let unreachable = |source: reqwest::Error| Error::Unreachable {
            url: shown.clone(),
            source: source.without_url(),
        };
        let mut response = call.send().await.map_err(unreachable)?;
        let status = response.status();
        let limit = if status.is_success() {
            self.answer_limit
        } else {
            REFUSAL_LIMIT
        };
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            let room = limit - body.len();
            if chunk.len() > room && status.is_success() {
                return Err(Error::TooLarge { url: shown, limit });
            }
            body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if body.len() == limit && !status.is_success() {
                break;
            }
        }
        if status.is_success() {
            Ok(Answer {
                status,
                body: body.freeze(),
                url: shown,
            })
        } else {
            Err(Error::Api {
                status,
                body: String::from_utf8_lossy(&body).into_owned(),
            })
        }
    }
}

fn bad_url(url: &str, reason: &str) -> Error {
    Error::Url {
        url: url.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The query may hold addresses of people; scheme, host and path are enough to find the fault.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Neither call can fail on a URL that has a host; if it could, nothing secret is configured in a URL.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return "the local api".to_owned();
    }
    url.to_string()
}

fn address(url: &str, builder: ClientBuilder) -> Result<(Url, ClientBuilder), Error> {
    if url.starts_with('/') {
        let base = Url::parse("http://unix/").map_err(|error| bad_url(url, &error.to_string()))?;
        return Ok((base, builder.unix_socket(Path::new(url)).no_proxy()));
    }
    let mut base = Url::parse(url).map_err(|error| bad_url(url, &error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(bad_url(
            url,
            "it must begin with http://, https:// or the / of a socket path",
        ));
    }
    let Some(host) = base.host_str().map(str::to_owned) else {
        return Err(bad_url(url, "it names no host"));
    };
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    // Go's ProxyFromEnvironment never sends loopback traffic to a proxy.
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = literal.eq_ignore_ascii_case("localhost")
        || literal.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    Ok((base, if is_loopback { builder.no_proxy() } else { builder }))
}

fn trust(endpoint: &Endpoint, base: &Url, mut builder: ClientBuilder) -> Result<ClientBuilder, Error> {
    if base.scheme() != "https" {
        // The system's certificates are not read for nothing, and their absence in a small image is no error.
        return Ok(builder.tls_certs_only([]));
    }
    if let Some(pem) = &endpoint.ca_pem {
        let certificates =
            Certificate::from_pem_bundle(pem).map_err(|error| bad_url(&endpoint.url, &error.to_string()))?;
        if certificates.is_empty() {
            return Err(bad_url(
                &endpoint.url,
                "the certificate authority given for it is empty",
            ));
        }
        builder = builder.tls_certs_only(certificates);
    } else if let Some(path) = &endpoint.ca_cert_path {
        let certificates =
            Certificate::from_pem_bundle(&read(path)?).map_err(|error| certificate(path, error))?;
        if certificates.is_empty() {
            return Err(certificate(path, "no certificate in it"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let (Some(cert), Some(key)) = (&endpoint.cert_path, &endpoint.key_path) {
        let mut pem = read(cert)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        builder = builder.identity(Identity::from_pem(&pem).map_err(|error| certificate(cert, error))?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(endpoint.insecure_skip_verify))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| certificate(path, error))
}

fn certificate(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Certificate {
        path: path.to_owned(),
        source: source.into(),
    }
}

fn compress(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_has_exactly_one_slash() {
        assert_eq!(user_agent("1.7.8", "linux"), "crowdsec/v1.7.8-linux");
        assert_eq!(user_agent("v1.7.8/x", "a/b c"), "crowdsec/v1.7.8_x-a_b_c");
    }

    #[test]
    fn a_base_url_keeps_its_path_and_needs_a_scheme_we_speak() {
        let base = |url: &str| address(url, reqwest::Client::builder()).map(|(base, _)| base.to_string());
        assert_eq!(base("http://h:8080").unwrap(), "http://h:8080/");
        assert_eq!(base("https://h/lapi").unwrap(), "https://h/lapi/");
        assert_eq!(base("/run/lapi.sock").unwrap(), "http://unix/");
        assert_eq!(
            base("ftp://h/").unwrap_err().to_string(),
            "invalid url 'ftp://h/': it must begin with http://, https:// or the / of a socket path"
        );
        assert!(base("nonsense").is_err());
    }
}
