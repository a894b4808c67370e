//! The log processor: acquisition, pipeline, outbox, push.

pub mod acquire;
pub mod checkpoint;
pub mod keep;
pub mod load;
pub mod metrics;
pub mod outbox;
pub mod pipeline;
pub mod push;
