//! The hub: which detection content exists, what of it is on this machine, and how to change that.
//!
//! `Hub::open` reads the index and the folders; `plan` decides without touching anything; `apply` makes the links
//! and files. The engine's loader takes `Hub::installed`. Nothing here opens a socket: what comes from the network
//! comes through [`source::Fetch`].

pub mod apply;
pub mod data;
pub mod document;
pub mod index;
pub mod item;
pub mod kind;
pub mod plan;
pub mod source;
pub mod starter;
pub mod state;
mod sync;

pub use index::{Dependencies, Entry, Index};
pub use item::{Item, State};
pub use kind::{ItemRef, ItemType};
pub use plan::{Action, Plan};
pub use state::{Error, Hub, InstalledItem, Paths};
