//! Whole agents against a scripted Local API: lines in, alerts stored, whatever happens in between.

use std::collections::BTreeMap;

use agent::Sources;
use client::retry::Retry;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::install::{EACH, FIVE, Install, Running, metrics, program, until};
use crate::lapi::{Fault, Lapi};

/// Returns the numbers of the lines that the alerts are about, sorted.
fn numbers(alerts: &[Value]) -> Vec<usize> {
    let mut numbers: Vec<usize> = alerts
        .iter()
        .map(|alert| {
            let meta = alert["events"][0]["meta"].as_array().unwrap();
            let n = meta.iter().find(|meta| meta["key"] == "n").unwrap();
            n["value"].as_str().unwrap().parse().unwrap()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_file_raises_alerts_that_the_local_api_stores() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, EACH);
    install.log(0..300, "192.0.2.7");
    let loaded = install.load(Sources::None).unwrap();
    let client = loaded.client(&program(), Retry::NONE).unwrap();
    let labels = BTreeMap::from([("type".to_owned(), "test".to_owned())]);
    let dsn = agent::replay::parse_dsn(&format!("file://{}/x.log", install.root.display())).unwrap();
    let settings = loaded.replay(&metrics());
    let token = CancellationToken::new();
    let delivered = agent::replay::push(settings, dsn, labels, &client, token)
        .await
        .unwrap();
    assert_eq!(delivered.stored, 300);
    assert_eq!(numbers(&lapi.alerts()), (0..300).collect::<Vec<_>>());
    let alert = &lapi.alerts()[0];
    assert_eq!(alert["scenario"], "test/each");
    assert_eq!(alert["source"]["value"], "192.0.2.7");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_become_alerts_at_once_and_a_restart_neither_loses_nor_repeats() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, EACH);
    let mut next = 0;
    for _ in 0..5 {
        let running = Running::start(&install).await;
        install.log(next..next + 200, "192.0.2.7");
        next += 200;
        until("all alerts", || lapi.count() >= next).await;
        running.stop().await;
        install.log(next..next + 10, "192.0.2.7");
        next += 10;
    }
    let running = Running::start(&install).await;
    until("all alerts", || lapi.count() >= next).await;
    running.stop().await;
    assert_eq!(numbers(&lapi.alerts()), (0..next).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_bucket_goes_on_after_a_restart() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, FIVE);
    for n in 0..15 {
        let running = Running::start(&install).await;
        install.log(n..n + 1, "192.0.2.7");
        let size = (install.root.join("x.log").metadata().unwrap().len()).to_string();
        until("the line to be handled", || {
            let checkpoint =
                std::fs::read_to_string(install.root.join("data/agent/checkpoint.json")).unwrap();
            checkpoint.contains(&format!("\"offset\":{size},"))
                || checkpoint.contains(&format!("\"offset\":{size}}}"))
        })
        .await;
        running.stop().await;
    }
    until("three alerts", || lapi.count() >= 3).await;
    assert_eq!(lapi.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_wait_for_a_local_api_that_fails_and_are_stored_once() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, EACH);
    let running = Running::start(&install).await;
    lapi.fail([Fault::LostAnswer, Fault::Status(503), Fault::Refused]);
    lapi.forget_tokens();
    install.log(0..50, "192.0.2.7");
    until("all alerts", || {
        lapi.count() >= 50 && lapi.requests("POST /v1/alerts") >= 5
    })
    .await;
    running.stop().await;
    assert_eq!(numbers(&lapi.alerts()), (0..50).collect::<Vec<_>>());
    assert!(lapi.logins() >= 2, "the forgotten token was replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_alert_is_set_aside_and_the_others_go_through() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, EACH);
    lapi.poison("Ip 192.0.2.66 ");
    let running = Running::start(&install).await;
    for n in 0..100 {
        install.log(n..n + 1, if n % 10 == 7 { "192.0.2.66" } else { "192.0.2.7" });
    }
    until("ninety alerts", || lapi.count() >= 90).await;
    running.stop().await;
    assert_eq!(lapi.count(), 90);
    let letters = std::fs::read_to_string(install.root.join("data/agent/dead-letters.jsonl")).unwrap();
    let letters: Vec<Value> = letters
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let set_aside: Vec<Value> = letters.iter().map(|letter| letter["alert"].clone()).collect();
    assert_eq!(
        numbers(&set_aside),
        (0..10).map(|n| n * 10 + 7).collect::<Vec<_>>()
    );
    assert!(
        letters[0]["reason"]
            .as_str()
            .unwrap()
            .contains("validation failure list")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_end_the_start_with_the_cure() {
    let lapi = Lapi::start().await;
    lapi.refuse_logins();
    let install = Install::new(&lapi.url, EACH);
    let loaded = install.load(Sources::Configured).unwrap();
    let (ready, token) = (service::ready::Ready::new(), CancellationToken::new());
    let error = agent::run::run(loaded, &program(), metrics(), ready, token)
        .await
        .unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("authenticate watcher (machine)") && text.contains("cscli lapi register"),
        "{text}"
    );
    assert!(
        text.ends_with("API error: incorrect Username or Password"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_somebody_else_registers_reads_on_and_logs_in_once_it_may() {
    let lapi = Lapi::start().await;
    lapi.refuse_logins();
    let install = Install::new(&lapi.url, EACH);
    install.write("key", &"k".repeat(64));
    let key = install.root.join("key");
    install.write(
        "etc/credentials.yaml",
        &format!(
            "url: {}\nlogin: machine\npassword_key_path: {}\n",
            lapi.url,
            key.display()
        ),
    );
    let running = Running::start(&install).await;
    install.log(0..20, "192.0.2.7");
    until("a second login", || lapi.requests("POST /v1/watchers/login") >= 2).await;
    lapi.accept_logins();
    until("all alerts", || lapi.count() >= 20).await;
    running.stop().await;
    assert_eq!(numbers(&lapi.alerts()), (0..20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_starts_without_the_local_api_and_delivers_when_it_comes() {
    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, testkit::port::free()));
    let install = Install::new(&format!("http://{address}/"), EACH);
    let running = Running::start(&install).await;
    install.log(0..20, "192.0.2.7");
    let lapi = Lapi::start_at(address).await;
    until("all alerts", || lapi.count() >= 20).await;
    running.stop().await;
    assert_eq!(numbers(&lapi.alerts()), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_broken_item_or_source_is_named_with_its_place() {
    let install = Install::new("http://127.0.0.1:1/", EACH);
    install.write(
        "etc/scenarios/bad.yaml",
        "type: trigger\nname: me/bad\ndescription: x\nfilter: evt.Nope == 'x'\nlabels: {}\n",
    );
    let text = install.load(Sources::Configured).err().unwrap().to_string();
    assert!(text.contains("bad.yaml:4"), "{text}");
    assert!(text.contains("Nope"), "{text}");
}
