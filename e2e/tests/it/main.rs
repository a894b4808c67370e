//! Black-box tests: real programs on loopback and in namespaces of their own.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends the test")]

mod documents;
mod expected;
mod kills;
mod peers;
mod snapshot;
mod surroundings;
