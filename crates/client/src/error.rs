//! What can go wrong between us and the Local API, and how `cscli` and the agent print it.

use std::path::PathBuf;

use http::StatusCode;

/// A failed request, or a client that could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL of the Local API cannot be used.
    #[error("invalid url '{url}': {reason}")]
    Url {
        /// The URL as configured.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate or key file cannot be read or holds no usable PEM.
    #[error("unusable certificate or key '{path}'")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP client cannot be built from the settings.
    #[error("unable to build the http client")]
    Build(#[source] reqwest::Error),
    /// No answer: refused, reset, timed out, name not found, TLS failed.
    #[error("unable to reach {url}")]
    Unreachable {
        /// Where the request went, without its query.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that says no. Display is what upstream's `cscli` prints (`pkg/apiclient/client.go: ErrorResponse`).
    #[error("{}", api_text(*.status, .body))]
    Api {
        /// Its status.
        status: StatusCode,
        /// Its body, at most 64 KiB of it.
        body: String,
    },
    /// An answer that is longer than the cap.
    #[error("answer from {url} is longer than {limit} bytes")]
    TooLarge {
        /// Where the request went.
        url: String,
        /// The cap, in bytes.
        limit: usize,
    },
    /// A body that could not be written or read as JSON.
    #[error("unexpected body for {url}")]
    Body {
        /// Where the request went.
        url: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// Returns the status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns the `message` of the answer's JSON body, or the empty string.
    pub fn message(&self) -> String {
        match self {
            Self::Api { body, .. } => message_of(body).unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// Returns the whole chain of causes in one line, outermost first.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

#[derive(serde::Deserialize)]
struct Message {
    message: String,
    #[serde(default)]
    errors: String,
}

fn message_of(body: &str) -> Option<String> {
    let Message { message, errors } = serde_json::from_str(body).ok()?;
    Some(if errors.is_empty() {
        message
    } else {
        format!("{message} ({errors})")
    })
}

fn api_text(status: StatusCode, body: &str) -> String {
    let code = status.as_u16();
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        return format!("http code {code}, invalid request: {body}");
    }
    if body.is_empty() {
        return format!("http code {code}, no response body");
    }
    message_of(body).map_or_else(
        || format!("http code {code}, response: {body}"),
        |message| format!("API error: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let error = Error::Api {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.to_owned(),
        };
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn an_answer_that_says_no_prints_as_upstream_does() {
        check(
            403,
            r#"{"message":"access forbidden"}"#,
            "API error: access forbidden",
        );
        check(500, r#"{"message":"m","errors":"e"}"#, "API error: m (e)");
        check(
            422,
            r#"{"message":"m"}"#,
            r#"http code 422, invalid request: {"message":"m"}"#,
        );
        check(502, "", "http code 502, no response body");
        check(502, "<html>", "http code 502, response: <html>");
    }
}
