//! Configuration files, as written (`raw`) and with paths, defaults and rules in place (`resolved`).
//!
//! Only `load` reads files; the environment is a map that the caller passes in.

pub mod expand;
pub mod load;
pub mod problem;
pub mod raw;
pub mod resolved;
pub mod secret;

mod locate;
mod overlay;
mod resolve;

pub use expand::Env;
pub use load::{Parts, load, load_parts};
pub use problem::Problem;
pub use resolved::Config;
pub use secret::Secret;
