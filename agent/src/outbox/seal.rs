//! An alert made ready for the outbox: its JSON, its content key, its identity.

use sha2::{Digest as _, Sha256};
use wire::alert::Alert;

/// An alert that can be stored and sent without being looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Hex SHA-256 of machine, scenario, source, start, stop, events and salt: the same for each sending of one alert.
    pub key: String,
    /// Scenario, source and start: the same when one overflow is computed again from the same bucket.
    pub identity: String,
    /// Whether the scenario asks for a remediation.
    pub remediation: bool,
    /// The alert's JSON.
    pub body: Vec<u8>,
}

/// Seals `alert` of `machine`.
///
/// The salt tells two alerts apart that say the same, as identical lines on the log's clock make them.
pub fn seal(alert: &Alert, machine: &str, salt: (i128, usize)) -> serde_json::Result<Sealed> {
    let body = serde_json::to_vec(alert)?;
    let source = alert.source.as_ref();
    let scope = source
        .and_then(|source| source.scope.as_deref())
        .unwrap_or_default();
    let value = source
        .and_then(|source| source.value.as_deref())
        .unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [
        machine,
        &alert.scenario,
        scope,
        value,
        &alert.start_at,
        &alert.stop_at,
    ] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.update(alert.events_count.to_le_bytes());
    hash.update(salt.0.to_le_bytes());
    hash.update(salt.1.to_le_bytes());
    hash.update(serde_json::to_vec(&alert.events)?);
    let identity = format!("{} {scope} {value} {}", alert.scenario, alert.start_at);
    Ok(Sealed {
        key: hex(&hash.finalize()),
        identity,
        remediation: alert.remediation,
        body,
    })
}

/// Returns what one overflow has in common with itself when it is computed again from the same bucket.
pub fn identity(alert: &Alert) -> String {
    let (scope, value) = source_of(alert);
    format!("{} {scope} {value} {}", alert.scenario, alert.start_at)
}

fn source_of(alert: &Alert) -> (&str, &str) {
    let source = alert.source.as_ref();
    let scope = source
        .and_then(|source| source.scope.as_deref())
        .unwrap_or_default();
    let value = source
        .and_then(|source| source.value.as_deref())
        .unwrap_or_default();
    (scope, value)
}

/// Writes bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_changes_with_what_the_alert_says_and_with_nothing_else() {
        let alert = Alert {
            scenario: "a/b".to_owned(),
            start_at: "t0".to_owned(),
            ..Alert::default()
        };
        let key = |alert: &Alert| seal(alert, "m", (1, 0)).unwrap().key;
        let first = key(&alert);
        assert_eq!(first.len(), 64);
        assert_eq!(
            key(&Alert {
                message: "other words".to_owned(),
                ..alert.clone()
            }),
            first
        );
        assert_ne!(
            key(&Alert {
                stop_at: "t1".to_owned(),
                ..alert.clone()
            }),
            first
        );
        assert_ne!(
            key(&Alert {
                events: Some(Vec::new()),
                ..alert.clone()
            }),
            first
        );
        assert_ne!(seal(&alert, "n", (1, 0)).unwrap().key, first);
        assert_ne!(seal(&alert, "m", (1, 1)).unwrap().key, first);
    }
}
