//! Compares the crate with verdicts recorded from the Go standard library and the YAML packages.

mod laws;
mod std_library;
mod yaml;
