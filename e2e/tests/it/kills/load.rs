//! Numbered lines, and items of which each line is one overflow.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use e2e::engine::{Installation, free_ports};
use e2e::process::run;

use crate::peers::binary;

/// A log that gets one numbered line after another.
pub(super) struct Numbered {
    path: PathBuf,
    file: File,
    written: u32,
    rotations: u32,
}

impl Numbered {
    pub(super) fn new(path: &Path) -> Numbered {
        Numbered {
            path: path.to_owned(),
            file: open(path),
            written: 0,
            rotations: 0,
        }
    }

    /// Writes the next `count` lines.
    pub(super) fn write(&mut self, count: u32) {
        let mut text = String::new();
        for number in self.written + 1..=self.written + count {
            std::fmt::Write::write_fmt(&mut text, format_args!("number {number} end\n")).unwrap();
        }
        self.file.write_all(text.as_bytes()).unwrap();
        self.written += count;
    }

    /// Renames the file and goes on in a new one, as logrotate does.
    pub(super) fn rotate(&mut self) {
        self.rotations += 1;
        let old = self.path.with_extension(format!("log.{}", self.rotations));
        std::fs::rename(&self.path, old).unwrap();
        self.file = open(&self.path);
    }

    pub(super) fn written(&self) -> u32 {
        self.written
    }
}

fn open(path: &Path) -> File {
    File::options().create(true).append(true).open(path).unwrap()
}

/// An engine whose only scenario overflows on every line, in a scope whose value is the number.
pub(super) fn installation(folder: &Path, numbered: &Numbered) -> Installation<'static> {
    let acquisition = format!(
        "filenames: [{}]\nlabels: {{type: numbered}}\n",
        numbered.path.display()
    );
    let engine = Installation::create(binary(), &folder.join("engine"), free_ports(), &acquisition).unwrap();
    for (below, text) in ITEMS {
        std::fs::create_dir_all(engine.path(below).parent().unwrap()).unwrap();
        engine.write(below, text).unwrap();
    }
    engine.register_machine("numbered").unwrap();
    engine
}

const ITEMS: &[(&str, &str)] = &[
    (
        "etc/parsers/s00-raw/numbered.yaml",
        "name: test/numbered-raw
description: Takes the line as it is
filter: evt.Line.Labels.type == 'numbered'
onsuccess: next_stage
statics:
  - parsed: message
    expression: evt.Line.Raw
",
    ),
    (
        "etc/parsers/s01-parse/numbered.yaml",
        "name: test/numbered
description: Reads the number
filter: evt.Line.Labels.type == 'numbered'
onsuccess: next_stage
pattern_syntax:
  TEST_DIGITS: '[0-9]+'
grok:
  apply_on: message
  pattern: '^number %{TEST_DIGITS:number} end$'
statics:
  - meta: number
    expression: evt.Parsed.number
",
    ),
    (
        "etc/scenarios/numbered.yaml",
        "type: trigger
name: test/every-number
description: Overflows on every line
filter: evt.Meta.number != ''
scope:
  type: number
  expression: evt.Meta.number
labels:
  remediation: false
",
    ),
];

/// How often the Local API holds each number.
pub(super) fn numbers(engine: &Installation<'_>) -> Result<BTreeMap<String, u32>> {
    let text = engine.cscli(&["alerts", "list", "-l", "0", "-o", "json"])?;
    let alerts: serde_json::Value = serde_json::from_str(&text).context("reading alerts list -o json")?;
    let mut seen = BTreeMap::new();
    for alert in alerts.as_array().into_iter().flatten() {
        let number = alert["source"]["value"].as_str().unwrap_or_default();
        *seen.entry(number.to_owned()).or_insert(0) += 1;
    }
    Ok(seen)
}

/// What SQLite says of the database file.
pub(super) fn integrity(engine: &Installation<'_>) -> String {
    let database = engine.path("data/crowdsec.db");
    run("python3", ["-c", INTEGRITY, &database.to_string_lossy()])
        .unwrap()
        .trim()
        .to_owned()
}

const INTEGRITY: &str = "import sqlite3, sys
print(sqlite3.connect(sys.argv[1], timeout=20).execute('PRAGMA integrity_check').fetchone()[0])";

/// A small generator with a fixed seed, so that a failing order of kills can be had again.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(limit)).unwrap()
    }

    /// `yes` trues and `no` falses in an order of its own.
    pub(super) fn shuffled(&mut self, yes: usize, no: usize) -> Vec<bool> {
        let mut all: Vec<bool> = std::iter::repeat_n(true, yes)
            .chain(std::iter::repeat_n(false, no))
            .collect();
        for i in (1..all.len()).rev() {
            let j = self.below(u32::try_from(i + 1).unwrap()) as usize;
            all.swap(i, j);
        }
        all
    }
}
