//! Whole replays of generated logs raise the alerts upstream raised on them, whatever the number of workers.
//!
//! The recorded alerts lie beside the checkout (`perf/expected` in `SHARED_DIR`), with the rules of the comparison.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, mpsc::sync_channel},
};

use engine::{
    ItemFile, Kind, Mode, Name, RawLine, Rules, World,
    detector::{Detector, Settings, digest},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use wire::alert::Alert;

/// Lines a worker takes at a time.
const CHUNK: usize = 512;

fn shared() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let dir = std::env::var_os("SHARED_DIR").map_or_else(|| PathBuf::from(default), PathBuf::from);
    if !dir.join("perf/expected/items.txt").is_file() {
        println!("skipped: no SHARED_DIR");
        return None;
    }
    if engine::grok::patterns().is_empty() {
        println!("skipped: no pattern files");
        return None;
    }
    Some(dir)
}

/// Replays `lines` generated lines of `kind` and compares all rows, for 1, 2 and 4 workers.
fn check(kind: &str, lines: usize, expected: &str, labels: &[(&str, &str)]) {
    let Some(shared) = shared() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = dir.path().join(format!("{kind}.log"));
    generate(&shared, kind, lines, &log);
    let text = std::fs::read_to_string(&log).expect("the generated log");
    let lines: Vec<&str> = text.lines().collect();
    let rules = Arc::new(load(&shared));
    let expected =
        std::fs::read_to_string(shared.join("perf/expected").join(expected)).expect("recorded rows");
    let expected: Vec<String> = expected.lines().map(without_decisions).collect();
    for (workers, shards) in [(1, 1), (2, 3), (4, 1)] {
        let alerts = replay(&rules, &lines, labels, workers, shards);
        let mut rows: Vec<String> = alerts.iter().map(|alert| row(alert).to_string()).collect();
        rows.sort_unstable();
        compare(&expected, &rows, &format!("{kind} with {workers} workers"));
    }
}

fn generate(shared: &Path, kind: &str, lines: usize, log: &Path) {
    let status = Command::new("python3")
        .arg(shared.join("perf/gen_logs.py"))
        .args([kind, &lines.to_string(), "1"])
        .stdout(std::fs::File::create(log).expect("a log file"))
        .status()
        .expect("python3 runs");
    assert!(status.success(), "gen_logs.py {kind}");
}

/// Loads exactly the items of `items.txt` with their data files.
fn load(shared: &Path) -> Rules {
    let list = std::fs::read_to_string(shared.join("perf/expected/items.txt")).expect("items.txt");
    let mut items = Vec::new();
    let mut world = World {
        patterns: engine::grok::patterns(),
        ..World::default()
    };
    for line in list.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [kind, name, version, path, hash] = columns[..] else {
            continue;
        };
        let kind = match kind {
            "parsers" => Kind::Parser,
            "scenarios" => Kind::Scenario,
            "postoverflows" => Kind::Postoverflow,
            "contexts" => Kind::Context,
            _ => continue,
        };
        let text = std::fs::read_to_string(shared.join("hub").join(path)).expect("a hub item");
        for (file, url_path) in data_entries(&text) {
            let data = std::fs::read_to_string(shared.join("hub-data").join(url_path));
            if let Ok(data) = data {
                world.data.insert(file, Arc::from(data));
            }
        }
        let parts: Vec<&str> = path.split('/').collect();
        let stage = if parts.len() == 4 { parts[1] } else { "" };
        let base = parts.last().expect("a file name");
        items.push(ItemFile {
            kind,
            stage: stage.to_owned(),
            path: format!("{}/{stage}/{base}", parts[0]).replace("//", "/"),
            name: name.to_owned(),
            version: version.to_owned(),
            hash: hash.to_owned(),
            text,
        });
    }
    let loaded = Rules::load(&items, world, engine::Settings::default());
    loaded
        .map_err(|problems| problems[0].to_string())
        .expect("every item loads")
}

/// Finds the pairs of `dest_file` and path of `source_url` in an item.
fn data_entries(text: &str) -> Vec<(String, String)> {
    let value = |line: &str, key: &str| {
        let rest = line
            .trim_start()
            .trim_start_matches("- ")
            .trim_start()
            .strip_prefix(key)?;
        Some(
            rest.trim_start_matches(':')
                .trim()
                .trim_matches(['"', '\''])
                .to_owned(),
        )
    };
    let urls = text.lines().filter_map(|line| value(line, "source_url"));
    let files = text.lines().filter_map(|line| value(line, "dest_file"));
    let path = |url: String| {
        url.split_once(".net/")
            .map(|(_, path)| path.to_owned())
            .unwrap_or_default()
    };
    files.zip(urls.map(path)).collect()
}

/// Parses on `workers` threads and pours in line order.
fn replay(
    rules: &Arc<Rules>,
    lines: &[&str],
    labels: &[(&str, &str)],
    workers: usize,
    shards: usize,
) -> Vec<Alert> {
    let now: Timestamp = "2026-11-25T01:00:00Z".parse().expect("a time");
    let labels: Arc<BTreeMap<String, String>> = Arc::new(
        labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    );
    let mut detector = Detector::new(
        rules.clone(),
        Settings {
            shards,
            ..Settings::default()
        },
    );
    let mut alerts = Vec::new();
    std::thread::scope(|scope| {
        let mut receivers = Vec::new();
        for worker in 0..workers {
            let (sender, receiver) = sync_channel(4);
            receivers.push(receiver);
            let labels = labels.clone();
            scope.spawn(move || {
                let mut caches = rules.worker();
                for chunk in lines.chunks(CHUNK).skip(worker).step_by(workers) {
                    let digests: Vec<_> = chunk
                        .iter()
                        .map(|line| {
                            let line = RawLine {
                                text: engine::Text::from(*line),
                                source: Arc::from("log"),
                                labels: labels.clone(),
                                module: Name::new("file"),
                                at: now,
                            };
                            digest(rules, &mut caches, line, Mode::TimeMachine, now, None)
                        })
                        .collect();
                    if sender.send(digests).is_err() {
                        return;
                    }
                }
            });
        }
        for chunk in 0..lines.len().div_ceil(CHUNK) {
            for digest in receivers[chunk % workers].recv().expect("a worker's chunk") {
                alerts.extend(
                    detector
                        .pour(&digest, now)
                        .into_iter()
                        .flat_map(|overflow| overflow.alerts),
                );
            }
        }
    });
    alerts
}

/// Writes an alert as the rows of `perf/expected` are written, decisions left out.
fn row(alert: &Alert) -> Value {
    let source = alert.source.clone().unwrap_or_default();
    let events = alert.events.clone().unwrap_or_default();
    let timestamp = |event: Option<&wire::alert::Event>| event.map(|event| event.timestamp.clone());
    let meta: serde_json::Map<String, Value> = alert
        .meta
        .iter()
        .map(|meta| (meta.key.clone(), Value::from(meta.value.clone())))
        .collect();
    assert_eq!(
        (alert.kind.as_str(), &alert.labels, &alert.decisions),
        ("crowdsec", &None, &None)
    );
    assert_eq!(Some(&source.ip), source.value.as_ref());
    sorted(&json!({
        "scenario": alert.scenario,
        "scope": source.scope,
        "value": source.value,
        "events_count": alert.events_count,
        "start_at": alert.start_at,
        "stop_at": alert.stop_at,
        "capacity": alert.capacity,
        "leakspeed": alert.leakspeed,
        "version": alert.scenario_version,
        "hash": alert.scenario_hash,
        "message": alert.message,
        "remediation": alert.remediation,
        "simulated": alert.simulated,
        "events_posted": events.len(),
        "events_ts": [timestamp(events.first()), timestamp(events.last())],
        "meta": meta,
    }))
}

fn without_decisions(row: &str) -> String {
    let mut row: Value = serde_json::from_str(row).expect("a recorded row");
    row.as_object_mut().expect("an object").remove("decisions");
    sorted(&row).to_string()
}

/// Puts the keys of an object and of its objects in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let ordered: BTreeMap<&String, Value> =
                entries.iter().map(|(key, value)| (key, sorted(value))).collect();
            ordered
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        other => other.clone(),
    }
}

fn compare(expected: &[String], rows: &[String], what: &str) {
    let count = |rows: &[String]| {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for row in rows {
            *counts.entry(row.clone()).or_default() += 1;
        }
        counts
    };
    let (want, have) = (count(expected), count(rows));
    let missing: Vec<&String> = want
        .iter()
        .filter(|(row, n)| have.get(*row).unwrap_or(&0) < n)
        .map(|(row, _)| row)
        .collect();
    let extra: Vec<&String> = have
        .iter()
        .filter(|(row, n)| want.get(*row).unwrap_or(&0) < n)
        .map(|(row, _)| row)
        .collect();
    println!(
        "{what}: {} rows, {} expected, {} missing, {} extra",
        rows.len(),
        expected.len(),
        missing.len(),
        extra.len()
    );
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{what}: {} rows differ from upstream's\nmissing, first of {}:\n{:#?}\nextra, first of {}:\n{:#?}",
        missing.len().max(extra.len()),
        missing.len(),
        missing.iter().take(5).collect::<Vec<_>>(),
        extra.len(),
        extra.iter().take(5).collect::<Vec<_>>(),
    );
}

#[test]
fn nginx_lines_raise_upstreams_alerts() {
    check("nginx", 100_000, "nginx-100k.jsonl", &[("type", "nginx")]);
}

#[test]
fn sshd_lines_raise_upstreams_alerts() {
    check("sshd", 100_000, "sshd-100k.jsonl", &[("type", "syslog")]);
}

#[test]
fn container_lines_raise_upstreams_alerts() {
    check(
        "cri",
        50_000,
        "cri-50k.jsonl",
        &[("type", "containerd"), ("program", "nginx")],
    );
}
