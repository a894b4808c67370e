//! What the tests of several crates stand in for the outside world; no product depends on it.

#![expect(clippy::unwrap_used, reason = "a test is to fail where what it set up fails")]

pub mod http;
pub mod mmdb;
pub mod port;
