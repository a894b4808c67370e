//! Bouncers: by API key and address, or by client certificate. Upstream: `middlewares/v1/api_key.go`.

use std::net::IpAddr;
use std::sync::Arc;

use http::Method;
use http::header::USER_AGENT;

use super::answer::Failure;
use super::{Api, Call};
use crate::live::Bouncer;
use crate::store::StoreError;
use crate::store::bouncers::{self, NewBouncer, generate_key, hash_key};

/// What a verified client certificate says about its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Common name.
    pub common_name: String,
    /// Organisational units.
    pub units: Vec<String>,
}

impl Certificate {
    /// Says whether one of its units is in the list; an empty list allows nothing.
    pub fn is_in(&self, allowed: &[String]) -> bool {
        self.units.iter().any(|unit| allowed.contains(unit))
    }

    /// Returns the name rows get: the common name at the client's address.
    pub fn name_at(&self, client: IpAddr) -> String {
        format!("{}@{client}", self.common_name)
    }
}

impl Api {
    /// Returns the bouncer that asks; its row is made or updated where upstream does, never for HEAD.
    pub(crate) async fn bouncer(&self, call: &Call) -> Result<Arc<Bouncer>, Failure> {
        let bouncer = match &call.certificate {
            Some(certificate) => self.bouncer_of_certificate(call, certificate).await,
            None => self.bouncer_of_key(call).await,
        };
        let bouncer = match bouncer {
            Ok(Some(bouncer)) => bouncer,
            Ok(None) => return Err(Failure::forbidden()),
            Err(error) => {
                tracing::error!("bouncer authentication: {error}");
                return Err(Failure::forbidden());
            }
        };
        self.metrics.bouncer(&bouncer.name, call.template, &call.method);
        if call.method == Method::HEAD {
            return Ok(bouncer);
        }
        self.note_agent(call, bouncer).await
    }

    async fn bouncer_of_key(&self, call: &Call) -> Result<Option<Arc<Bouncer>>, StoreError> {
        let key = call.header("x-api-key");
        if key.is_empty() {
            return Ok(None);
        }
        let hash = hash_key(key);
        let client = call.client.to_string();
        let known = |api: &Self| {
            let rows = api.store.live().bouncers(|all| all.of_key(&hash));
            let here = rows.iter().find(|row| row.ip_address == client).cloned();
            (rows, here)
        };
        let (mut rows, mut here) = known(self);
        if rows.is_empty() {
            // `cscli` may have made the key a moment ago, in another process; one look at a time serves all who wait.
            let _turn = self.admissions.lock().await;
            self.store.look().await;
            (rows, here) = known(self);
        }
        if call.method == Method::HEAD {
            return Ok(rows.into_iter().find(|row| row.auth_type == "api-key"));
        }
        if here.is_some() || rows.is_empty() {
            return Ok(here);
        }
        // One at a time, so that two first requests from one address do not both make a row.
        let _turn = self.admissions.lock().await;
        let (rows, here) = known(self);
        if here.is_some() {
            return Ok(here);
        }
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|row| row.auth_type == "api-key")
            .collect();
        match rows.as_slice() {
            [] => Ok(None),
            [only] if only.ip_address.is_empty() => {
                let id = only.id;
                let columns = vec![("ip_address", client.clone())];
                self.store
                    .write(move |tx| Box::pin(async move { bouncers::update(tx, id, &columns).await }))
                    .await?;
                Ok(known(self).1)
            }
            [first, ..] => {
                let name = format!("{}@{client}", base_name(&first.name));
                self.insert_bouncer(name, hash.clone(), client.clone(), "api-key")
                    .await?;
                Ok(known(self).1)
            }
        }
    }

    async fn bouncer_of_certificate(
        &self,
        call: &Call,
        certificate: &Certificate,
    ) -> Result<Option<Arc<Bouncer>>, StoreError> {
        let tls = self.settings.server.tls.as_ref();
        if !tls.is_some_and(|tls| certificate.is_in(&tls.bouncers_allowed_ou)) {
            tracing::warn!(
                name = certificate.common_name,
                "client certificate has no unit that bouncers may have"
            );
            return Ok(None);
        }
        let name = certificate.name_at(call.client);
        let known = || self.store.live().bouncers(|all| all.named(&name));
        let admissible = |row: Arc<Bouncer>| (row.auth_type == "tls").then_some(row);
        if let Some(row) = known() {
            return Ok(admissible(row));
        }
        if call.method == Method::HEAD {
            return Ok(None);
        }
        let _turn = self.admissions.lock().await;
        if known().is_none() {
            let hash = hash_key(&generate_key());
            self.insert_bouncer(name.clone(), hash, call.client.to_string(), "tls")
                .await?;
        }
        Ok(known().and_then(admissible))
    }

    async fn insert_bouncer(
        &self,
        name: String,
        key_hash: String,
        ip_address: String,
        auth_type: &'static str,
    ) -> Result<(), StoreError> {
        let new = NewBouncer {
            name,
            key_hash,
            ip_address,
            auth_type,
            auto_created: true,
        };
        self.store
            .write(move |tx| Box::pin(async move { bouncers::insert(tx, &new).await.map(drop) }))
            .await
    }

    /// Stores kind and version from the user agent when they changed.
    async fn note_agent(&self, call: &Call, bouncer: Arc<Bouncer>) -> Result<Arc<Bouncer>, Failure> {
        let whole = call.header(USER_AGENT);
        let (kind, version) = call.agent().unwrap_or((whole, "N/A"));
        if bouncer.kind == kind && bouncer.version == version {
            return Ok(bouncer);
        }
        let id = bouncer.id;
        let columns = vec![("type", kind.to_owned()), ("version", version.to_owned())];
        let stored = self
            .store
            .write(move |tx| Box::pin(async move { bouncers::update(tx, id, &columns).await }))
            .await;
        if let Err(error) = stored {
            tracing::error!(bouncer = bouncer.name, "storing the user agent: {error}");
            return Err(Failure::new(http::StatusCode::FORBIDDEN, "bad user agent"));
        }
        Ok(self
            .store
            .live()
            .bouncers(|all| all.named(&bouncer.name))
            .unwrap_or(bouncer))
    }
}

/// Strips every `@address` at the end of a name.
fn base_name(name: &str) -> &str {
    let mut base = name;
    while let Some((shorter, last)) = base.rsplit_once('@') {
        if last.parse::<IpAddr>().is_err() {
            break;
        }
        base = shorter;
    }
    base
}

#[cfg(test)]
mod tests {
    use super::base_name;

    #[test]
    fn addresses_at_the_end_of_a_name_are_stripped() {
        for (name, base) in [
            ("fw", "fw"),
            ("fw@10.0.0.1", "fw"),
            ("fw@10.0.0.1@::1", "fw"),
            ("a@b", "a@b"),
        ] {
            assert_eq!(base_name(name), base);
        }
    }
}
