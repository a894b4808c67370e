//! `cargo run -p xtask -- demo [--keep]` `bench` or `setup`; the Makefile's targets call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["demo"] => xtask::demo::run(xtask::demo::Keep::No),
        ["demo", "--keep"] => xtask::demo::run(xtask::demo::Keep::Yes),
        ["bench"] => xtask::bench::run(),
        ["setup"] => xtask::setup::run(),
        _ => Err(anyhow::anyhow!("usage: xtask demo [--keep] | bench | setup")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            xtask::demo::narrate::failure(&words.join(" "), &error);
            ExitCode::FAILURE
        }
    }
}
