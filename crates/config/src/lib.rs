//! Configuration files, as written (`raw`) and with paths, defaults and rules in place (`resolved`).
//!
//! Only `load` reads files; the environment is a map that the caller passes in.

pub mod load;
pub mod problem;
pub mod resolved;
pub mod secret;

pub use load::{Env, load};
pub use problem::Problem;
pub use resolved::Config;
pub use secret::Secret;
