//! What a bouncer pulls. Upstream: `pkg/models/decisions_stream_response.go`.

use serde::{Deserialize, Serialize};

use crate::decision::Decision;

/// Decisions that began and ended since the last pull; both may be `null` from an old Local API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// Decisions to enforce.
    pub new: Option<Vec<Decision>>,
    /// Decisions to lift.
    pub deleted: Option<Vec<Decision>>,
}

/// The answer to a deletion: how many rows, as a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deleted {
    /// A decimal number.
    #[serde(rename = "nbDeleted")]
    pub count: String,
}
