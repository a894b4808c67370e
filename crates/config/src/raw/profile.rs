//! One document of `profiles.yaml`. Upstream: `csconfig.ProfileCfg`.

use crate::raw::section;

section! {
    /// One document.
    Profile {
        /// Name.
        name: String,
        /// Whether its expressions are traced.
        debug: bool,
        /// Expressions, one of which must be true.
        filters: Vec<String>,
        /// What is decided.
        decisions: Vec<Decision>,
        /// Expression for the duration.
        duration_expr: String,
        /// `continue` or `break`.
        on_success: String,
        /// Without effect.
        on_failure: String,
        /// `apply`, `continue`, `ignore` or `break`.
        on_error: String,
        /// Names of notifications.
        notifications: Vec<String>,
    }
}

section! {
    /// One entry of `decisions`; the other keys of a decision are accepted and overwritten later.
    Decision {
        /// Kind of remediation.
        r#type: String,
        /// How long.
        duration: String,
        /// Scope, instead of the alert's.
        scope: String,
        /// Origin below `crowdsec/`.
        origin: String,
        /// Whether it is only simulated.
        simulated: bool,
        /// Overwritten by the alert's value.
        value: String,
        /// Overwritten by the alert's scenario.
        scenario: String,
        /// Overwritten.
        id: i64,
        /// Overwritten.
        uuid: String,
        /// Overwritten.
        until: String,
    }
}
