//! Generators, tidy tests and the demo; nothing that ships.

pub mod bench;
pub mod demo;
pub mod e2e;
#[cfg(test)]
mod generated;
pub mod image;
pub mod setup;
#[cfg(test)]
mod tidy;
