//! The one multi-call binary: `crowdsec`, `cscli`, `crowdsec-operator` or `forward-auth`, by its name or its first argument.

mod args;
mod logs;
mod parts;
mod run;
mod version;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What the binary can be.
const NAMES: [&str; 4] = ["crowdsec", "cscli", "crowdsec-operator", "forward-auth"];

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    // `crowdsec cscli …` and `cscli crowdsec …` serve images that ship the binary once, without links.
    if words
        .get(1)
        .is_some_and(|word| NAMES.iter().any(|name| word == name))
    {
        words.remove(0);
    }
    match words.first().and_then(|word| Path::new(word).file_name()) {
        Some(name) if name == "cscli" => cli::main(words),
        Some(name) if name == "crowdsec-operator" => operator::main(&words),
        Some(name) if name == "forward-auth" => forward_auth::main(&words),
        _ => run::main(&words, std::env::vars_os().filter_map(readable).collect()),
    }
}

/// Leaves out variables that are not text; a configuration cannot refer to them.
fn readable((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}
