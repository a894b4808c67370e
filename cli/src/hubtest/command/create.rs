//! `cscli hubtest create`: the files of a new test, to be filled with lines and assertions.

use std::{fs, path::Path};

use golang::strings::quote;

use super::{super::case::Places, facts};
use crate::{context::Context, error::Error};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the test
    #[arg(value_name = "TEST")]
    name: String,
    /// Log type of the test
    #[arg(short, long = "type", value_name = "TYPE")]
    log_type: Option<String>,
    /// Parsers to add to the test
    #[arg(short, long, value_delimiter = ',', value_name = "PARSER")]
    parsers: Vec<String>,
    /// Scenarios to add to the test
    #[arg(short, long, value_delimiter = ',', value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Post-overflows to add to the test
    #[arg(long, value_delimiter = ',', value_name = "POSTOVERFLOW")]
    postoverflows: Vec<String>,
    /// Do not look at the parsers' results
    #[arg(long)]
    ignore_parsers: bool,
}

pub(super) fn run(ctx: &Context, places: &Places, args: &Args) -> Result<(), Error> {
    let Some(log_type) = &args.log_type else {
        return Err(Error::new("please provide a type (--type) for the test"));
    };
    let dir = places.hub.join(".tests").join(&args.name);
    let log = dir.join(format!("{}.log", args.name));
    let mut parsers = args.parsers.clone();
    parsers.extend([
        "crowdsecurity/syslog-logs".to_owned(),
        "crowdsecurity/dateparse-enrich".to_owned(),
    ]);
    let ignore = if args.ignore_parsers {
        "ignore_parsers: true\n"
    } else {
        ""
    };
    let config = [
        list("parsers", &parsers),
        list("scenarios", &args.scenarios),
        list("postoverflows", &args.postoverflows),
        format!("log_file: {}.log\nlog_type: {log_type}\n{ignore}", args.name),
    ]
    .concat();
    let path = |name: &str| dir.join(name);
    fs::create_dir_all(&dir).map_err(|error| failed(&dir, &error))?;
    for (file, text) in [
        (log.clone(), ""),
        (path("parser.assert"), ""),
        (path("scenario.assert"), ""),
        (path("config.yaml"), config.as_str()),
    ] {
        fs::write(&file, text).map_err(|error| failed(&file, &error))?;
    }
    let with = |file: &Path, hint: &str| format!("{} (please fill it with {hint})", file.display());
    ctx.out.print(&facts(&[
        ("Test name", args.name.clone()),
        ("Test path", dir.display().to_string()),
        ("Log file", with(&log, "logs")),
        ("Parser assertion file", with(&path("parser.assert"), "assertion")),
        (
            "Scenario assertion file",
            with(&path("scenario.assert"), "assertion"),
        ),
        (
            "Configuration File",
            with(&path("config.yaml"), "parsers, scenarios..."),
        ),
    ]))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("unable to write '{}': {error}", path.display()))
}

/// Writes a list of names; an empty one holds one empty name, as upstream's does.
fn list(key: &str, names: &[String]) -> String {
    let rows: Vec<String> = if names.is_empty() {
        vec![format!("    - {}\n", quote(""))]
    } else {
        names.iter().map(|name| format!("    - {name}\n")).collect()
    };
    format!("{key}:\n{}", rows.concat())
}
