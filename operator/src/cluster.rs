//! The cluster as controllers see it: what was observed, and the ways to change it.

pub mod apply;
pub mod controller;
pub mod events;
pub mod kinds;
pub mod scope;
pub mod store;
pub mod watch;
pub mod world;
