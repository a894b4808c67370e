//! The user's documents are true: their commands are run, in order, as one script.

use std::path::Path;
use std::process::Command;

use e2e::binary::workspace_dir;
use e2e::process::run_command;

use crate::peers::binary;

#[test]
fn the_quick_start_works_as_written() {
    let workspace = workspace_dir().unwrap();
    let text = std::fs::read_to_string(workspace.join("docs/quickstart.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The page's own build would build again what the test has built; its binary is taken instead.
    let built = binary().crowdsec();
    let script = blocks(&text).replace(
        "cargo build --quiet --workspace --bin crowdsec\n",
        &format!(
            "mkdir -p target/debug && cp -L {} target/debug/crowdsec\n",
            built.display()
        ),
    );
    assert!(
        script.contains("cp -L"),
        "the page no longer builds as the test expects"
    );
    let printed = run_script(folder.path(), &script);
    assert!(printed.contains("203.0.113.7"), "{printed}");
}

fn run_script(folder: &Path, script: &str) -> String {
    let file = folder.join("quickstart.sh");
    std::fs::write(
        &file,
        format!("set -eu\nunset CARGO_TARGET_DIR\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script}"),
    )
    .unwrap();
    let mut command = Command::new("timeout");
    command.args(["600", "bash"]).arg(&file).current_dir(folder);
    run_command(command).unwrap()
}

/// The text of all `sh` blocks.
fn blocks(text: &str) -> String {
    text.split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}
