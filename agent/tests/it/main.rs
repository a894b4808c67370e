//! The agent on real files and a real loopback Local API.

#![expect(clippy::unwrap_used, reason = "test code outside of test functions")]

mod crash;
mod install;
mod lapi;
mod live;
mod pods;
mod rotation;
