//! The messages that agents, bouncers, `cscli` and the Local API exchange, as they stand on the wire.
//!
//! Nothing here does IO. Field names, order and omission follow upstream's JSON to the byte.

pub mod admin;
pub mod alert;
pub mod allowlist;
pub mod decision;
pub mod error;
pub mod json;
pub mod machine;
pub mod origin;
pub mod range;
pub mod report;
pub mod scope;
pub mod stream;
pub mod usage;
pub mod watcher;
