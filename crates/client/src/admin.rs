//! The Local API as the operator sees it: bouncers and machines by name, by a token of its own. Ours; upstream has none.

use std::fmt::Write as _;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use wire::admin::{Bouncer, Machine, PutBouncer, PutMachine, Status};

use crate::error::Error;
use crate::transport::{Answer, Endpoint, Limits, Request, Transport};

const USER_AGENT: &str = "crowdsec-operator";

/// An answer takes milliseconds; a reconciler must not hang on one that does not come.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(10),
    answer: 64 << 20,
};

/// A client that holds the admin token.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    headers: HeaderMap,
}

impl Client {
    /// Makes a client for the Local API at `url`; `ca` is PEM, and nothing else is trusted when it is given.
    ///
    /// # Errors
    /// `Error::Url` for an address, token or certificate that cannot be used; nothing is sent.
    pub fn new(url: &str, token: &SecretString, ca: Option<&[u8]>) -> Result<Self, Error> {
        let endpoint = Endpoint {
            url: url.to_owned(),
            ca_pem: ca.map(<[u8]>::to_vec),
            ..Endpoint::default()
        };
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|error| Error::Url {
            url: url.to_owned(),
            reason: format!("the admin token does not fit in a header ({error})"),
        })?;
        bearer.set_sensitive(true);
        Ok(Self {
            transport: Transport::new(&endpoint, USER_AGENT, &LIMITS)?,
            headers: HeaderMap::from_iter([(AUTHORIZATION, bearer)]),
        })
    }

    /// Returns counts, machines with their reports, and where alerts come from.
    pub async fn status(&self) -> Result<Status, Error> {
        self.get("admin/v1/status").await?.json()
    }

    /// Returns all bouncers.
    pub async fn bouncers(&self) -> Result<Vec<Bouncer>, Error> {
        self.get("admin/v1/bouncers").await?.json()
    }

    /// Makes the bouncer or replaces its key; `key_sha512` is the hash, lower-case hexadecimal. Returns whether it is new.
    pub async fn put_bouncer(&self, name: &str, key_sha512: &str) -> Result<bool, Error> {
        let key_sha512 = key_sha512.to_owned();
        self.put(path("bouncers", name), &PutBouncer { key_sha512 }).await
    }

    /// Deletes the bouncer; one that is not there is deleted already.
    pub async fn delete_bouncer(&self, name: &str) -> Result<(), Error> {
        self.delete(path("bouncers", name)).await
    }

    /// Returns all machines.
    pub async fn machines(&self) -> Result<Vec<Machine>, Error> {
        self.get("admin/v1/machines").await?.json()
    }

    /// Makes the machine or replaces its password and right. Returns whether it is new.
    pub async fn put_machine(&self, name: &str, wanted: &PutMachine) -> Result<bool, Error> {
        self.put(path("machines", name), wanted).await
    }

    /// Deletes the machine; one that is not there is deleted already.
    pub async fn delete_machine(&self, name: &str) -> Result<(), Error> {
        self.delete(path("machines", name)).await
    }

    async fn get(&self, path: &str) -> Result<Answer, Error> {
        self.send(Request::new(Method::GET, path)).await
    }

    async fn put<T: Serialize + Sync>(&self, path: String, body: &T) -> Result<bool, Error> {
        let answer = self.send(Request::new(Method::PUT, path).json(body)?).await?;
        Ok(answer.status == StatusCode::CREATED)
    }

    async fn delete(&self, path: String) -> Result<(), Error> {
        self.send(Request::new(Method::DELETE, path)).await.map(drop)
    }

    async fn send(&self, mut request: Request<'_>) -> Result<Answer, Error> {
        request.headers.clone_from(&self.headers);
        self.transport.send(&request).await
    }
}

/// Returns the path of one object; whatever its name holds stays within one segment.
fn path(kind: &str, name: &str) -> String {
    let mut path = format!("admin/v1/{kind}/");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b'@' => {
                path.push(byte.into());
            }
            _ => write!(path, "%{byte:02X}").unwrap_or_default(),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_name_stays_within_one_segment() {
        assert_eq!(path("machines", "ns:lp:node-1"), "admin/v1/machines/ns:lp:node-1");
        assert_eq!(
            path("bouncers", "a/b?c#d é"),
            "admin/v1/bouncers/a%2Fb%3Fc%23d%20%C3%A9"
        );
    }
}
