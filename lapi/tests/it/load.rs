//! Many decisions, many bouncers, many writers: nothing is missed, nobody waits for another.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::connect;
use crate::{KEY, Running, bearer};

/// An alert that carries many decisions, as an import does.
fn import(first: usize, count: usize) -> String {
    let decisions: Vec<_> = (first..first + count)
        .map(|index| {
            let value = format!("10.{}.{}.{}", index >> 16, (index >> 8) & 255, index & 255);
            serde_json::json!({"duration": "24h", "origin": "cscli-import", "scenario": "manual", "scope": "Ip", "type": "ban", "value": value})
        })
        .collect();
    let now = service::clock::now().to_string();
    serde_json::json!([{
        "capacity": 0, "events": [], "events_count": 1, "leakspeed": "0", "message": "", "scenario": "import",
        "scenario_hash": "", "scenario_version": "", "simulated": false, "start_at": now, "stop_at": now,
        "source": {"scope": "", "value": ""}, "decisions": decisions,
    }])
    .to_string()
}

async fn post(lapi: &Running, token: &str, body: &str) {
    let answer = lapi.send("POST", "/v1/alerts", &[&bearer(token)], body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_decisions_start_a_bouncer_and_a_cut_answer_moves_no_cursor() {
    const ALL: usize = 100_000;
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    for first in (0..ALL).step_by(10_000) {
        post(&lapi, &token, &import(first, 10_000)).await;
    }
    // A client that reads a little of a delta and goes.
    let mut cut = connect(lapi.address, None).await;
    let request = format!("GET /v1/decisions/stream HTTP/1.1\r\nHost: a\r\nX-Api-Key: {KEY}\r\n\r\n");
    cut.write_all(request.as_bytes()).await.unwrap();
    let mut some = [0; 1000];
    cut.read_exact(&mut some).await.unwrap();
    // One that reads nothing holds up nobody.
    let mut lazy = connect(lapi.address, None).await;
    lazy.write_all(request.as_bytes()).await.unwrap();
    drop(cut);
    let started = Instant::now();
    let answer = lapi.get("/v1/decisions/stream").await;
    let took = started.elapsed();
    assert_eq!(answer.json()["new"].as_array().unwrap().len(), ALL);
    assert_eq!(
        lapi.get("/v1/decisions/stream").await.text(),
        r#"{"new": [], "deleted": []}"#
    );
    let folder = lapi.stop().await;
    let started = Instant::now();
    let lapi = Running::start_in(folder, |_| {}).await;
    println!("pull of {ALL}: {took:?}, start: {:?}", started.elapsed());
    let hit = lapi.get("/v1/decisions?ip=10.1.134.159").await;
    assert_eq!(hit.json()[0]["value"], "10.1.134.159");
}

/// What is committed at any moment reaches every bouncer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bouncer_misses_a_decision_while_writers_write() {
    const WRITERS: usize = 8;
    const ALERTS: usize = 40;
    const EACH: usize = 5;
    const BOUNCERS: usize = 10;
    let lapi = Arc::new(Running::start().await);
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    let done = Arc::new(AtomicBool::new(false));
    let pullers: Vec<_> = (0..BOUNCERS)
        .map(|number| {
            let (lapi, done) = (Arc::clone(&lapi), Arc::clone(&done));
            tokio::spawn(async move {
                let source = format!("127.0.1.{}", number + 1);
                let mut seen = BTreeSet::new();
                let mut told = 0;
                loop {
                    let last = done.load(Ordering::Acquire);
                    let answer = lapi.pull_from(Some(&source), "GET", "/v1/decisions/stream").await;
                    assert_eq!(answer.status, 200);
                    for item in answer.json()["new"].as_array().unwrap() {
                        seen.insert(item["id"].as_i64().unwrap());
                        told += 1;
                    }
                    if last {
                        return (seen, told);
                    }
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (lapi, token) = (Arc::clone(&lapi), token.clone());
            tokio::spawn(async move {
                for alert in 0..ALERTS {
                    post(&lapi, &token, &import((writer * ALERTS + alert) * EACH, EACH)).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::Release);
    for puller in pullers {
        let (seen, told) = puller.await.unwrap();
        assert_eq!(seen.len(), WRITERS * ALERTS * EACH);
        assert_eq!(told, seen.len(), "nothing is told twice either");
    }
}
