//! `cscli hubtest`: runs the hub's own tests in this process.

pub mod assertion;
pub mod case;
pub(crate) mod command;
pub mod generate;
pub mod replay;
pub mod results;
pub mod verdict;
