//! One document from anywhere: hub files for `cscli`, a `/metrics` page. No credentials are sent.

use http::Method;
use reqwest::Url;

use crate::error::Error;
use crate::transport::{Endpoint, Limits, Request, Transport};

/// Returns the body behind `url`.
///
/// # Errors
/// `Error::Api` with the status for an answer that is not 2xx; a redirect is not followed.
pub async fn get(url: &str, user_agent: &str, limits: &Limits) -> Result<Vec<u8>, Error> {
    let invalid = |reason: String| Error::Url {
        url: url.to_owned(),
        reason,
    };
    let parsed = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
    let origin = parsed.origin();
    if !origin.is_tuple() {
        return Err(invalid("only http and https are supported".to_owned()));
    }
    let endpoint = Endpoint {
        url: origin.ascii_serialization(),
        ..Endpoint::default()
    };
    let transport = Transport::new(&endpoint, user_agent, limits)?;
    let path = parsed.path().trim_start_matches('/').to_owned();
    let query: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    let query: Vec<(&str, String)> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let answer = transport
        .send(&Request::new(Method::GET, path).query(&query))
        .await?;
    Ok(answer.body.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_no_web_address_is_refused() {
        for url in ["nonsense", "file:///etc/passwd"] {
            let error = get(url, "t", &Limits::default()).await.unwrap_err();
            assert!(matches!(error, Error::Url { .. }), "{url}: {error}");
        }
    }
}
