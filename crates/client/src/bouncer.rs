//! The Local API as a bouncer sees it: decisions by API key.

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use wire::decision::Decision;

use crate::error::Error;
use crate::transport::{Endpoint, Limits, Request, Transport};

/// A client that holds an API key.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    headers: HeaderMap,
}

/// The answer of the stream route; each list is empty when the server wrote `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// Decisions that began.
    #[serde(deserialize_with = "null_as_empty")]
    pub new: Vec<Decision>,
    /// Decisions that ended.
    #[serde(deserialize_with = "null_as_empty")]
    pub deleted: Vec<Decision>,
}

impl Client {
    /// Makes a client that authenticates with `key`; an empty key leaves it to the client certificate.
    pub fn new(
        endpoint: &Endpoint,
        key: &SecretString,
        user_agent: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let mut headers = HeaderMap::new();
        if !key.expose_secret().is_empty() {
            let mut value = HeaderValue::from_str(key.expose_secret()).map_err(|error| Error::Url {
                url: endpoint.url.clone(),
                reason: format!("the api key does not fit in a header ({error})"),
            })?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-api-key"), value);
        }
        Ok(Self {
            transport: Transport::new(endpoint, user_agent, limits)?,
            headers,
        })
    }

    /// Returns the active decisions that match `query` (`ip`, `range`, `scope`, …).
    pub async fn decisions(&self, query: &[(&str, String)]) -> Result<Vec<Decision>, Error> {
        let request = self.request(Method::GET, "v1/decisions").query(query);
        self.transport.send(&request).await?.json()
    }

    /// Returns what began and ended since this bouncer's last pull, or everything at `startup`.
    pub async fn stream(&self, startup: bool, query: &[(&str, String)]) -> Result<Stream, Error> {
        let mut all = vec![("startup", startup.to_string())];
        all.extend_from_slice(query);
        let request = self.request(Method::GET, "v1/decisions/stream").query(&all);
        self.transport.send(&request).await?.json()
    }

    /// Tells the Local API what this bouncer did.
    pub async fn usage_metrics<T: Serialize + Sync + ?Sized>(&self, metrics: &T) -> Result<(), Error> {
        let request = self.request(Method::POST, "v1/usage-metrics").json(metrics)?;
        self.transport.send(&request).await.map(drop)
    }

    fn request<'a>(&self, method: Method, path: &str) -> Request<'a> {
        let mut request = Request::new(method, path);
        request.headers.clone_from(&self.headers);
        request
    }
}

fn null_as_empty<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<Decision>, D::Error> {
    Option::<Vec<Decision>>::deserialize(input).map(Option::unwrap_or_default)
}
