//! Scopes of decisions and alerts, and how their spellings are unified.
//!
//! Upstream: `pkg/types/event.go` and `pkg/database/utils.go`.

/// One address.
pub const IP: &str = "Ip";
/// A network.
pub const RANGE: &str = "Range";
/// An ISO country code.
pub const COUNTRY: &str = "Country";
/// An autonomous system.
pub const AS: &str = "AS";

/// Returns the canonical spelling of the four known scopes; any other stays as it is, case and all.
pub fn normalise(scope: &str) -> &str {
    [IP, RANGE, COUNTRY, AS]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(scope))
        .unwrap_or(scope)
}

/// Says whether values of this (canonical) scope are addresses or networks.
pub fn is_network(scope: &str) -> bool {
    scope.eq_ignore_ascii_case(IP) || scope.eq_ignore_ascii_case(RANGE)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn known_scopes_are_unified_and_others_kept() {
        for (input, expected) in [
            ("ip", "Ip"),
            ("RANGE", "Range"),
            ("country", "Country"),
            ("as", "AS"),
            ("UserName", "UserName"),
        ] {
            assert_eq!(normalise(input), expected);
        }
    }
}
