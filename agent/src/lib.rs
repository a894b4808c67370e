//! The log processor: acquisition, pipeline, outbox, push.

pub mod acquire;
pub mod checkpoint;
pub mod outbox;
