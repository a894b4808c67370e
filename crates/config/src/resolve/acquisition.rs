//! Acquisition documents. Upstream: `pkg/acquisition/config.go`, `modules/file/config.go`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::expand::Env;
use crate::raw;
use crate::resolve::Findings;
use crate::resolved::acquisition::{FileSource, Mode, PodsSource, Reader, Source};

/// Every source upstream knows besides `file`; a document that names one is refused with a reason of its own.
const LATER: [&str; 13] = [
    "appsec",
    "cloudwatch",
    "docker",
    "http",
    "journalctl",
    "k8s-audit",
    "kafka",
    "kinesis",
    "loki",
    "s3",
    "syslog",
    "victorialogs",
    "wineventlog",
];

const POLL: Duration = Duration::from_secs(30);

/// Where the kubelet keeps the logs of pods.
const POD_LOGS: &str = "/var/log/pods";

/// Which reader a document is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Read it as `raw::FileAcquisition`.
    File,
    /// Read it as `raw::PodsAcquisition`.
    Pods,
    /// It was refused.
    Refused,
}

/// Says which source a document is for; keys that belong to one source win over `source`.
pub(crate) fn kind(head: &raw::Head, found: &mut Findings<'_>) -> Kind {
    let detected = if head.filename.is_some() || head.filenames.is_some() {
        Some("file")
    } else if head.journalctl_filter.is_some() {
        Some("journalctl")
    } else {
        None
    };
    match detected.or(head.source.as_deref()) {
        None | Some("") => {
            let cure = "add source: file and filenames";
            found.problem("", "missing 'source' field", cure);
            Kind::Refused
        }
        Some("file") => Kind::File,
        Some("pods") => Kind::Pods,
        Some(other) if LATER.contains(&other) => {
            let cure = "remove the document; only source: file and source: pods can be read so far";
            found.problem(
                "source",
                format!("data source {other} is not implemented yet"),
                cure,
            );
            Kind::Refused
        }
        Some(other) => {
            found.problem(
                "source",
                format!("unknown data source {other}"),
                "use source: file, or source: pods in Kubernetes",
            );
            Kind::Refused
        }
    }
}

pub(crate) fn file(raw: raw::FileAcquisition, line: usize, found: &mut Findings<'_>) -> Source {
    let labels = raw.labels.unwrap_or_default();
    if labels.is_empty() {
        found.problem(
            "labels",
            "missing labels",
            "add labels with type, for example type: nginx",
        );
    }
    let mode = match raw.mode.as_deref() {
        None | Some("" | "tail") => Mode::Tail,
        Some("cat") => Mode::Cat,
        Some(other) => {
            found.problem(
                "mode",
                format!("unsupported mode {other} for file source"),
                "use tail or cat",
            );
            Mode::Tail
        }
    };
    let mut globs: Vec<String> = raw.filename.into_iter().filter(|glob| !glob.is_empty()).collect();
    globs.extend(raw.filenames.unwrap_or_default());
    let exclude = raw.exclude_regexps.unwrap_or_default();
    check_patterns(&globs, &exclude, found);
    let interval = found.duration("discovery_poll_interval", raw.discovery_poll_interval.as_deref());
    Source {
        name: raw.name.unwrap_or_default(),
        labels,
        mode,
        use_time_machine: raw.use_time_machine.unwrap_or(false),
        transform: raw.transform.filter(|text| !text.is_empty()),
        log_level: found.level("log_level", raw.log_level.as_deref()),
        unique_id: raw.unique_id.unwrap_or_default(),
        reader: Reader::File(FileSource {
            globs,
            exclude,
            force_inotify: raw.force_inotify.unwrap_or(false),
            poll_without_inotify: raw.poll_without_inotify,
            discovery_poll: raw.discovery_poll_enable.unwrap_or(false),
            discovery_poll_interval: interval.unwrap_or(POLL),
            max_buffer_size: raw
                .max_buffer_size
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size > 0),
        }),
        file: found.file.to_owned(),
        line,
    }
}

pub(crate) fn pods(raw: raw::PodsAcquisition, line: usize, env: &Env, found: &mut Findings<'_>) -> Source {
    let mut needed = |field: &str, written: Option<String>, variable: Option<&str>, cure: &str| {
        let from_environment = || variable.and_then(|name| env.get(name)).cloned();
        let value = written.filter(|text| !text.is_empty()).or_else(from_environment);
        if value.as_deref().is_none_or(str::is_empty) {
            found.problem(field, format!("missing {field}"), cure);
        }
        value.unwrap_or_default()
    };
    let config_map = needed(
        "config_map",
        raw.config_map,
        None,
        "name the ConfigMap whose key targets.yaml says which pods to read",
    );
    let namespace = needed(
        "namespace",
        raw.namespace,
        Some("POD_NAMESPACE"),
        "write the ConfigMap's namespace, or set POD_NAMESPACE from metadata.namespace in the pod",
    );
    let node = needed(
        "node",
        raw.node,
        Some("NODE_NAME"),
        "write the node's name, or set NODE_NAME from spec.nodeName in the pod",
    );
    let root = raw.root.filter(|root| !root.is_empty());
    let root = PathBuf::from(root.unwrap_or_else(|| POD_LOGS.to_owned()));
    if root.is_relative() {
        found.problem("root", "not an absolute path", format!("use {POD_LOGS}"));
    }
    Source {
        name: raw.name.unwrap_or_default(),
        labels: BTreeMap::new(),
        mode: Mode::Tail,
        use_time_machine: false,
        transform: None,
        log_level: found.level("log_level", raw.log_level.as_deref()),
        unique_id: String::new(),
        reader: Reader::Pods(PodsSource {
            config_map,
            namespace,
            node,
            root,
        }),
        file: found.file.to_owned(),
        line,
    }
}

fn check_patterns(globs: &[String], exclude: &[String], found: &mut Findings<'_>) {
    if globs.is_empty() {
        let cure = "add filenames with at least one path";
        found.problem(
            "filenames",
            "no filename or filenames configuration provided",
            cure,
        );
    }
    for (index, glob) in globs.iter().enumerate() {
        if !is_glob(glob) {
            let cure = "close the bracket, or escape it with a backslash";
            found.problem(
                &format!("filenames[{index}]"),
                format!("syntax error in pattern {glob:?}"),
                cure,
            );
        }
    }
    for (index, pattern) in exclude.iter().enumerate() {
        if let Err(error) = golang::regexp::compile(pattern) {
            let message = format!("could not compile regexp {pattern}: {error}");
            found.problem(
                &format!("exclude_regexps[{index}]"),
                message,
                "correct the regular expression",
            );
        }
    }
}

/// Says whether Go's `filepath.Match` accepts the pattern: brackets closed and filled, nothing after an escape.
fn is_glob(pattern: &str) -> bool {
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' if rest.next().is_none() => return false,
            '[' => {
                if rest.peek() == Some(&'^') {
                    rest.next();
                }
                let mut entries = 0;
                loop {
                    match rest.next() {
                        Some(']') if entries > 0 => break,
                        None | Some(']' | '-') => return false,
                        Some('\\') if rest.next().is_none() => return false,
                        Some(_) => {}
                    }
                    entries += 1;
                    if rest.peek() == Some(&'-') {
                        rest.next();
                        match rest.next() {
                            None | Some(']' | '-') => return false,
                            Some('\\') if rest.next().is_none() => return false,
                            Some(_) => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_glob;

    #[test]
    fn globs_are_what_go_accepts() {
        let check = |pattern: &str, expected: bool| assert_eq!(is_glob(pattern), expected, "{pattern}");
        check("/var/log/*.log", true);
        check("/var/log/[a-z]?.log", true);
        check("/var/log/[^ab\\]]", true);
        check("/var/log/[a", false);
        check("/var/log/[]", false);
        check("/var/log/[a-]", false);
        check("/var/log/a\\", false);
        check("]a", true);
    }
}
