//! Exchanges recorded from upstream 1.7.8, sent again: the same status, headers that matter, and bytes.

use std::path::PathBuf;

use crate::http::exchange;
use crate::{KEY, Running};

/// One recorded exchange.
struct Probe {
    number: usize,
    request: Vec<u8>,
    label: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Headers whose value is part of the contract.
const MATTER: [&str; 8] = [
    "content-type",
    "content-length",
    "transfer-encoding",
    "location",
    "allow",
    "www-authenticate",
    "cache-control",
    "pragma",
];

pub(crate) fn shared() -> Option<PathBuf> {
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    #[expect(
        clippy::disallowed_methods,
        reason = "tests find shared data by this variable"
    )]
    let folder = std::env::var("SHARED_DIR").map_or(default, PathBuf::from);
    if folder.join("captures").is_dir() {
        return Some(folder);
    }
    println!("skipped: no SHARED_DIR");
    None
}

fn read(text: &str) -> Vec<Probe> {
    text.split("########## exchange ").skip(1).map(probe).collect()
}

fn probe(text: &str) -> Probe {
    let number = text.split_once(' ').unwrap().0.parse().unwrap();
    let (_, rest) = text.split_once(">>> REQUEST\n").unwrap();
    let (request, response) = rest.split_once("<<< RESPONSE\n").unwrap();
    let (head, request_body) = parts(request);
    let (answer, body) = parts(response);
    let zipped = request.contains(", gzip ");
    let mut sent = Vec::new();
    for line in head.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let line = match (name.to_ascii_lowercase().as_str(), value.trim()) {
            ("x-api-key", value) if value.contains("len=43") => format!("{name}: {KEY}"),
            ("x-api-key", _) => format!("{name}: wrong"),
            ("content-length", _) => continue,
            _ => line.to_owned(),
        };
        sent.extend_from_slice(line.as_bytes());
        sent.extend_from_slice(b"\r\n");
    }
    let body_bytes = if zipped {
        gzip(request_body.as_bytes())
    } else {
        request_body.as_bytes().to_vec()
    };
    if !body_bytes.is_empty() {
        sent.extend_from_slice(format!("Content-Length: {}\r\n", body_bytes.len()).as_bytes());
    }
    sent.extend_from_slice(b"Connection: close\r\n\r\n");
    sent.extend_from_slice(&body_bytes);
    let mut lines = answer.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(k, v)| (k.to_lowercase(), v.to_owned()));
    Probe {
        number,
        request: sent,
        label: head.lines().next().unwrap().to_owned(),
        status,
        headers: headers.collect(),
        body: body.to_owned(),
    }
}

/// Splits head and body of one side.
fn parts(text: &str) -> (&str, &str) {
    let (head, rest) = text.split_once("--- body").unwrap();
    let (_, body) = rest.split_once('\n').unwrap();
    let body = body.split("\n# connection").next().unwrap();
    (head, body.trim_end_matches('\n'))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Replaces what differs between two runs: identities, and seconds that have passed.
fn level(body: &str) -> String {
    let uuid = regex_lite(body);
    let mut out = String::new();
    for (index, part) in uuid.split("\"duration\":\"").enumerate() {
        if index == 0 {
            out.push_str(part);
            continue;
        }
        let (duration, rest) = part.split_once('"').unwrap();
        let seconds = golang::duration::Duration::parse(duration).unwrap().seconds();
        // A minute is more than any run takes, and every recorded duration lies just below a whole one.
        #[expect(clippy::cast_possible_truncation, reason = "minutes")]
        let minutes = (seconds / 60.0).ceil() as i64;
        out.push_str(&format!("\"duration\":\"~{minutes}m\"{rest}"));
    }
    out
}

fn regex_lite(body: &str) -> String {
    let mut out = String::new();
    for (index, part) in body.split("\"uuid\":\"").enumerate() {
        if index == 0 {
            out.push_str(part);
            continue;
        }
        let (uuid, rest) = part.split_once('"').unwrap();
        assert_eq!(uuid.len(), 36);
        out.push_str(&format!("\"uuid\":\"…\"{rest}"));
    }
    out
}

#[tokio::test]
async fn recorded_exchanges_get_the_same_answers() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("captures/raw-probes.txt")).unwrap();
    let probes = read(&text);
    assert!(probes.len() == 52, "{} probes", probes.len());
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("probe").await;
    let bans = [
        ("Ip", "192.0.2.10", "ban", "3h59m58s"),
        ("Ip", "2001:db8::10", "ban", "3h58m58s"),
        ("Range", "198.51.100.0/24", "captcha", "23h59m58s"),
        ("Country", "FR", "ban", "59m58s"),
        ("AS", "64500", "throttle", "1m29s"),
    ];
    for (scope, value, kind, duration) in bans {
        let body = crate::by_hand(scope, value, kind, duration);
        // The first one was given a reason of its own.
        let body = if value == "192.0.2.10" {
            body.replace("manual 'ban' from 'm1'", "manual ban v4")
        } else {
            body
        };
        let answer = lapi
            .send("POST", "/v1/alerts", &[&crate::bearer(&token)], &body)
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let mut wrong = Vec::new();
    for probe in &probes {
        let answer = exchange(lapi.address, None, &probe.request).await;
        let mut differences = Vec::new();
        if answer.status != probe.status {
            differences.push(format!("status {} instead of {}", answer.status, probe.status));
        }
        let (got, expected) = (level(&answer.text()), level(&probe.body));
        if got.trim_end() != expected.trim_end() {
            differences.push(format!("body\n  {got}\ninstead of\n  {expected}"));
        }
        for name in MATTER {
            let recorded = probe
                .headers
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str());
            let got = answer.header(name);
            // The length of a body with durations in it differs from run to run.
            let varies = name == "content-length" && probe.body.contains("duration");
            // HEAD answers: Go leaves the length away where it wrote nothing, and says it where it did.
            let head = name == "content-length" && probe.label.starts_with("HEAD");
            if got != recorded && !varies && !head {
                differences.push(format!("{name}: {got:?} instead of {recorded:?}"));
            }
        }
        if !differences.is_empty() {
            wrong.push(format!(
                "{} {}: {}",
                probe.number,
                probe.label,
                differences.join("; ")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} probes differ:\n{}",
        wrong.len(),
        probes.len(),
        wrong.join("\n")
    );
}
