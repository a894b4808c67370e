//! What every process shares: the clock, logging, signals, tasks, readiness and the listener on 6060.

pub mod clock;
pub mod logging;
pub mod metrics;
pub mod notify;
pub mod ready;
pub mod signals;
pub mod tasks;
