//! Which pods run on this node and which targets select them; only metadata is watched.
//!
//! Targets stand in one `ConfigMap`. A target selects pods of its own namespace and no others, whoever wrote it.

pub mod labels;
pub mod pod;
pub mod targets;
pub mod view;
pub mod watch;

pub use labels::Selector;
pub use pod::Pod;
pub use targets::{Format, Target};
pub use view::{Known, Source, View};
