//! One decision in memory, and how it is written out.

use std::sync::Arc;

use golang::duration::Duration;
use uuid::Uuid;
use wire::range::Range;

/// A decision; texts that repeat are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Row id.
    pub id: i64,
    /// Row id of its alert; 0 for an orphan.
    pub alert: i64,
    /// End, nanoseconds since 1970.
    pub until: i64,
    /// Commit (or notice) time, nanoseconds since 1970; 0 = that of the commit that carries it.
    pub visible: i64,
    /// When its early end was noticed; `None` while nothing ended it early.
    pub ended: Option<i64>,
    /// Addresses it stands for; size 0 for scopes without.
    pub range: Range,
    /// Scope, canonical.
    pub scope: Arc<str>,
    /// Remediation.
    pub kind: Arc<str>,
    /// Who took it.
    pub origin: Arc<str>,
    /// Scenario or reason.
    pub scenario: Arc<str>,
    /// Address, country, …
    pub value: Box<str>,
    /// Identity; `None` in rows of old versions.
    pub uuid: Option<Uuid>,
    /// Whether it must not be enforced.
    pub simulated: bool,
}

impl Record {
    /// Returns the place of its end in the change log.
    pub fn end(&self) -> i64 {
        self.ended.map_or(self.until, |noticed| noticed.max(self.until))
    }

    /// Says whether it is in force.
    pub fn is_active(&self, now: i64) -> bool {
        self.until >= now
    }

    /// Says whether another stands for the same thing.
    pub fn same_subject(&self, other: &Self) -> bool {
        self.value == other.value && self.kind == other.kind && self.scope == other.scope
    }

    /// Appends the JSON object bouncers get; only the stream carries the uuid. Upstream: `controllers/v1/decisions.go`.
    pub fn write_json(&self, now: i64, with_uuid: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"duration\":\"");
        out.extend_from_slice(remaining(self.until, now).as_bytes());
        out.extend_from_slice(b"\",\"id\":");
        out.extend_from_slice(self.id.to_string().as_bytes());
        for (key, text) in [
            (",\"origin\":", &*self.origin),
            (",\"scenario\":", &self.scenario),
            (",\"scope\":", &self.scope),
            (",\"type\":", &self.kind),
        ] {
            out.extend_from_slice(key.as_bytes());
            write_text(text, out);
        }
        if let (true, Some(uuid)) = (with_uuid, self.uuid) {
            out.extend_from_slice(b",\"uuid\":\"");
            out.extend_from_slice(
                uuid.hyphenated()
                    .encode_lower(&mut Uuid::encode_buffer())
                    .as_bytes(),
            );
            out.push(b'"');
        }
        out.extend_from_slice(b",\"value\":");
        write_text(&self.value, out);
        out.push(b'}');
    }
}

/// Returns the time left in whole seconds as Go prints durations; clients refuse fractions.
pub fn remaining(until: i64, now: i64) -> String {
    Duration(until.saturating_sub(now))
        .round(Duration::SECOND)
        .to_string()
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let plain = text
        .bytes()
        .all(|b| matches!(b, 0x20..=0x7e) && !matches!(b, b'"' | b'\\' | b'<' | b'>' | b'&'));
    if plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if let Ok(json) = wire::json::to_vec(text) {
        out.extend_from_slice(&json);
    }
}

#[cfg(test)]
mod tests {
    use super::remaining;

    #[test]
    fn time_left_is_whole_seconds_in_gos_form() {
        let check = |nanoseconds: i64, expected: &str| assert_eq!(remaining(nanoseconds, 0), expected);
        check(14_398_000_000_000, "3h59m58s");
        check(14_397_600_000_000, "3h59m58s");
        check(-15_409_902, "0s");
        check(-1_600_000_000, "-2s");
        check(2_592_000_000_000_000, "720h0m0s");
    }
}
