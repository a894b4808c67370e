//! Names of the objects that are made, derived from the name of the resource they belong to.

use sha2::{Digest as _, Sha256};

/// Longest name of a Service, and of a label's value.
const MAX: usize = 63;

/// Name part of an engine's Local API.
pub const LAPI: &str = "lapi";
/// Name part of the Service for Prometheus.
pub const LAPI_METRICS: &str = "lapi-metrics";
/// Name part of the claim.
pub const LAPI_DATA: &str = "lapi-data";
/// Name part of the Secret with the Local API's certificate.
pub const LAPI_TLS: &str = "lapi-tls";
/// Name part of an agent's objects.
pub const AGENT: &str = "agent";
/// Name part of the ConfigMap with an agent's targets.
pub const AGENT_TARGETS: &str = "agent-targets";
/// Name part of the Secret with a bouncer's key.
pub const BOUNCER: &str = "bouncer";
/// Name part of the forward-auth Service.
pub const FORWARD_AUTH: &str = "forward-auth";

/// Returns `name-part` when that is a valid name of a Service (RFC 1035, at most 63 characters); otherwise as much of
/// `name` as fits, a hash of the whole and the part.
pub fn derived(name: &str, part: &str) -> String {
    let whole = if part.is_empty() {
        name.to_owned()
    } else {
        format!("{name}-{part}")
    };
    if is_label(&whole) {
        return whole;
    }
    let hash = hex::encode(Sha256::digest(whole.as_bytes()));
    let hash: String = hash.chars().take(8).collect();
    let tail = if part.is_empty() {
        format!("-{hash}")
    } else {
        format!("-{hash}-{part}")
    };
    let mut head: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .collect();
    if !head.starts_with(|c: char| c.is_ascii_lowercase()) {
        head.insert(0, 'n');
    }
    let head: String = head.chars().take(MAX.saturating_sub(tail.len())).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

/// Says whether `text` is a label of RFC 1035 as Kubernetes wants it for Services.
pub fn is_label(text: &str) -> bool {
    text.len() <= MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Returns the login of the agent on `node`.
pub fn machine(namespace: &str, processor: &str, node: &str) -> String {
    format!("{namespace}:{processor}:{node}")
}

/// Returns the name of a bouncer's row for one version of its key.
pub fn bouncer_row(namespace: &str, bouncer: &str, version: i64) -> String {
    format!("{namespace}:{bouncer}:{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, part: &str, expected: &str) {
        let derived = derived(name, part);
        assert_eq!(derived, expected);
        assert!(is_label(&derived), "{derived}");
    }

    #[test]
    fn a_short_name_is_kept() {
        check("main", LAPI, "main-lapi");
        check("main", "", "main");
    }

    #[test]
    fn a_name_that_is_too_long_ends_in_a_hash_and_its_part() {
        let long = "a".repeat(63);
        check(&long, LAPI, &format!("{}-aebc741a-lapi", "a".repeat(49)));
        check(&format!("{long}b"), "", &format!("{}-97aa7c54", "a".repeat(54)));
    }

    #[test]
    fn names_that_a_service_cannot_have_are_made_valid_and_stay_distinct() {
        check("my.engine", LAPI, "my-engine-814a8470-lapi");
        check("1st", LAPI, "n1st-1afa01d3-lapi");
        assert_ne!(derived("my.engine", LAPI), derived("my-engine", LAPI));
    }

    #[test]
    fn two_long_names_with_the_same_beginning_differ() {
        let (one, two) = (
            format!("{}-one", "x".repeat(60)),
            format!("{}-two", "x".repeat(60)),
        );
        assert_ne!(derived(&one, LAPI), derived(&two, LAPI));
    }
}
