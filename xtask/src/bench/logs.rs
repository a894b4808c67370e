//! Lines per CPU second and peak memory of replays, each with the equality of its alerts: a speed without it is void.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::binary::Binary;
use e2e::engine::{Installation, free_ports};
use e2e::expected::{self, WORKLOADS, Workload};
use e2e::process::Process;
use e2e::wait;

use crate::bench::process::{children_cpu, peak_memory};
use crate::demo::narrate;

/// What one replay cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu: Duration,
    peak_kib: u64,
}

/// Measures the three recorded workloads.
pub(super) fn run() -> Result<()> {
    let shared =
        expected::shared_dir().context("the generators lie in SHARED_DIR/perf, which is missing here")?;
    let binary = Binary::built()?;
    narrate::step("workload   lines    CPU s   lines per CPU s   peak MiB   alerts equal to upstream's");
    for workload in WORKLOADS {
        let folder = tempfile::tempdir()?;
        let engine = Installation::create(&binary, &folder.path().join("engine"), free_ports(), "")?;
        engine.register_machine("bench")?;
        expected::install_items(&engine, &shared)?;
        let lapi = engine.start(&["-no-cs"], None)?;
        let log = expected::generate(workload, None, folder.path(), &shared)?;
        let one_line = expected::generate(workload, Some(1), folder.path(), &shared)?;
        let start_up = replay(&engine, workload, &one_line)?;
        let whole = replay(&engine, workload, &log)?;
        let (recorded, stored) = (
            expected::recorded_rows(workload, &shared)?,
            expected::stored_rows(&engine)?,
        );
        let (missing, surplus) = expected::difference(&recorded, &stored);
        ensure!(
            missing.is_empty() && surplus.is_empty(),
            "{}: the alerts differ, the figure is void",
            workload.kind
        );
        lapi.terminate(Duration::from_secs(20))?;
        let cpu = whole.cpu.saturating_sub(start_up.cpu).as_secs_f64().max(0.01);
        narrate::step(&format!(
            "{:<10} {:>6} {:>8.2} {:>17.0} {:>10.1}   yes, {} of {}",
            workload.kind,
            workload.lines,
            cpu,
            f64::from(workload.lines) / cpu,
            f64::from(u32::try_from(whole.peak_kib)?) / 1024.0,
            stored.len(),
            recorded.len(),
        ));
    }
    Ok(())
}

/// Runs one replay and reads what the kernel counted for it.
fn replay(engine: &Installation<'_>, workload: &Workload, log: &Path) -> Result<Cost> {
    let arguments = expected::replay_arguments(workload, log);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let before = children_cpu()?;
    let mut process = Process::start(
        "crowdsec",
        engine.crowdsec_command(&words),
        &engine.path("log/replay.out"),
    )?;
    let mut peak_kib = 0;
    wait::until(
        "the replay to end",
        Duration::from_secs(600),
        Duration::from_millis(5),
        || {
            peak_kib = peak_kib.max(peak_memory(process.id()).unwrap_or(0));
            Ok((!process.is_running()).then_some(()))
        },
    )?;
    let code = process.wait(Duration::from_secs(1))?;
    ensure!(
        code == Some(0),
        "the replay ended with {code:?}:\n{}",
        e2e::process::tail(&process.output(), 10)
    );
    Ok(Cost {
        cpu: children_cpu()?.saturating_sub(before),
        peak_kib,
    })
}
