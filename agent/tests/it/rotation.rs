//! Numbered lines through every style of rotation, with restarts in between: none lost, none twice.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use agent::acquire::file::follow::{Follower, Resume};
use agent::acquire::{Entry, FileId, Note};
use agent::checkpoint::Position;
use agent::sources::Register;
use config::resolved::{FileSource, Mode, Reader, Source};
use jiff::{SignedDuration, Timestamp};

/// A follower and what a checkpoint would hold, fed by hand with a clock of its own.
struct Bench {
    entry: Entry,
    follower: Follower,
    now: Timestamp,
    positions: BTreeMap<FileId, Position>,
    patterns: Vec<String>,
    seen: Vec<String>,
}

fn entry(pattern: &Path, kind: &str) -> Entry {
    let source = Source {
        name: String::new(),
        labels: BTreeMap::from([("type".to_owned(), kind.to_owned())]),
        mode: Mode::Tail,
        use_time_machine: false,
        transform: None,
        log_level: None,
        unique_id: String::new(),
        reader: Reader::File(FileSource {
            globs: vec![pattern.to_str().unwrap().to_owned()],
            exclude: vec![r"\.skip$".to_owned()],
            force_inotify: false,
            poll_without_inotify: None,
            discovery_poll: false,
            discovery_poll_interval: std::time::Duration::from_secs(30),
            max_buffer_size: None,
        }),
        file: "acquis.yaml".into(),
        line: 1,
    };
    Entry::new(&source, false).unwrap()
}

impl Bench {
    fn new(pattern: &Path, kind: &str) -> Self {
        let entry = entry(pattern, kind);
        Self {
            follower: Follower::new(vec![entry.clone()], Resume::default(), Register::default()),
            entry,
            now: Timestamp::from_second(1_700_000_000).unwrap(),
            positions: BTreeMap::new(),
            patterns: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Looks for files and reads until nothing is left.
    fn round(&mut self) {
        self.now += SignedDuration::from_millis(100);
        let notes = self.follower.discover(self.now);
        let Self {
            follower,
            positions,
            patterns,
            seen,
            now,
            ..
        } = self;
        take_notes(positions, patterns, notes);
        let mut rounds = 0;
        while follower.read(*now, &mut |batch| {
            take_notes(positions, patterns, batch.notes);
            for item in batch.items {
                let position = positions
                    .get_mut(&item.file)
                    .expect("a line of an announced file");
                position.offset = item.end;
                position.partials = item.partials.map(|p| (*p).clone()).unwrap_or_default();
                assert!(!item.is_replay);
                seen.push(item.line.text.to_string());
            }
            true
        }) {
            rounds += 1;
            assert!(rounds < 10_000, "reading does not end");
        }
    }

    /// Stops without warning and begins again from the positions.
    fn restart(&mut self) {
        let resume = Resume {
            positions: std::mem::take(&mut self.positions).into_values().collect(),
            patterns: self.patterns.iter().cloned().collect(),
            cuts: Vec::new(),
        };
        self.follower = Follower::new(vec![self.entry.clone()], resume, Register::default());
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }
}

fn take_notes(positions: &mut BTreeMap<FileId, Position>, patterns: &mut Vec<String>, notes: Vec<Note>) {
    for note in notes {
        match note {
            Note::Position(id, position) => {
                // A file that is known better keeps the offset of the lines that were handled.
                positions.insert(id, position);
            }
            Note::Closed(id) => {
                positions.remove(&id);
            }
            Note::Patterns(seen) => *patterns = seen,
            Note::CaughtUp => {}
        }
    }
}

/// Writes numbered lines.
struct Writer {
    path: PathBuf,
    file: File,
    next: usize,
}

impl Writer {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: append(path),
            next: 0,
        }
    }

    fn lines(&mut self, count: usize) {
        let mut text = Vec::new();
        for _ in 0..count {
            writeln!(text, "line {:06} of some log with a little text", self.next).unwrap();
            self.next += 1;
        }
        self.file.write_all(&text).unwrap();
    }

    fn reopen(&mut self) {
        self.file = append(&self.path);
    }

    #[track_caller]
    fn assert_all_seen_once(&self, bench: &Bench) {
        let expected: Vec<String> = (0..self.next)
            .map(|n| format!("line {n:06} of some log with a little text"))
            .collect();
        let mut seen = bench.seen.clone();
        seen.sort();
        assert_eq!(seen.len(), expected.len(), "lines seen and written");
        assert_eq!(seen, expected);
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}

fn started(pattern: &str) -> (tempfile::TempDir, Bench, Writer) {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::new(&dir.path().join(pattern), "syslog");
    bench.round();
    let writer = Writer::new(&dir.path().join("x.log"));
    (dir, bench, writer)
}

#[test]
fn a_first_start_begins_at_the_end_and_a_later_file_at_its_first_byte() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(&dir.path().join("old.log"));
    writer.file.write_all(b"before\nbegun").unwrap();
    let mut bench = Bench::new(&dir.path().join("*.log"), "syslog");
    bench.round();
    writer.file.write_all(b" and ended\n").unwrap();
    fs::write(dir.path().join("new.log"), "first\nsecond").unwrap();
    fs::write(dir.path().join("new.log.skip"), "x\n").unwrap();
    bench.round();
    append(&dir.path().join("new.log")).write_all(b" half\n").unwrap();
    bench.round();
    assert_eq!(bench.seen, ["begun and ended", "first", "second half"]);
}

#[test]
fn rotation_by_rename_loses_nothing() {
    for pattern in ["x.log", "x.log*"] {
        let (dir, mut bench, mut writer) = started(pattern);
        for n in 0..200 {
            writer.lines(7);
            if n % 3 == 0 {
                bench.round();
            }
            fs::rename(&writer.path, dir.path().join(format!("x.log.{n}"))).unwrap();
            // The writer keeps the old file for a while.
            writer.lines(2);
            if n % 2 == 0 {
                bench.round();
            }
            writer.lines(1);
            writer.reopen();
            bench.round();
            if n % 10 == 9 {
                bench.restart();
            }
            bench.wait(11);
        }
        bench.round();
        writer.assert_all_seen_once(&bench);
        if pattern == "x.log" {
            bench.wait(11);
            bench.round();
            assert_eq!(bench.follower.open_files(), 1, "drained files are closed");
        }
    }
}

#[test]
fn rotation_by_copy_and_truncate_loses_nothing_that_was_copied() {
    for pattern in ["x.log", "x.log*"] {
        let (dir, mut bench, mut writer) = started(pattern);
        for n in 0..200 {
            writer.lines(9);
            if n % 3 == 0 {
                bench.round();
            }
            writer.lines(2);
            fs::copy(&writer.path, dir.path().join(format!("x.log.{n}"))).unwrap();
            if n % 4 == 0 {
                bench.round();
            }
            OpenOptions::new()
                .write(true)
                .open(&writer.path)
                .unwrap()
                .set_len(0)
                .unwrap();
            if n % 5 == 0 {
                bench.round();
            }
            writer.lines(if n % 2 == 0 { 1 } else { 30 });
            bench.round();
            if n % 10 == 9 {
                bench.restart();
            }
            bench.wait(11);
        }
        bench.round();
        writer.assert_all_seen_once(&bench);
    }
}

#[test]
fn a_link_that_changes_its_target_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let pods = dir.path().join("pods");
    fs::create_dir(&pods).unwrap();
    let link = dir.path().join("x.log");
    let mut bench = Bench::new(&dir.path().join("*.log"), "syslog");
    bench.round();
    let mut writer = Writer::new(&pods.join("0.log"));
    std::os::unix::fs::symlink(&writer.path, &link).unwrap();
    for n in 0..100 {
        writer.lines(5);
        if n % 2 == 0 {
            bench.round();
        }
        if n % 3 == 0 {
            // The kubelet renames the target and opens a new one under its name.
            fs::rename(&writer.path, pods.join(format!("0.log.{n}"))).unwrap();
            writer.lines(1);
            writer.reopen();
        } else {
            writer.path = pods.join(format!("{n}.log"));
            writer.reopen();
            fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink(&writer.path, &link).unwrap();
        }
        bench.round();
        bench.wait(1);
    }
    bench.round();
    // A target that was replaced before it was ever seen can be found by nobody.
    let missing = writer.next - bench.seen.len();
    assert_eq!(missing, 0, "every file was seen before it was replaced");
    writer.assert_all_seen_once(&bench);
}

#[test]
fn a_file_that_is_deleted_and_made_anew_is_read_from_its_start() {
    let (_dir, mut bench, mut writer) = started("x.log");
    for n in 0..100 {
        writer.lines(4);
        bench.round();
        fs::remove_file(&writer.path).unwrap();
        writer.lines(1);
        if n % 2 == 0 {
            bench.round();
        }
        writer.reopen();
        writer.lines(1);
        bench.round();
        bench.wait(11);
    }
    bench.round();
    writer.assert_all_seen_once(&bench);
}

#[test]
fn what_was_written_and_rotated_while_we_were_down_is_read() {
    for is_copy in [false, true] {
        let (dir, mut bench, mut writer) = started("x.log");
        for n in 0..20 {
            writer.lines(20);
            bench.round();
            bench.restart();
            writer.lines(3);
            let old = dir.path().join(format!("x.log.{n}"));
            if is_copy {
                fs::copy(&writer.path, old).unwrap();
                OpenOptions::new()
                    .write(true)
                    .open(&writer.path)
                    .unwrap()
                    .set_len(0)
                    .unwrap();
            } else {
                fs::rename(&writer.path, old).unwrap();
                writer.reopen();
            }
            writer.lines(if n % 2 == 0 { 2 } else { 40 });
            bench.round();
        }
        writer.assert_all_seen_once(&bench);
    }
}

#[test]
fn a_file_that_appeared_while_we_were_down_is_read_from_its_first_byte() {
    let (dir, mut bench, mut writer) = started("*.log");
    writer.lines(3);
    bench.round();
    bench.restart();
    fs::write(dir.path().join("y.log"), "from y\n").unwrap();
    bench.round();
    assert_eq!(bench.seen.last().unwrap(), "from y");
    assert_eq!(bench.seen.len(), 4);
}

#[test]
fn two_applications_that_greet_alike_are_both_read() {
    let (dir, mut bench, _writer) = started("*.log");
    let banner = "=".repeat(300);
    for name in ["a.log", "b.log"] {
        fs::write(dir.path().join(name), format!("{banner}\n{name}\n")).unwrap();
        bench.round();
    }
    assert_eq!(bench.seen, [&banner, "a.log", &banner, "b.log"]);
}

#[test]
fn container_fragments_survive_a_restart_between_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::new(&dir.path().join("*.log"), "containerd");
    bench.round();
    let parts = [
        "2026-01-01T00:00:00.1Z stdout P ab",
        "2026-01-01T00:00:00.2Z stderr F one",
        "2026-01-01T00:00:00.3Z stderr P tw",
        "2026-01-01T00:00:00.4Z stdout P cd",
        "2026-01-01T00:00:00.5Z stderr F o",
        "2026-01-01T00:00:00.6Z stdout F ef",
        "2026-01-01T00:00:00.7Z stdout F end",
    ];
    let mut file = append(&dir.path().join("x.log"));
    for part in parts {
        // Written in two pieces, and the reader restarts after each.
        let (a, b) = part.split_at(part.len() / 2);
        file.write_all(a.as_bytes()).unwrap();
        bench.round();
        bench.restart();
        file.write_all(format!("{b}\n").as_bytes()).unwrap();
        bench.round();
        bench.restart();
    }
    assert_eq!(
        bench.seen,
        [
            "2026-01-01T00:00:00.2Z stderr F one",
            "2026-01-01T00:00:00.3Z stderr F two",
            "2026-01-01T00:00:00.1Z stdout F abcdef",
            "2026-01-01T00:00:00.7Z stdout F end",
        ]
    );
}
