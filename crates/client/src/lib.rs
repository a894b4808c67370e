//! The HTTP client for the Local API: as a machine (`lapi`), as a bouncer (`bouncer`), as the operator (`admin`).
//!
//! Called by the agent and `cscli`; reads no clock and no environment but the proxy variables that `reqwest` honours.

pub mod admin;
pub mod bouncer;
pub mod error;
pub mod fetch;
pub mod lapi;
pub mod retry;
mod token;
pub mod transport;

pub use error::Error;
pub use http::StatusCode;
pub use transport::Endpoint;
