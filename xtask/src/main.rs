//! `cargo run -p xtask -- demo [--keep]`; the Makefile's targets call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["demo"] => xtask::demo::run(xtask::demo::Keep::No),
        ["demo", "--keep"] => xtask::demo::run(xtask::demo::Keep::Yes),
        _ => Err(anyhow::anyhow!("usage: xtask demo [--keep]")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            xtask::demo::narrate::failure(&error);
            ExitCode::FAILURE
        }
    }
}
