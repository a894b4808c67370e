//! The files as they are written: every key optional, unknown keys refused, nothing checked beyond types.
//!
//! Reading and writing use the same types, so what is rendered here can always be read. Nothing is written for what is
//! not given.

pub mod acquisition;
pub mod content;
pub mod credentials;
pub mod main;
pub mod profile;

pub use acquisition::{FileAcquisition, Head, PodsAcquisition};
pub use content::{Console, Context, Notification, Simulation};
pub use credentials::{Credentials, OnlineCredentials};
pub use main::Main;
pub use profile::{Decision, Profile};

/// Defines a section: a strict struct whose fields are all optional, and how a `.local` file overrides it.
macro_rules! section {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,)*
        }

        impl $crate::overlay::Overlay for $name {
            fn overlay(&mut self, over: Self, written: &serde_json::Value) {
                $(
                    let key = stringify!($field);
                    let below = written.get(key.strip_prefix("r#").unwrap_or(key));
                    $crate::overlay::field(&mut self.$field, over.$field, below);
                )*
            }
        }
    };
}
pub(crate) use section;

#[cfg(test)]
mod tests;
