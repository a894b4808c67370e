//! `cargo run -p xtask -- demo [--loopback] [--keep]`, `bench` or `setup`; the Makefile's targets call it.

use std::process::ExitCode;

use xtask::demo::{self, Keep, Stage};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["demo"] => demo::run(Stage::Best, Keep::No),
        ["demo", "--keep"] => demo::run(Stage::Best, Keep::Yes),
        ["demo", "--loopback"] => demo::run(Stage::Loopback, Keep::No),
        ["demo", "--loopback", "--keep"] => demo::run(Stage::Loopback, Keep::Yes),
        ["bench"] => xtask::bench::run(),
        ["setup"] => xtask::setup::run(),
        _ => Err(anyhow::anyhow!(
            "usage: xtask demo [--loopback] [--keep] | bench | setup"
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            demo::narrate::failure(&words.join(" "), &error);
            ExitCode::FAILURE
        }
    }
}
