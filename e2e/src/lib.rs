//! Black-box parts for tests and the demo: real programs, real network namespaces, our binary as a user runs it.
//!
//! Nothing here knows the inside of a product; it runs `crowdsec` and `cscli` and reads what they print.

pub mod binary;
pub mod cluster;
pub mod curl;
pub mod engine;
pub mod expected;
pub mod logs;
pub mod netns;
pub mod packages;
pub mod peers;
pub mod process;
pub mod upstream;
pub mod wait;
