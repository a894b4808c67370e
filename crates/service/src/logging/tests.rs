//! The log lines, their levels and the rotation of their files.

use std::fs;
use std::sync::Arc;

use tracing_subscriber::Layer as _;

use super::*;
use crate::logging::sink::Shared;

/// Runs `log` under a fresh subscriber that writes to files, and returns main and access log.
fn logged(settings: impl FnOnce(&mut Settings), log: impl FnOnce()) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files {
        folder: folder.path().to_owned(),
        max_bytes: 1 << 20,
        max_age: None,
        max_files: 3,
        compress: false,
    };
    let mut chosen = Settings {
        media: Media::Files(files),
        ..Settings::default()
    };
    settings(&mut chosen);
    let sink = Shared::open(&chosen.media, chosen.format).unwrap();
    let lines = layer::Lines::new(sink, TimeZone::UTC).with_filter(targets(&chosen));
    let subscriber = tracing_subscriber::registry().with(lines);
    tracing::subscriber::with_default(subscriber, log);
    let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    (read("crowdsec.log"), read("crowdsec_api.log"))
}

/// Replaces the varying time of the first line.
fn without_time(text: &str) -> String {
    let (head, rest) = text.split_once(" level=").unwrap();
    assert!(head.starts_with("time=\"2") && head.ends_with("Z\""), "{head}");
    format!("level={rest}")
}

#[test]
fn a_line_has_sorted_fields_and_quotes_only_where_needed() {
    let (main, _) = logged(
        |_| {},
        || {
            tracing::info!(target: "agent", zone = "a b", count = 3, module = "acquisition.file", "Adding \"x\" to\n datasources");
        },
    );
    assert_eq!(
        without_time(&main),
        "level=info msg=\"Adding \\\"x\\\" to\\n datasources\" count=3 module=acquisition.file zone=\"a b\"\n"
    );
}

#[test]
fn fields_of_the_surrounding_span_are_part_of_the_line() {
    let (main, _) = logged(
        |_| {},
        || {
            let span = tracing::info_span!(target: "agent", "file", path = "/var/log/x");
            let _entered = span.enter();
            tracing::warn!(target: "agent", "gone");
        },
    );
    assert_eq!(without_time(&main), "level=warning msg=gone path=/var/log/x\n");
}

#[test]
fn json_has_sorted_keys_and_escapes_angle_brackets() {
    let (main, _) = logged(
        |settings| settings.format = Format::Json,
        || {
            tracing::info!(target: "agent", count = 3, ok = true, "a <b>");
        },
    );
    let (head, tail) = main.split_once("\"time\":\"2").unwrap();
    assert_eq!(
        head,
        "{\"count\":3,\"level\":\"info\",\"msg\":\"a \\u003cb\\u003e\",\"ok\":true,"
    );
    assert!(tail.ends_with("Z\"}\n"), "{tail}");
}

#[test]
fn the_access_log_has_its_own_file() {
    let (main, access) = logged(|_| {}, || tracing::info!(target: ACCESS, "GET /v1/alerts"));
    assert_eq!(main, "");
    assert_eq!(without_time(&access), "level=info msg=\"GET /v1/alerts\"\n");
}

#[test]
fn foreign_crates_are_silent_below_warning_and_levels_hold_for_own_targets() {
    let (main, _) = logged(
        |settings| {
            settings.level = Level::Debug;
            settings.levels.insert("lapi".to_owned(), Level::Error);
        },
        || {
            tracing::info!(target: "hyper::proto", "noise");
            tracing::warn!(target: "lapi::api", "noise");
            tracing::trace!(target: "agent", "noise");
            tracing::debug!(target: "agent", "heard");
        },
    );
    assert_eq!(without_time(&main), "level=debug msg=heard\n");
}

#[test]
fn fatal_lines_pass_every_level() {
    let (main, _) = logged(
        |settings| settings.level = Level::Fatal,
        || {
            tracing::error!(target: "agent", "noise");
            fatal("no datasource enabled");
        },
    );
    assert_eq!(without_time(&main), "level=fatal msg=\"no datasource enabled\"\n");
}

#[test]
fn a_full_file_is_compressed_and_surplus_files_go() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files {
        folder: folder.path().to_owned(),
        max_bytes: 10,
        max_age: Some(std::time::Duration::from_secs(3600)),
        max_files: 1,
        compress: true,
    };
    fs::write(folder.path().join("crowdsec-2020-01-01T00-00-00.000.log"), "old").unwrap();
    fs::write(folder.path().join("other.log"), "kept").unwrap();
    let mut file = rotate::Rotating::open(&files, "crowdsec").unwrap();
    std::io::Write::write_all(&mut file, b"12345678\n").unwrap();
    std::io::Write::write_all(&mut file, b"abcdefgh\n").unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("crowdsec.log")).unwrap(),
        "abcdefgh\n"
    );
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[0].starts_with("crowdsec-2") && names[0].ends_with(".log.gz"),
        "{names:?}"
    );
    let packed = fs::File::open(folder.path().join(&names[0])).unwrap();
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(packed)).unwrap();
    assert_eq!(text, "12345678\n");
}

#[test]
fn levels_are_read_in_any_case() {
    let check = |word: &str, expected: Option<Level>| assert_eq!(word.parse().ok(), expected, "{word}");
    check("warn", Some(Level::Warning));
    check("WARNING", Some(Level::Warning));
    check("panic", Some(Level::Panic));
    check("nope", None);
    check("", None);
}

#[test]
fn concurrent_lines_do_not_mix() {
    let (main, _) = logged(
        |_| {},
        || {
            let dispatch = Arc::new(tracing::dispatcher::get_default(Clone::clone));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    let dispatch = Arc::clone(&dispatch);
                    scope.spawn(move || {
                        tracing::dispatcher::with_default(&dispatch, || {
                            for _ in 0..50 {
                                tracing::info!(target: "agent", "one whole line");
                            }
                        });
                    });
                }
            });
        },
    );
    assert_eq!(
        main.lines()
            .filter(|line| line.ends_with("level=info msg=\"one whole line\""))
            .count(),
        200
    );
}
