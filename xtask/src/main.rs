//! `cargo run -p xtask -- demo cluster|local|loopback [--keep]`, `e2e [--keep] [NAME…]`, `bench [PART…]`,
//! `image [amd64|arm64]` or `setup`; the Makefile's targets call it.

use std::process::ExitCode;

use xtask::demo::{self, Keep, Stage};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let keep = if words.contains(&"--keep") {
        Keep::Yes
    } else {
        Keep::No
    };
    words.retain(|word| *word != "--keep");
    let outcome = match words.as_slice() {
        ["demo", "cluster"] => demo::run(Stage::Cluster, keep),
        ["demo", "local"] => demo::run(Stage::Hosts, keep),
        ["demo", "loopback"] => demo::run(Stage::Loopback, keep),
        ["e2e", cases @ ..] => xtask::e2e::run(cases, keep),
        ["bench", parts @ ..] => xtask::bench::run(parts),
        ["image"] => xtask::image::run(None),
        ["image", arch] => xtask::image::run(Some(arch)),
        ["setup"] => xtask::setup::run(),
        _ => Err(anyhow::anyhow!(
            "usage: xtask demo cluster|local|loopback [--keep] | e2e [--keep] [NAME…] | bench [PART…] | image [amd64|arm64] | setup"
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
