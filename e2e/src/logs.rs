//! Log lines as real programs write them, for loads and replays.

use std::fmt::Write as _;

/// Failed SSH log-ins from `address`, one a second up to `now`, in the classic syslog form.
pub fn failed_logins(address: &str, count: u32, now: jiff::Timestamp) -> String {
    let mut text = String::new();
    for number in 0..count {
        let at = now.saturating_sub(jiff::Span::new().seconds(i64::from(count - number)));
        let time = at
            .unwrap_or(now)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .strftime("%b %e %H:%M:%S");
        let port = 40_000 + number;
        let id = 1000 + number;
        let line = writeln!(
            text,
            "{time} web1 sshd[{id}]: Failed password for invalid user guess{number} from {address} port {port} ssh2"
        );
        // Writing to a string cannot fail.
        debug_assert!(line.is_ok());
    }
    text
}
