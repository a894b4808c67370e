//! Tells the Local API what each source gives: soon after the start, when sources change, and every ten seconds.
//!
//! Upstream's Local API has no such route; it is then left alone for an hour.

use std::sync::Arc;
use std::time::Duration;

use client::lapi::Client;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use wire::report::{LONGEST_TEXT, MOST_SOURCES, Report, Source};

use crate::sources::Register;

/// Time between the start, or a change, and its report: changes come in groups.
const SOON: Duration = Duration::from_secs(2);

/// Time between two reports.
const INTERVAL: Duration = Duration::from_secs(10);

/// Time until a Local API without the route is asked again.
const LONG: Duration = Duration::from_hours(1);

/// Who reports.
#[derive(Debug, Clone)]
pub struct About {
    /// Version of this program.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
}

/// Reports until `token` is cancelled; a report that fails is superseded by the next.
pub async fn run(client: Arc<Client>, register: Register, about: About, token: CancellationToken) {
    let mut wait = SOON;
    let mut is_failing = false;
    loop {
        let rest = async {
            if wait > SOON && wait < LONG {
                // A change does not wait for the interval, but for those that come with it.
                if tokio::time::timeout(wait, register.changed()).await.is_ok() {
                    tokio::time::sleep(SOON).await;
                }
            } else {
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = rest => {}
        }
        let report = report(&register, &about);
        let result = tokio::select! {
            biased;
            () = token.cancelled() => return,
            result = client.report(&report) => result,
        };
        wait = INTERVAL;
        match result {
            Ok(true) => is_failing = false,
            Ok(false) => wait = LONG,
            Err(error) if is_failing => tracing::debug!(error = error.chain(), "report still fails"),
            Err(error) => {
                is_failing = true;
                tracing::warn!(error = error.chain(), "report of the sources fails");
            }
        }
    }
}

fn report(register: &Register, about: &About) -> Report {
    let sources = register.all().into_iter().map(|(name, source)| {
        let (read, parsed) = source.counts.lines();
        let mut error = [source.error, source.refused];
        error.sort_by_key(String::is_empty);
        Source {
            name: cut(name),
            kind: cut(source.kind),
            files: source.files as u64,
            read,
            parsed,
            last_line: source.counts.last().map_or_else(String::new, |at| at.to_string()),
            error: cut(std::mem::take(&mut error[0])),
        }
    });
    Report {
        sources: sources.take(MOST_SOURCES).collect(),
        version: about.version.clone(),
        started: about.started.to_string(),
    }
}

/// Cuts a text to what the Local API takes, at a character.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_totals_for_each_source() {
        let register = Register::default();
        let at = Timestamp::from_second(1_767_225_600).unwrap();
        let counts = register.begin("traefik/edge", "traefik");
        counts.line(true, at);
        counts.line(false, at);
        register.begin("/var/log/auth.log", "syslog");
        let refused = "e".repeat(LONGEST_TEXT + 9);
        register.set_refused(&[("/var/log/auth.log".to_owned(), refused)].into());
        let about = About {
            version: "v1".to_owned(),
            started: at,
        };
        let report = report(&register, &about);
        assert_eq!(report.problem(), None);
        let shown: Vec<String> = report
            .sources
            .iter()
            .map(|s| {
                format!(
                    "{} {} {} {} {:?} {}",
                    s.name,
                    s.kind,
                    s.read,
                    s.parsed,
                    s.last_line,
                    s.error.len()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                format!("/var/log/auth.log syslog 0 0 \"\" {LONGEST_TEXT}"),
                "traefik/edge traefik 2 1 \"2026-01-01T00:00:00Z\" 0".to_owned(),
            ]
        );
    }
}
