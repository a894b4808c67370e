//! The command line of `crowdsec`, in the manner of Go's `flag` package: one or two dashes, `-flag=value`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Where the configuration is when `-c` is not given.
const CONFIG: &str = "/etc/crowdsec/config.yaml";

/// What the command line asks for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    /// `-c`.
    pub(crate) config: PathBuf,
    /// `-t`: load everything, start nothing.
    pub(crate) test: bool,
    /// `-version`.
    pub(crate) version: bool,
    /// `-no-cs`.
    pub(crate) no_agent: bool,
    /// `-no-api`.
    pub(crate) no_server: bool,
    /// `-no-capi`.
    pub(crate) no_central_api: bool,
    /// `-order-event`; our events are always in order.
    pub(crate) order_event: bool,
    /// The most verbose of `-trace`, `-debug`, …
    pub(crate) level: Option<&'static str>,
    /// `-dsn`: read one source to its end.
    pub(crate) dsn: Option<String>,
    /// `-type`, for `-dsn`.
    pub(crate) kind: Option<String>,
    /// `-label`, for `-dsn`.
    pub(crate) labels: BTreeMap<String, String>,
    /// `-transform`, for `-dsn`.
    pub(crate) transform: Option<String>,
    /// `-dump-data`.
    pub(crate) dump: Option<PathBuf>,
    /// `-cpu-profile`.
    pub(crate) cpu_profile: Option<PathBuf>,
}

/// Why the program ends before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `-h`, `-help`: the text goes to stderr, exit code 0.
    Help(String),
    /// A mistake with the usage behind it: the text goes to stderr, exit code 2.
    Mistake(String),
    /// A word that is no flag; upstream prints no usage then. Exit code 2.
    Extra(String),
}

/// A flag: name, what it takes (empty for a switch), default in the usage text, help.
type Flag = (&'static str, &'static str, &'static str, &'static str);

/// In the order of the usage text.
const FLAGS: [Flag; 19] = [
    (
        "c",
        "string",
        " (default \"/etc/crowdsec/config.yaml\")",
        "configuration file",
    ),
    ("cpu-profile", "string", "", "write cpu profile to file"),
    ("debug", "", "", "set log level to 'debug'"),
    (
        "dsn",
        "string",
        "",
        "Process a single data source in time-machine",
    ),
    ("dump-data", "string", "", "dump parsers/buckets raw outputs"),
    ("error", "", "", "set log level to 'error'"),
    ("fatal", "", "", "set log level to 'fatal'"),
    ("info", "", "", "set log level to 'info'"),
    ("label", "value", "", "Additional Labels for file in time-machine"),
    ("no-api", "", "", "disable local API"),
    ("no-capi", "", "", "disable communication with Central API"),
    ("no-cs", "", "", "disable crowdsec agent"),
    (
        "order-event",
        "",
        "",
        "enforce event ordering with significant performance cost",
    ),
    ("t", "", "", "only test configs"),
    ("trace", "", "", "set log level to 'trace' (VERY verbose)"),
    (
        "transform",
        "string",
        "",
        "expr to apply on the event after acquisition",
    ),
    ("type", "string", "", "Labels.type for file in time-machine"),
    ("version", "", "", "display version"),
    ("warning", "", "", "set log level to 'warning'"),
];

/// Most verbose first.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warning", "error", "fatal"];

impl Args {
    /// Reads the command line, the program's name first.
    pub(crate) fn parse(words: &[OsString]) -> Result<Self, Refusal> {
        let program = words
            .first()
            .map(|word| word.to_string_lossy().into_owned())
            .unwrap_or_default();
        parse(words.get(1..).unwrap_or_default()).map_err(|refusal| match refusal {
            Refusal::Help(_) => Refusal::Help(usage(&program)),
            Refusal::Mistake(message) => Refusal::Mistake(format!("{message}\n{}", usage(&program))),
            extra @ Refusal::Extra(_) => extra,
        })
    }
}

fn parse(words: &[OsString]) -> Result<Args, Refusal> {
    let mut switches = BTreeMap::new();
    let mut values = BTreeMap::new();
    let mut labels = BTreeMap::new();
    let mut rest = words.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = rest.next() {
        let Some((name, value)) = split(&word)? else {
            match if word == "--" { rest.next() } else { Some(word) } {
                Some(extra) => {
                    return Err(Refusal::Extra(format!(
                        "Error: argument provided but not defined: {extra}\n"
                    )));
                }
                None => break,
            }
        };
        let Some((_, takes, ..)) = FLAGS.iter().find(|(flag, ..)| *flag == name) else {
            return Err(match name.as_str() {
                "h" | "help" => Refusal::Help(String::new()),
                _ => Refusal::Mistake(format!("flag provided but not defined: -{name}")),
            });
        };
        if takes.is_empty() {
            switches.insert(name.clone(), switch(&name, value.as_deref())?);
            continue;
        }
        let Some(value) = value.or_else(|| rest.next()) else {
            return Err(Refusal::Mistake(format!("flag needs an argument: -{name}")));
        };
        if name == "label" {
            label(&value, &mut labels)?;
        } else {
            values.insert(name, value);
        }
    }
    let on = |name: &str| switches.get(name).copied().unwrap_or(false);
    let mut value = |name: &str| values.remove(name).filter(|value| !value.is_empty());
    Ok(Args {
        config: value("c").unwrap_or_else(|| CONFIG.to_owned()).into(),
        test: on("t"),
        version: on("version"),
        no_agent: on("no-cs"),
        no_server: on("no-api"),
        no_central_api: on("no-capi"),
        order_event: on("order-event"),
        level: LEVELS.into_iter().find(|level| on(level)),
        dsn: value("dsn"),
        kind: value("type"),
        labels,
        transform: value("transform"),
        dump: value("dump-data").map(Into::into),
        cpu_profile: value("cpu-profile").map(Into::into),
    })
}

/// Splits `-name=value`; none when the word is no flag.
fn split(word: &str) -> Result<Option<(String, Option<String>)>, Refusal> {
    let Some(body) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
        return Ok(None);
    };
    if body.is_empty() {
        return Ok(None);
    }
    if body.starts_with(['-', '=']) {
        return Err(Refusal::Mistake(format!("bad flag syntax: {word}")));
    }
    Ok(Some(match body.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (body.to_owned(), None),
    }))
}

fn switch(name: &str, value: Option<&str>) -> Result<bool, Refusal> {
    match value.unwrap_or("true") {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(Refusal::Mistake(format!(
            "invalid boolean value \"{other}\" for -{name}: parse error"
        ))),
    }
}

fn label(value: &str, labels: &mut BTreeMap<String, String>) -> Result<(), Refusal> {
    for pair in value.split(',') {
        let Some((key, text)) = pair.split_once(':') else {
            let reason = format!("invalid format for label '{pair}', must be key:value");
            return Err(Refusal::Mistake(format!(
                "invalid value \"{value}\" for flag -label: {reason}"
            )));
        };
        labels.insert(key.to_owned(), text.to_owned());
    }
    Ok(())
}

fn usage(program: &str) -> String {
    let mut out = format!("Usage of {program}:\n");
    for (name, takes, default, help) in FLAGS {
        let head = [name, takes].join(" ");
        // Go puts the help of a one-letter switch on the same line.
        let gap = if head.trim_end().len() == 1 {
            "\t"
        } else {
            "\n    \t"
        };
        writeln!(out, "  -{}{gap}{help}{default}", head.trim_end()).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, Refusal> {
        let words: Vec<OsString> = std::iter::once("crowdsec")
            .chain(line.split_whitespace())
            .map(Into::into)
            .collect();
        Args::parse(&words)
    }

    #[test]
    fn one_and_two_dashes_and_values_behind_an_equals_sign_are_the_same() {
        let expected = read("-c /x -no-cs -t").unwrap();
        assert_eq!(expected.config, PathBuf::from("/x"));
        assert!(expected.no_agent && expected.test && !expected.no_server);
        assert_eq!(read("--c=/x --no-cs=true -t=1").unwrap(), expected);
        assert_eq!(read("-c /y -c /x -no-cs -t --").unwrap(), expected);
        assert_eq!(read("").unwrap().config, PathBuf::from(CONFIG));
    }

    #[test]
    fn the_most_verbose_level_wins() {
        assert_eq!(read("-error -debug -warning").unwrap().level, Some("debug"));
        assert_eq!(read("-trace=false -fatal").unwrap().level, Some("fatal"));
        assert_eq!(read("").unwrap().level, None);
    }

    #[test]
    fn labels_are_pairs_and_add_up() {
        let labels = read("-label a:1,b:x:y -label c:").unwrap().labels;
        let pairs: Vec<(&str, &str)> = labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("a", "1"), ("b", "x:y"), ("c", "")]);
    }

    #[test]
    fn mistakes_are_told_as_go_tells_them() {
        let check = |line: &str, expected: &str| match read(line) {
            Err(Refusal::Mistake(text)) => {
                assert_eq!(text.lines().next(), Some(expected), "{line}");
                assert_eq!(text.lines().nth(1), Some("Usage of crowdsec:"), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        };
        check("-foo", "flag provided but not defined: -foo");
        check("--foo=1", "flag provided but not defined: -foo");
        check("-t=maybe", "invalid boolean value \"maybe\" for -t: parse error");
        check("-c", "flag needs an argument: -c");
        check("---c", "bad flag syntax: ---c");
        check("-=c", "bad flag syntax: -=c");
        check(
            "-label x",
            "invalid value \"x\" for flag -label: invalid format for label 'x', must be key:value",
        );
        assert!(matches!(read("-help"), Err(Refusal::Help(_))));
        let extra = Refusal::Extra("Error: argument provided but not defined: extra\n".to_owned());
        assert_eq!(read("-t extra"), Err(extra.clone()));
        assert_eq!(read("-t -- extra"), Err(extra));
    }
}
