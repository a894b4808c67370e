//! `cscli explain`: what the installed parsers and scenarios make of log lines, node by node.

mod changes;
mod tree;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use agent::load::{Places, rules};
use engine::detector::{Detector, Settings};
use engine::trace::Trace;
use engine::{Mode, Name, RawLine, Text};
use jiff::Timestamp;

use crate::context::Context;
use crate::error::{Error, file};
use crate::installation;
use tree::Shown;

/// Each line is kept with every step it took; more would fill the memory and nobody reads that much.
const MAX_LINES: usize = 10_000;
const MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cscli explain --file ./myfile.log --type nginx\n  \
    cscli explain --log \"Sep 19 18:33:22 scw-d95986 sshd[24347]: pam_unix(sshd:auth): authentication failure\" --type syslog\n  \
    cscli explain --dsn \"file://myfile.log\" --type nginx\n  \
    tail -n 5 myfile.log | cscli explain --type nginx -f -"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command line that are each on or off"
)]
pub(crate) struct Args {
    /// Log file, or - for standard input
    #[arg(short, long, value_name = "FILE", allow_hyphen_values = true)]
    file: Option<String>,
    /// One log line
    #[arg(short, long, value_name = "LINE", allow_hyphen_values = true)]
    log: Option<String>,
    /// Address of a log file (`file:///var/log/auth.log`)
    #[arg(short, long, value_name = "DSN")]
    dsn: Option<String>,
    /// Type of the log, as `labels.type` in an acquisition file says it
    #[arg(short = 't', long = "type", required = true, value_name = "TYPE")]
    kind: String,
    /// More labels (key:value,key2:value2)
    #[arg(long, value_name = "LABELS")]
    labels: Option<String>,
    /// Show every field a node sets or changes
    #[arg(short, long)]
    verbose: bool,
    /// Only show lines no parser understands
    #[arg(long)]
    failures: bool,
    /// Only show the parsers that succeed
    #[arg(long)]
    only_successful_parsers: bool,
    /// Accepted for compatibility: this program needs no other to explain
    #[arg(long, hide = true)]
    crowdsec: Option<String>,
    /// Accepted for compatibility
    #[arg(long, hide = true)]
    no_clean: bool,
}

pub(crate) fn run(ctx: &Context, args: &Args) -> Result<(), Error> {
    let (source, text) = read(args)?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err(Error::new(format!("the log file is empty: {source}")));
    }
    if lines.len() > MAX_LINES {
        ctx.out.warn(&format!(
            "only the first {MAX_LINES} of {} lines are explained",
            lines.len()
        ));
    }
    let labels = labels(&args.kind, args.labels.as_deref())?;
    let mut detector = detector(ctx)?;
    let stages: Vec<&str> = detector.rules().stages().collect();
    let shown = Shown {
        verbose: args.verbose,
        only_failures: args.failures,
        only_successful: args.only_successful_parsers,
    };
    for line in lines.into_iter().take(MAX_LINES) {
        let now = service::clock::now();
        let text = explain(
            &mut detector,
            raw_line(line, &source, &labels, now),
            &stages,
            shown,
            now,
        );
        ctx.out.print(&text)?;
    }
    Ok(())
}

fn explain(detector: &mut Detector, line: RawLine, stages: &[&str], shown: Shown, now: Timestamp) -> String {
    let mut trace = Trace::new();
    let raw = line.text.clone();
    let (outcome, _alerts) = detector.feed_traced(line, Mode::TimeMachine, now, &mut trace);
    tree::render(&raw, &trace, &outcome, stages, shown)
}

fn detector(ctx: &Context) -> Result<Detector, Error> {
    let config = ctx.config()?;
    let hub = installation::open(ctx)?;
    let places = Places {
        pattern_dir: &config.paths.pattern_dir,
        data_dir: &config.paths.data_dir,
        context_file: None,
    };
    let rules = rules(&hub, places, engine::Settings::default())
        .map_err(|problems| Error::new(problems_text(&problems)))?;
    for warning in rules.warnings() {
        ctx.out.debug(&warning.to_string());
    }
    Ok(Detector::new(Arc::new(rules), Settings::default()))
}

/// The first problems; when a base is missing, hundreds follow from it.
fn problems_text(problems: &[engine::Problem]) -> String {
    const SHOWN: usize = 20;
    let mut text = "cannot load the installed items:".to_owned();
    for problem in problems.iter().take(SHOWN) {
        text.extend(["\n", &problem.to_string()]);
    }
    if problems.len() > SHOWN {
        text.extend(["\nand ", &(problems.len() - SHOWN).to_string(), " more"]);
    }
    text
}

fn raw_line(text: &str, source: &str, labels: &Arc<BTreeMap<String, String>>, now: Timestamp) -> RawLine {
    RawLine {
        text: Text::from(text),
        source: Arc::from(source),
        labels: Arc::clone(labels),
        module: Name::new("file"),
        at: now,
    }
}

/// Returns where the text is from and the text.
fn read(args: &Args) -> Result<(String, String), Error> {
    if let Some(line) = &args.log {
        return Ok(("cscli_test_tmp.log".to_owned(), line.clone()));
    }
    let path = match (&args.file, &args.dsn) {
        (Some(path), _) => path.clone(),
        (None, Some(dsn)) => dsn_path(dsn)?,
        (None, None) => {
            return Err(Error::new(
                "at least one of the flags in the group [log file dsn] is required",
            ));
        }
    };
    let mut bytes = Vec::new();
    let result = if path == "-" {
        std::io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes)
    } else {
        let opened = std::fs::File::open(&path);
        let opened = opened.map_err(|error| Error::new(file("open", Path::new(&path), &error)))?;
        opened.take(MAX_BYTES).read_to_end(&mut bytes)
    };
    result.map_err(|error| Error::new(file("read", Path::new(&path), &error)))?;
    Ok((path, String::from_utf8_lossy(&bytes).into_owned()))
}

fn dsn_path(dsn: &str) -> Result<String, Error> {
    let path = dsn.strip_prefix("file://").ok_or_else(|| {
        let protocol = dsn.split("://").next().unwrap_or_default();
        Error::new(format!(
            "no acquisition for protocol {protocol}:// - only file:// can be explained"
        ))
    })?;
    Ok(path.split('?').next().unwrap_or_default().to_owned())
}

fn labels(kind: &str, more: Option<&str>) -> Result<Arc<BTreeMap<String, String>>, Error> {
    let mut labels = BTreeMap::from([("type".to_owned(), kind.to_owned())]);
    for pair in more
        .unwrap_or_default()
        .split(',')
        .filter(|pair| !pair.is_empty())
    {
        let (key, value) = pair
            .split_once(':')
            .ok_or_else(|| Error::new(format!("label '{pair}' is not of the form key:value")))?;
        labels.insert(key.to_owned(), value.to_owned());
    }
    Ok(Arc::new(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_add_to_the_type() {
        let both = labels("nginx", Some("a:b,c:d:e")).unwrap();
        assert_eq!(both.len(), 3);
        assert_eq!(both["c"], "d:e");
        assert!(labels("nginx", Some("a")).is_err());
    }

    #[test]
    fn only_files_can_be_explained() {
        assert_eq!(
            dsn_path("file:///var/log/a.log?log_level=debug").unwrap(),
            "/var/log/a.log"
        );
        assert!(
            dsn_path("foo://x")
                .unwrap_err()
                .to_string()
                .starts_with("no acquisition for protocol foo://")
        );
    }
}
