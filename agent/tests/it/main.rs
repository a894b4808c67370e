//! The agent on real files and a real loopback Local API.

mod rotation;
