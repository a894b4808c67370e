//! The file source: finds files by pattern, follows each through rotations, gives whole lines in order.
//!
//! `follow` decides which files are read and from where; `tail` reads one of them.

pub mod cat;
pub mod follow;
pub mod glob;
pub mod identity;
pub mod lines;
pub mod tail;
pub mod wake;
