//! The formats Go programs write and read: YAML, durations, times, fmt, regular expressions, JSON.
//!
//! Everything here is pure: no file, clock, environment or network. Every other crate may call it.

pub mod duration;
pub mod fmt;
pub mod json;
pub mod regexp;
pub mod strings;
pub mod time;
pub mod url;
pub mod yaml;
