//! Generators, tidy tests and the demo; nothing that ships.

pub mod bench;
pub mod demo;
pub mod setup;
#[cfg(test)]
mod tidy;
