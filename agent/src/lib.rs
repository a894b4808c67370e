//! The log processor: acquisition, pipeline, outbox, push.

pub mod acquire;
pub mod checkpoint;
pub mod heartbeat;
pub mod keep;
pub mod load;
pub mod metrics;
pub mod outbox;
pub mod pipeline;
pub mod push;
pub mod replay;
pub mod report;
pub mod run;
pub mod setup;
pub mod sources;
mod state;
pub mod usage;

pub use setup::{Loaded, Problems, Program, Sources};
