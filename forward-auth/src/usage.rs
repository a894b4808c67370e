//! Tells the Local API from time to time what was asked and refused. Shapes: `wire::usage`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use wire::usage::{AllMetrics, Base, Item, Os, RemediationComponent, Window as Reported, WindowMeta};

use crate::metrics::{Metrics, Window};
use crate::pull::Connection;
use crate::state::State;

/// Kind of bouncer, as the Local API lists it.
const KIND: &str = "crowdsec-forward-auth";

/// Reports until the stop, and once more then.
pub async fn run(
    mut connection: Connection,
    state: Arc<State>,
    metrics: Metrics,
    every: Duration,
    stop: CancellationToken,
) {
    let started = service::clock::now();
    let mut since = started;
    loop {
        let is_last = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(every) => false,
        };
        let now = service::clock::now();
        let window = metrics.take_window();
        let active = state.read(crate::decisions::Decisions::by_origin);
        let report = report(&window, &active, (started, since, now), metrics.last_pull());
        let sent = match connection.client() {
            Ok((client, _)) => client.usage_metrics(&report).await.is_ok(),
            Err(_unreadable) => false,
        };
        if sent {
            since = now;
        } else {
            tracing::debug!("usage metrics could not be sent; they are sent with the next ones");
            metrics.give_back(window);
        }
        if is_last {
            return;
        }
    }
}

/// Returns the body of a report.
fn report(
    window: &Window,
    active: &BTreeMap<String, u64>,
    (started, since, now): (Timestamp, Timestamp, Timestamp),
    last_pull: i64,
) -> AllMetrics {
    let item = |name: &str, unit: &str, value: u64, labels: &[(&str, &str)]| Item {
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        name: name.to_owned(),
        unit: unit.to_owned(),
        #[expect(clippy::cast_precision_loss, reason = "the wire has floats")]
        value: value as f64,
    };
    let mut items = Vec::new();
    for (version, count) in &window.processed {
        items.push(item("processed", "request", *count, &[("ip_type", version)]));
    }
    for ((origin, version), count) in &window.dropped {
        items.push(item(
            "dropped",
            "request",
            *count,
            &[("origin", origin), ("ip_type", version)],
        ));
    }
    for (origin, count) in active {
        items.push(item("active_decisions", "ip", *count, &[("origin", origin)]));
    }
    AllMetrics {
        log_processors: Vec::new(),
        remediation_components: vec![RemediationComponent {
            base: Base {
                feature_flags: Vec::new(),
                metrics: vec![Reported {
                    items,
                    meta: WindowMeta {
                        utc_now_timestamp: now.as_second(),
                        window_size_seconds: now.duration_since(since).as_secs(),
                    },
                }],
                os: Some(Os {
                    family: String::new(),
                    name: std::env::consts::OS.to_owned(),
                    version: std::env::consts::ARCH.to_owned(),
                }),
                utc_startup_timestamp: started.as_second(),
                version: format!("v{}", env!("CARGO_PKG_VERSION")),
            },
            last_pull,
            name: String::new(),
            type_: KIND.to_owned(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_passes_the_checks_of_the_local_api() {
        let window = Window {
            processed: BTreeMap::from([("ipv4", 7)]),
            dropped: BTreeMap::from([(("CAPI".to_owned(), "ipv4"), 2)]),
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let active = BTreeMap::from([("CAPI".to_owned(), 10)]);
        let report = report(&window, &active, (at(100), at(200), at(260)), 259);
        let body = wire::json::to_vec(&report).unwrap();
        let value = wire::json::parse(&body).unwrap();
        assert_eq!(wire::json::invalid::<AllMetrics>(&value), None);
        let text = String::from_utf8(body).unwrap();
        assert!(
            text.contains(r#""name":"dropped""#) && text.contains(r#""window_size_seconds":60"#),
            "{text}"
        );
    }
}
