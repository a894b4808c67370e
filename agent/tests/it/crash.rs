//! Agents killed without warning, as processes of their own: no alert lost, none twice.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::install::{EACH, FIVE, Install, Running, until};
use crate::lapi::{Fault, Lapi};

/// Names the installation that the child runs; only this file sets it.
const CHILD: &str = "AGENT_TEST_CHILD";

/// Is no test of its own: the other tests start it as a process that they can kill.
#[tokio::test(flavor = "multi_thread")]
async fn child_process_of_the_tests_below() {
    let Some(root) = std::env::var_os(CHILD) else {
        return;
    };
    let _running = Running::start(&Install::at(Path::new(&root))).await;
    // Whoever started this kills it; should that fail, it does not stay.
    tokio::time::sleep(Duration::from_mins(2)).await;
}

struct Agent(Child);

impl Agent {
    fn start(root: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::child_process_of_the_tests_below",
                "--nocapture",
            ])
            .env(CHILD, root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn state(install: &Install) -> PathBuf {
    install.root.join("data/agent/checkpoint.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_agents_lose_no_alert_and_repeat_none() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, EACH);
    let mut agent = Agent::start(&install.root);
    until("the first look", || state(&install).exists()).await;
    let mut next = 0;
    for kill in 0..10_usize {
        let seen = lapi.count();
        if kill % 3 == 1 {
            lapi.fail([Fault::LostAnswer]);
        }
        // Lines come while it is killed: at different distances from checkpoints and pushes.
        for part in 0..20 {
            install.log(next..next + 10, "192.0.2.7");
            next += 10;
            if part == kill * 2 {
                until("some alerts", || lapi.count() > seen || kill % 4 == 3).await;
                drop(agent);
                agent = Agent::start(&install.root);
            }
            tokio::time::sleep(Duration::from_millis(1 + 7 * (kill as u64 % 4))).await;
        }
    }
    until("all alerts", || lapi.count() >= next).await;
    drop(agent);
    let mut numbers: Vec<String> = lapi
        .alerts()
        .iter()
        .map(|alert| {
            alert["events"][0]["meta"]
                .as_array()
                .unwrap()
                .iter()
                .find(|m| m["key"] == "n")
                .unwrap()["value"]
                .to_string()
        })
        .collect();
    assert_eq!(numbers.len(), next, "alerts stored and lines written");
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), next, "different lines among them");
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_of_killed_agents_overflow_at_the_right_count() {
    let lapi = Lapi::start().await;
    let install = Install::new(&lapi.url, FIVE);
    let mut agent = Agent::start(&install.root);
    until("the first look", || state(&install).exists()).await;
    let addresses = 40;
    for round in 0..10 {
        for address in 0..addresses {
            install.log(round..round + 1, &format!("192.0.2.{address}"));
        }
        if round % 2 == 1 {
            drop(agent);
            agent = Agent::start(&install.root);
        }
        tokio::time::sleep(Duration::from_millis(300 * (round as u64 % 4))).await;
    }
    until("all alerts", || lapi.count() >= 2 * addresses).await;
    drop(agent);
    assert_eq!(lapi.count(), 2 * addresses);
    let counts: Vec<i64> = lapi
        .alerts()
        .iter()
        .map(|alert| alert["events_count"].as_i64().unwrap())
        .collect();
    assert!(counts.iter().all(|count| *count == 5), "{counts:?}");
}
