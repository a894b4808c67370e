//! The messages that agents, bouncers, `cscli` and the Local API exchange, as they stand on the wire.
//!
//! Nothing here does IO. Field names, order and omission follow upstream's JSON to the byte.

pub mod alert;
pub mod decision;
