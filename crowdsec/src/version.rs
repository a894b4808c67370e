//! The version of this build.

/// The version as log lines and `cs_info` have it.
pub(crate) const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));
