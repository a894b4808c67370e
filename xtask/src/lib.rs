//! Generators, tidy tests and the demo; nothing that ships.

pub mod bench;
pub mod demo;
#[cfg(test)]
mod tidy;
