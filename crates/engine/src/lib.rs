//! The engine: log lines become events, events fill buckets, buckets overflow into alerts. No IO and no clock in here.

pub mod alert;
pub mod bucket;
pub mod context;
pub mod counters;
pub mod data;
pub mod detector;
pub mod enrich;
pub mod env;
pub mod event;
pub mod grok;
pub mod item;
mod loader;
pub mod overflow;
pub mod parser;
pub mod problem;
pub mod rules;
pub mod simulation;
pub mod stash;
pub mod trace;
pub mod world;

pub use event::{Event, Fields, Line, Mode, Name, RawLine};
pub use item::{ItemFile, Kind};
pub use problem::Problem;
pub use rules::{Rules, Settings, Worker};
pub use world::World;

/// A piece of text that shares its buffer: most values of an event are spans into the log line.
pub type Text = expr::Text;
