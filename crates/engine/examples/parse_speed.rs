//! Measures how fast the parsers of a hub take a log: `parse_speed HUB_DIR LOG_FILE TYPE [ITEM…]`.
//!
//! Prints lines per second of one thread and what became of the lines; items are hub names of parsers.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Instant};

use engine::{ItemFile, Kind, Mode, Name, RawLine, Rules, Settings, World, parser::Parsed};

/// Parsers of an nginx host, when none are named.
const NGINX: [&str; 5] = [
    "s00-raw/crowdsecurity/syslog-logs",
    "s01-parse/crowdsecurity/nginx-logs",
    "s02-enrich/crowdsecurity/dateparse-enrich",
    "s02-enrich/crowdsecurity/http-logs",
    "s02-enrich/crowdsecurity/public-dns-allowlist",
];

/// What went wrong, for people.
type Fail = String;

fn main() -> Result<(), Fail> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [hub, log, kind, named @ ..] = args.as_slice() else {
        return Err("usage: parse_speed HUB_DIR LOG_FILE TYPE [STAGE/AUTHOR/NAME…]".to_owned());
    };
    let named: Vec<&str> = if named.is_empty() {
        NGINX.to_vec()
    } else {
        named.iter().map(String::as_str).collect()
    };
    let items = named
        .iter()
        .map(|name| item(Path::new(hub), name))
        .collect::<Result<Vec<_>, _>>()?;
    let world = World {
        patterns: engine::grok::patterns(),
        ..World::default()
    };
    let rules = Rules::load(&items, world, Settings::default()).map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    let text: arcstr::ArcStr = read(Path::new(log))?.into();
    let labels = Arc::new(BTreeMap::from([("type".to_owned(), kind.clone())]));
    let source: Arc<str> = Arc::from(log.as_str());
    let lines: Vec<arcstr::Substr> = text.lines().map(Into::into).collect();
    let mut worker = rules.worker();
    for round in 0..5 {
        let mut counts = [0_usize; 3];
        let begin = Instant::now();
        for line in &lines {
            let raw = RawLine {
                text: line.clone(),
                source: Arc::clone(&source),
                labels: Arc::clone(&labels),
                module: Name::new("file"),
                at: jiff::Timestamp::UNIX_EPOCH,
            };
            match rules.parse(&mut worker, raw, Mode::TimeMachine, jiff::Timestamp::UNIX_EPOCH) {
                Parsed::Kept(_) => counts[0] += 1,
                Parsed::Whitelisted { .. } => counts[1] += 1,
                Parsed::Unparsed => counts[2] += 1,
            }
        }
        let took = begin.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let per_line = took * 1e6 / lines.len().max(1) as f64;
        println!(
            "round {round}: {per_line:.2} µs per line, {:.0} lines/s; kept, whitelisted, unparsed: {counts:?}",
            1e6 / per_line
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Fail> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn item(hub: &Path, name: &str) -> Result<ItemFile, Fail> {
    let (stage, rest) = name
        .split_once('/')
        .ok_or_else(|| format!("{name}: not STAGE/AUTHOR/NAME"))?;
    Ok(ItemFile {
        kind: Kind::Parser,
        stage: stage.to_owned(),
        path: format!("parsers/{stage}/{}.yaml", rest.rsplit('/').next().unwrap_or(rest)),
        name: rest.to_owned(),
        version: String::new(),
        hash: String::new(),
        text: read(&hub.join(format!("parsers/{name}.yaml")))?,
    })
}
