//! Killed processes: every overflow arrives once, every line is read once, the database stays whole.

mod load;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::engine::Installation;
use e2e::process::Process;
use e2e::wait;

use load::{Dice, Numbered};

/// Overflows of the first test, and how often each side is killed meanwhile.
const OVERFLOWS: u32 = 4_000;
const AGENT_KILLS: usize = 40;
const LAPI_KILLS: usize = 10;
/// Lines of the second test, and how often the agent is restarted meanwhile.
const LINES: u32 = 30_000;
const RESTARTS: usize = 12;

#[test]
fn no_alert_is_lost_or_doubled_when_agent_and_local_api_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbered = Numbered::new(&folder.path().join("numbered.log"));
    let engine = load::installation(folder.path(), &numbered);
    let mut lapi = engine.start(&["-no-cs"], None).unwrap();
    let mut agent = start_agent(&engine);
    let mut dice = Dice::new(20_261_125);
    let kills = dice.shuffled(AGENT_KILLS, LAPI_KILLS);
    let lines_between = OVERFLOWS / u32::try_from(kills.len() + 1).unwrap();
    for victim_is_agent in kills {
        numbered.write(lines_between);
        wait::pause(Duration::from_millis(u64::from(dice.below(150))));
        if victim_is_agent {
            agent.kill().unwrap();
            agent = start_agent(&engine);
        } else {
            lapi.kill().unwrap();
            assert_eq!(load::integrity(&engine), "ok");
            lapi = engine.start(&["-no-cs"], None).unwrap();
        }
    }
    numbered.write(OVERFLOWS - numbered.written());
    let seen = wait_for_alerts(&engine, OVERFLOWS);
    agent.terminate(wait::PATIENCE).unwrap();
    lapi.terminate(wait::PATIENCE).unwrap();
    assert_eq!(load::integrity(&engine), "ok");
    assert_eq!(twice(&seen), Vec::<String>::new(), "stored more than once");
}

#[test]
fn no_line_is_lost_or_counted_twice_over_restarts_and_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbered = Numbered::new(&folder.path().join("numbered.log"));
    let engine = load::installation(folder.path(), &numbered);
    let lapi = engine.start(&["-no-cs"], None).unwrap();
    let mut agent = start_agent(&engine);
    let mut dice = Dice::new(30_000);
    let lines_between = LINES / u32::try_from(RESTARTS + 1).unwrap();
    for restart in 0..RESTARTS {
        numbered.write(lines_between / 2);
        if restart % 3 == 0 {
            numbered.rotate();
        }
        wait::pause(Duration::from_millis(u64::from(dice.below(300))));
        if restart % 2 == 0 {
            agent.terminate(wait::PATIENCE).unwrap();
        } else {
            agent.kill().unwrap();
        }
        // The file goes on while nobody reads it.
        numbered.write(lines_between - lines_between / 2);
        agent = start_agent(&engine);
    }
    numbered.write(LINES - numbered.written());
    let seen = wait_for_alerts(&engine, LINES);
    agent.terminate(wait::PATIENCE).unwrap();
    lapi.terminate(wait::PATIENCE).unwrap();
    assert_eq!(load::integrity(&engine), "ok");
    assert_eq!(twice(&seen), Vec::<String>::new(), "counted more than once");
}

fn start_agent(engine: &Installation<'_>) -> Process {
    engine.start(&["-no-api"], None).unwrap()
}

/// Waits until the Local API holds `count` different numbers; how often it holds each.
fn wait_for_alerts(engine: &Installation<'_>, count: u32) -> BTreeMap<String, u32> {
    let start = Instant::now();
    let mut seen = BTreeMap::new();
    let outcome = wait::until(
        "every number to arrive",
        Duration::from_secs(300),
        Duration::from_millis(500),
        || {
            seen = load::numbers(engine)?;
            Ok((seen.len() >= count as usize).then_some(()))
        },
    );
    let missing: Vec<u32> = (1..=count)
        .filter(|n| !seen.contains_key(&n.to_string()))
        .take(20)
        .collect();
    assert!(
        outcome.is_ok(),
        "after {:?}: {} of {count} arrived, missing {missing:?} …",
        start.elapsed(),
        seen.len()
    );
    seen
}

/// Numbers that stand there more than once.
fn twice(seen: &BTreeMap<String, u32>) -> Vec<String> {
    seen.iter()
        .filter(|(_, times)| **times > 1)
        .map(|(number, _)| number.clone())
        .collect()
}
