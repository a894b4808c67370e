//! Who took a decision. Upstream: `pkg/types/constants.go`.

/// A scenario of this engine.
pub const CROWDSEC: &str = "crowdsec";
/// `cscli decisions add`.
pub const CSCLI: &str = "cscli";
/// `cscli decisions import`.
pub const CSCLI_IMPORT: &str = "cscli-import";
/// The console.
pub const CONSOLE: &str = "console";
/// The community blocklist.
pub const CAPI: &str = "CAPI";
/// A subscribed blocklist.
pub const LISTS: &str = "lists";
/// The web application firewall.
pub const APPSEC: &str = "appsec";
