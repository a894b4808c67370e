//! How this program calls itself.

/// The version with its `v`, as upstream prints it.
pub(crate) fn version() -> String {
    format!("v{}", env!("CARGO_PKG_VERSION"))
}

/// The User-Agent of every request.
pub(crate) fn user_agent() -> String {
    client::transport::user_agent(env!("CARGO_PKG_VERSION"), std::env::consts::OS)
}
