//! Generated logs with the alerts that upstream 1.7.8 raises on them, and the comparison with ours.
//!
//! The data lies beside the checkout (`SHARED_DIR/perf`); its README says what must be equal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::engine::Installation;
use crate::process::{run, run_command};

/// One generated log.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Kind of the generator: `nginx`, `sshd`, `cri`.
    pub kind: &'static str,
    /// Lines of the recorded run.
    pub lines: u32,
    /// `-type` of the replay.
    pub type_: &'static str,
    /// `-label` of the replay, if any.
    pub label: Option<&'static str>,
    /// File of the recorded rows.
    pub rows: &'static str,
}

/// The three recorded runs.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        kind: "nginx",
        lines: 100_000,
        type_: "nginx",
        label: None,
        rows: "nginx-100k.jsonl",
    },
    Workload {
        kind: "sshd",
        lines: 100_000,
        type_: "syslog",
        label: None,
        rows: "sshd-100k.jsonl",
    },
    Workload {
        kind: "cri",
        lines: 50_000,
        type_: "containerd",
        label: Some("program:nginx"),
        rows: "cri-50k.jsonl",
    },
];

/// The folder with generators and recordings, if it is there.
pub fn shared_dir() -> Option<PathBuf> {
    let path = std::env::var_os("SHARED_DIR").map(PathBuf::from)?;
    path.join("perf/expected").is_dir().then_some(path)
}

/// Installs exactly the items of the recorded runs, from the hub beside the checkout.
pub fn install_items(installation: &Installation<'_>, shared: &Path) -> Result<()> {
    let list = std::fs::read_to_string(shared.join("perf/expected/items.txt"))?;
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in list.lines() {
        if let [
            kind @ ("parsers" | "scenarios" | "postoverflows" | "contexts"),
            name,
            ..,
        ] = line.split('\t').collect::<Vec<_>>().as_slice()
        {
            by_type.entry(kind).or_default().push(name);
        }
    }
    ensure!(by_type.len() == 4, "items.txt names only {:?}", by_type.keys());
    let from_shared = |mut command: Command| {
        command
            .env("HUB_DIR", shared.join("hub"))
            .env("HUB_DATA_DIR", shared.join("hub-data"));
        run_command(command)
    };
    from_shared(installation.cscli_command(&["hub", "update"]))?;
    for (kind, names) in by_type {
        let mut command = installation.cscli_command(&[kind, "install"]);
        command.args(names);
        from_shared(command)?;
    }
    Ok(())
}

/// Writes the workload's log (`lines` lines, or its recorded number) below `folder`.
pub fn generate(workload: &Workload, lines: Option<u32>, folder: &Path, shared: &Path) -> Result<PathBuf> {
    let lines = lines.unwrap_or(workload.lines).to_string();
    let path = folder.join(format!("{}-{lines}.log", workload.kind));
    let mut command = Command::new("python3");
    command
        .arg(shared.join("perf/gen_logs.py"))
        .args([workload.kind, &lines, "1"]);
    std::fs::write(&path, run_command(command)?)?;
    Ok(path)
}

/// The arguments of a replay of `log`.
pub fn replay_arguments(workload: &Workload, log: &Path) -> Vec<String> {
    let mut words = vec![
        "-no-api".to_owned(),
        "-dsn".to_owned(),
        format!("file://{}", log.display()),
    ];
    words.extend(["-type".to_owned(), workload.type_.to_owned()]);
    if let Some(label) = workload.label {
        words.extend(["-label".to_owned(), label.to_owned()]);
    }
    words
}

/// The recorded rows, each with its fields in order, sorted.
pub fn recorded_rows(workload: &Workload, shared: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(shared.join("perf/expected").join(workload.rows))?;
    let mut rows = text
        .lines()
        .map(|line| Ok(normal(serde_json::from_str(line)?)))
        .collect::<Result<Vec<_>>>()?;
    rows.sort();
    Ok(rows)
}

/// The rows of what our Local API holds, in the form of the recorded ones, sorted.
///
/// Syslog lines carry no year, so the clock's is taken for them; it is read as the recording's.
pub fn stored_rows(installation: &Installation<'_>) -> Result<Vec<String>> {
    let text = installation.cscli(&["alerts", "list", "-l", "0", "-o", "json"])?;
    let alerts: Vec<Value> = serde_json::from_str(&text).context("reading cscli alerts list -o json")?;
    let lifetimes = decision_lifetimes(installation)?;
    let this_year = format!("{}-11-2", service::clock::now().strftime("%Y"));
    let mut rows: Vec<String> = alerts
        .iter()
        .map(|alert| row(alert, &lifetimes).replace(&this_year, "2026-11-2"))
        .collect();
    rows.sort();
    Ok(rows)
}

/// Rows that stand in only one of two sorted lists: (missing, surplus).
pub fn difference<'a>(expected: &'a [String], actual: &'a [String]) -> (Vec<&'a str>, Vec<&'a str>) {
    let count = |rows: &'a [String]| {
        rows.iter().fold(BTreeMap::<&str, i64>::new(), |mut map, row| {
            *map.entry(row).or_default() += 1;
            map
        })
    };
    let (left, right) = (count(expected), count(actual));
    let more = |a: &BTreeMap<&'a str, i64>, b: &BTreeMap<&'a str, i64>| {
        a.iter()
            .filter(|(row, n)| **n > b.get(*row).copied().unwrap_or(0))
            .map(|(row, _)| *row)
            .collect()
    };
    (more(&left, &right), more(&right, &left))
}

fn row(alert: &Value, lifetimes: &BTreeMap<i64, i64>) -> String {
    let events = alert["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    let times: Vec<String> = [events.first(), events.last()]
        .into_iter()
        .flatten()
        .map(event_time)
        .collect();
    let meta: serde_json::Map<String, Value> = alert["meta"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|m| Some((m["key"].as_str()?.to_owned(), m["value"].clone())))
        .collect();
    let decisions = alert["decisions"].as_array().into_iter().flatten().map(|d| {
        let lifetime = d["id"].as_i64().and_then(|id| lifetimes.get(&id)).copied().unwrap_or(-1);
        json!({"type": d["type"], "duration": hours(lifetime), "scope": d["scope"], "value": d["value"], "origin": d["origin"]})
    });
    normal(json!({
        "scenario": alert["scenario"],
        "scope": alert["source"]["scope"],
        "value": alert["source"]["value"],
        "events_count": alert["events_count"],
        "start_at": alert["start_at"],
        "stop_at": alert["stop_at"],
        "capacity": alert["capacity"],
        "leakspeed": alert["leakspeed"],
        "version": alert["scenario_version"],
        "hash": alert["scenario_hash"],
        "message": alert["message"],
        "remediation": alert["remediation"].as_bool().unwrap_or(false),
        "simulated": alert["simulated"],
        "events_posted": events.len(),
        "events_ts": times,
        "meta": meta,
        "decisions": decisions.collect::<Vec<_>>(),
    }))
}

/// One text per row, with keys in byte order, so that rows compare as text.
fn normal(value: Value) -> String {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let ordered: BTreeMap<String, Value> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
                Value::Object(ordered.into_iter().collect())
            }
            Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    sorted(value).to_string()
}

/// `2026-11-22 00:00:44 +0000 UTC`, as answers have it, in the form that posts have.
fn event_time(event: &Value) -> String {
    let text = event["timestamp"].as_str().unwrap_or_default();
    text.strip_suffix(" +0000 UTC")
        .map_or_else(|| text.to_owned(), |utc| format!("{}Z", utc.replace(' ', "T")))
}

fn hours(seconds: i64) -> String {
    if seconds % 3600 == 0 {
        format!("{}h", seconds / 3600)
    } else {
        format!("{seconds}s")
    }
}

/// Seconds between an alert's end and its decisions' end, by decision; the wire shows only what remains.
fn decision_lifetimes(installation: &Installation<'_>) -> Result<BTreeMap<i64, i64>> {
    let database = installation.path("data/crowdsec.db");
    let text = run("python3", ["-c", LIFETIMES, &database.to_string_lossy()])?;
    text.lines()
        .map(|line| {
            let (id, seconds) = line.split_once(' ').context("a row of two numbers")?;
            Ok((id.parse()?, seconds.parse()?))
        })
        .collect()
}

const LIFETIMES: &str = "import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=20)
for row in db.execute(\"\"\"select d.id, cast(round((julianday(d.until) - julianday(a.stopped_at)) * 86400) as integer)
    from decisions d join alerts a on a.id = d.alert_decisions\"\"\"):
    print(*row)";
