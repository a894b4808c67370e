//! The log processor: acquisition, pipeline, outbox, push.
