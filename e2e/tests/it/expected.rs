//! The whole way, from a log file to stored decisions, gives what upstream's programs gave.

use e2e::engine::{Installation, free_ports};
use e2e::expected::{self, WORKLOADS};
use e2e::process::run_command;

use crate::peers::binary;

#[test]
fn corpus_replays_raise_upstreams_alerts_and_decisions() {
    let Some(shared) = expected::shared_dir() else {
        println!("skipped: no SHARED_DIR with perf/expected");
        return;
    };
    for (workload, workers) in WORKLOADS.iter().zip([1, 4, 2]) {
        let folder = tempfile::tempdir().unwrap();
        let engine = Installation::create(binary(), &folder.path().join("engine"), free_ports(), "").unwrap();
        let config = std::fs::read_to_string(engine.path("etc/config.yaml")).unwrap();
        let config = config.replace("parser_routines: 1", &format!("parser_routines: {workers}"));
        engine.write("etc/config.yaml", &config).unwrap();
        engine.register_machine("corpus").unwrap();
        expected::install_items(&engine, &shared).unwrap();
        let lapi = engine.start(&["-no-cs"], None).unwrap();
        let log = expected::generate(workload, None, folder.path(), &shared).unwrap();
        let arguments = expected::replay_arguments(workload, &log);
        run_command(engine.crowdsec_command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
            .unwrap();
        let (expected, actual) = (
            expected::recorded_rows(workload, &shared).unwrap(),
            expected::stored_rows(&engine).unwrap(),
        );
        let (missing, surplus) = expected::difference(&expected, &actual);
        println!(
            "{}: {} rows, {} recorded, {workers} workers",
            workload.kind,
            actual.len(),
            expected.len()
        );
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{}: {} missing, {} surplus; first missing {:?}, first surplus {:?}",
            workload.kind,
            missing.len(),
            surplus.len(),
            missing.first(),
            surplus.first()
        );
        lapi.terminate(e2e::wait::PATIENCE).unwrap();
    }
}
