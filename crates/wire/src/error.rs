//! Error answers. Upstream: `pkg/models/error_response.go`.

use serde::{Deserialize, Serialize};

/// The body of a failed request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// HTTP status; only answers about machine tokens carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// What went wrong.
    pub message: String,
    /// More about it; unused by the Local API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<String>,
}

impl ErrorBody {
    /// Makes the plain shape, `{"message":"…"}`.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Makes the shape of token errors, `{"code":401,"message":"…"}`.
    pub fn with_code(code: u16, message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::new(message)
        }
    }
}
