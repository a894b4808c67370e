//! What `cscli` asks the Local API for: alerts, their decisions, allowlists.
//!
//! Queries are passed on as given, because an unknown key has to get upstream's answer.

use http::Method;
use serde::Deserialize;
use wire::alert::Alert;

use crate::error::Error;
use crate::lapi::Client;
use crate::transport::Request;

/// Whether and why an address is on an allowlist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Allowlisted {
    /// Whether it is.
    pub allowlisted: bool,
    /// The entry and its list, for people.
    pub reason: String,
}

/// Counts arrive as strings.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Deleted {
    #[serde(rename = "nbDeleted")]
    count: String,
}

impl Client {
    /// Returns the alerts that match `query`, newest first unless it says otherwise; 100 without a `limit`.
    pub async fn alerts(&self, query: &[(&str, String)]) -> Result<Vec<Alert>, Error> {
        self.call(Request::new(Method::GET, "v1/alerts").query(query))
            .await?
            .json()
    }

    /// Returns the alert `id`.
    ///
    /// # Errors
    /// `Error::Api` with status 404 when there is none.
    pub async fn alert(&self, id: i64) -> Result<Alert, Error> {
        self.call(Request::new(Method::GET, format!("v1/alerts/{id}")))
            .await?
            .json()
    }

    /// Deletes the alerts that match `query` with their decisions; returns how many.
    pub async fn delete_alerts(&self, query: &[(&str, String)]) -> Result<u64, Error> {
        self.delete("v1/alerts".to_owned(), query).await
    }

    /// Deletes the alert `id`; returns how many (1).
    pub async fn delete_alert(&self, id: i64) -> Result<u64, Error> {
        self.delete(format!("v1/alerts/{id}"), &[]).await
    }

    /// Ends the decisions that match `query`; returns how many.
    pub async fn delete_decisions(&self, query: &[(&str, String)]) -> Result<u64, Error> {
        self.delete("v1/decisions".to_owned(), query).await
    }

    /// Ends the decision `id`; returns how many (1).
    pub async fn delete_decision(&self, id: i64) -> Result<u64, Error> {
        self.delete(format!("v1/decisions/{id}"), &[]).await
    }

    /// Tells whether `value`, an address or a network, is on an allowlist.
    pub async fn check_allowlist(&self, value: &str) -> Result<Allowlisted, Error> {
        let value = value.replace('%', "%25").replace('/', "%2F");
        self.call(Request::new(Method::GET, format!("v1/allowlists/check/{value}")))
            .await?
            .json()
    }

    async fn delete(&self, path: String, query: &[(&str, String)]) -> Result<u64, Error> {
        let deleted: Deleted = self
            .call(Request::new(Method::DELETE, path).query(query))
            .await?
            .json()?;
        Ok(deleted.count.parse().unwrap_or(0))
    }
}
