//! Usage metrics: what was read, parsed and whitelisted since the last report, at the start and every half hour.
//!
//! Upstream: `cmd/crowdsec/lpmetrics.go`, names, units and labels among it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::lapi::Client;
use engine::counters::{Series, Totals};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use wire::usage::{AllMetrics, Base, HubItem, Item, LogProcessor, Os, Window, WindowMeta};

use crate::metrics::{FILE_HITS, Metrics};

/// Time between two reports.
const INTERVAL: Duration = Duration::from_mins(30);

/// What does not change while a configuration is in force.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Version of this program.
    pub version: String,
    /// Operating system.
    pub os: Os,
    /// Features that are on.
    pub features: Vec<String>,
    /// Installed items by type.
    pub hub_items: BTreeMap<String, Vec<HubItem>>,
    /// How many data sources of which type.
    pub datasources: BTreeMap<String, i64>,
    /// When the process started.
    pub started: Option<Timestamp>,
}

/// Reports until `token` is cancelled; a report that fails is sent with the next one.
pub async fn run(client: Arc<Client>, metrics: Metrics, facts: Facts, token: CancellationToken) {
    let mut reported = Totals::new();
    let mut since = service::clock::now();
    loop {
        let (now, all) = (service::clock::now(), metrics.all());
        let report = report(&facts, &reported, &all, since, now);
        let result = tokio::select! {
            biased;
            () = token.cancelled() => return,
            result = client.usage_metrics(&report) => result,
        };
        match result {
            Ok(true) => (reported, since) = (all, now),
            Ok(false) => tracing::info!("the local api is older than usage metrics"),
            Err(error) => tracing::warn!(
                error = error.chain(),
                "usage metrics are sent with the next report"
            ),
        }
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

fn report(facts: &Facts, before: &Totals, after: &Totals, since: Timestamp, now: Timestamp) -> AllMetrics {
    let Facts {
        version,
        os,
        features,
        hub_items,
        datasources,
        started,
    } = facts;
    let window = Window {
        items: items(before, after),
        meta: WindowMeta {
            utc_now_timestamp: now.as_second(),
            window_size_seconds: now.as_second() - since.as_second(),
        },
    };
    let base = Base {
        feature_flags: features.clone(),
        metrics: vec![window],
        os: Some(os.clone()),
        utc_startup_timestamp: started.map_or(0, Timestamp::as_second),
        version: version.clone(),
    };
    let processor = LogProcessor {
        base,
        datasources: datasources.clone(),
        hub_items: hub_items.clone(),
        ..LogProcessor::default()
    };
    AllMetrics {
        log_processors: vec![processor],
        ..AllMetrics::default()
    }
}

fn items(before: &Totals, after: &Totals) -> Vec<Item> {
    let mut sums: BTreeMap<(&'static str, Labels), u64> = BTreeMap::new();
    for (series, count) in after {
        let more = count.saturating_sub(before.get(series).copied().unwrap_or_default());
        if let Some(name) = name_of(series).filter(|_| more > 0) {
            *sums.entry((name, labels_of(name, series))).or_default() += more;
        }
    }
    sums.into_iter()
        .map(|((name, labels), count)| Item {
            labels: labels
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            name: name.to_owned(),
            unit: if name == "read" { "line" } else { "event" }.to_owned(),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the wire has floats; 2^53 lines are out of reach"
            )]
            value: count as f64,
        })
        .collect()
}

fn name_of(series: &Series) -> Option<&'static str> {
    // Upstream: the nodes inside a parser are named child-… and are not reported.
    if series.name.starts_with("child-") {
        return None;
    }
    Some(match series.metric {
        FILE_HITS => "read",
        "cs_node_hits_ok_total" => "parsed",
        "cs_node_hits_ko_total" => "unparsed",
        "cs_parser_hits_ok_total" => "global_parsed",
        "cs_parser_hits_ko_total" => "global_unparsed",
        "cs_node_wl_hits_ok_total" => "whitelisted",
        _ => return None,
    })
}

/// Names and values, in a fixed order.
type Labels = Vec<(&'static str, String)>;

fn labels_of(name: &str, series: &Series) -> Labels {
    let mut labels = vec![
        ("source", series.source.to_string()),
        ("datasource_type", series.kind.to_string()),
        ("acquis_type", series.acquis_type.to_string()),
    ];
    match name {
        "parsed" | "unparsed" => {
            labels.push(("parser_name", series.name.to_owned()));
            labels.push(("parser_stage", series.stage.to_owned()));
        }
        "whitelisted" => {
            labels.push(("whitelist_name", series.name.to_owned()));
            labels.push(("whitelist_stage", series.stage.to_owned()));
        }
        _ => {}
    }
    labels.retain(|(_, value)| !value.is_empty());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &'static str, name: &'static str) -> Series {
        Series {
            metric,
            source: Arc::from("x.log"),
            kind: Arc::from("file"),
            acquis_type: Arc::from("nginx"),
            name,
            stage: if name.is_empty() { "" } else { "s01-parse" },
            reason: "",
        }
    }

    #[test]
    fn a_report_has_what_changed_since_the_last() {
        let before = Totals::from([
            (series(FILE_HITS, ""), 3),
            (series("cs_parser_hits_ok_total", ""), 2),
        ]);
        let after = Totals::from([
            (series(FILE_HITS, ""), 10),
            (series("cs_parser_hits_ok_total", ""), 2),
            (series("cs_node_hits_ok_total", "a/b"), 4),
            (series("cs_node_hits_ok_total", "child-a/b"), 4),
            (series("cs_bucket_overflowed_total", "a/b"), 4),
        ]);
        let shown: Vec<String> = items(&before, &after)
            .into_iter()
            .map(|item| format!("{} {} {} {:?}", item.name, item.value, item.unit, item.labels))
            .collect();
        assert_eq!(
            shown,
            [
                r#"parsed 4 event {"acquis_type": "nginx", "datasource_type": "file", "parser_name": "a/b", "parser_stage": "s01-parse", "source": "x.log"}"#,
                r#"read 7 line {"acquis_type": "nginx", "datasource_type": "file", "source": "x.log"}"#,
            ]
        );
    }
}
