//! Runs recorded with upstream's `cscli` 1.7.8, run again with ours: exit code, stdout and stderr must be the same
//! bytes. Help texts are our own words, so runs that print one compare the exit code and the last line of stderr.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::installation::{Installation, Run};

/// Where the recordings are.
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = std::env::vars_os()
        .find(|(name, _)| name == "SHARED_DIR")
        .map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
            |(_, value)| value.into(),
        );
    if shared.join("captures/cscli-1.7.8-outputs.txt").is_file() {
        return Some(shared);
    }
    println!("skipped: no SHARED_DIR");
    None
}

struct Recorded {
    words: Vec<String>,
    stdin: String,
    code: i32,
    stdout: String,
    stderr: String,
}

fn recordings(shared: &Path) -> BTreeMap<u32, Recorded> {
    let text = std::fs::read_to_string(shared.join("captures/cscli-1.7.8-outputs.txt")).unwrap();
    let mut all = BTreeMap::new();
    // A run's own output may hold such lines; only those with a number begin a run.
    let mut parts: Vec<String> = Vec::new();
    for part in text.split("\n### ") {
        match parts.last_mut() {
            Some(last) if !part.starts_with(|c: char| c.is_ascii_digit()) => {
                last.push_str("\n### ");
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    for part in parts.iter().skip(1) {
        let Some((number, rest)) = part.split_once(": ") else {
            continue;
        };
        let Some((line, body)) = rest.split_once('\n') else {
            continue;
        };
        let Some(code) = body.split("exit: ").nth(1).and_then(|rest| rest.lines().next()) else {
            continue;
        };
        let (Ok(number), Ok(code)) = (number.parse(), code.parse()) else {
            continue;
        };
        let recorded = Recorded {
            words: words(line).into_iter().skip(1).collect(),
            stdin: section(body, "stdin"),
            code,
            stdout: section(body, "stdout"),
            stderr: section(body, "stderr"),
        };
        all.insert(number, recorded);
    }
    all
}

/// The text of one stream, without the recorder's marks.
fn section(body: &str, name: &str) -> String {
    let marker = format!("--- {name}");
    let Some((_, rest)) = body.split_once(&marker) else {
        return String::new();
    };
    let Some((head, text)) = rest.split_once('\n') else {
        return String::new();
    };
    if head.contains("empty") {
        return String::new();
    }
    let lines = text.split_inclusive('\n').take_while(|line| {
        !line.starts_with("--- ") && !line.starts_with("exit: ") && !line.starts_with("====")
    });
    let mut text: String = lines.collect();
    if let Some(cut) = text.strip_suffix("<no newline at end>\n") {
        text = cut.strip_suffix('\n').unwrap_or(cut).to_owned();
    }
    // After a run the recorder leaves an empty line, and sometimes a remark.
    if name == "stderr" {
        text = text
            .split("\n\n")
            .next()
            .unwrap_or_default()
            .trim_end_matches('\n')
            .to_owned()
            + "\n";
    }
    text
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut started) = (false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                started = true;
            }
            ' ' if !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

enum How {
    /// Everything.
    Bytes,
    /// Exit code, and the error after the help.
    Error,
    /// Exit code and stdout.
    Stdout,
}

/// Runs the numbered commands in order and returns what differs.
fn replay(shared: &Path, installation: &Installation, numbers: &[(u32, How)]) -> Vec<String> {
    let all = recordings(shared);
    let mut differences = Vec::new();
    for (number, how) in numbers {
        let recorded = &all[number];
        let words: Vec<String> = recorded
            .words
            .iter()
            .map(|word| word.replace("/tmp/crowdsec", &installation.root_text()))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = installation.run(&words, &recorded.stdin);
        if let Some(difference) = compare(recorded, &run, how, &installation.root_text()) {
            differences.push(format!(
                "### {number}: {}\n{difference}",
                recorded.words.join(" ")
            ));
        }
    }
    differences
}

fn compare(recorded: &Recorded, run: &Run, how: &How, root: &str) -> Option<String> {
    let ours = |text: &str| text.replace(root, "/tmp/crowdsec");
    let (stdout, stderr) = (ours(&run.stdout), ours(&run.stderr));
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    let same = match how {
        How::Bytes => same_text(&stdout, &recorded.stdout) && same_text(&stderr, &recorded.stderr),
        How::Stdout => same_text(&stdout, &recorded.stdout),
        How::Error => last(&stderr) == last(&recorded.stderr),
    };
    if same && run.code == recorded.code {
        return None;
    }
    Some(format!(
        "exit {} instead of {}\n--- stdout\n{stdout}--- instead of\n{}--- stderr\n{stderr}--- instead of\n{}",
        run.code, recorded.code, recorded.stdout, recorded.stderr
    ))
}

/// Compares with a recording that may have been cut in the middle.
fn same_text(ours: &str, recorded: &str) -> bool {
    match recorded.split_once("[... ") {
        None => ours == recorded,
        Some((head, tail)) => {
            let tail = tail.split_once('\n').map_or("", |(_, tail)| tail);
            ours.starts_with(head) && ours.ends_with(tail)
        }
    }
}

fn bytes(numbers: impl IntoIterator<Item = u32>) -> Vec<(u32, How)> {
    numbers.into_iter().map(|number| (number, How::Bytes)).collect()
}

fn assert_same(differences: &[String]) {
    assert!(
        differences.is_empty(),
        "{} runs differ\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn wrong_command_lines_are_refused_in_the_same_words() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new();
    let mut numbers = bytes(
        [9, 17, 18, 19, 20, 21, 145, 154, 244, 245, 261, 264, 265]
            .into_iter()
            .filter(|n| *n < 266),
    );
    numbers.extend(
        [
            10, 13, 15, 70, 140, 155, 169, 175, 183, 191, 202, 216, 223, 249, 299, 310, 354, 355,
        ]
        .map(|number| (number, How::Error)),
    );
    assert_same(&replay(&shared, &installation, &numbers));
}

#[test]
fn before_anything_is_set_up_the_same_is_said() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new();
    let mut numbers = bytes([22, 28, 29, 30, 31, 32, 37]);
    numbers.push((36, How::Stdout));
    assert_same(&replay(&shared, &installation, &numbers));
}

#[test]
fn the_hub_is_updated_listed_installed_and_removed_alike() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new()
        .with_env("HUB_DIR", &shared.join("hub"))
        .with_env("HUB_DATA_DIR", &shared.join("hub-data"));
    let mut first = bytes((40..=43).chain([45, 46]));
    // The starter set stands beside every index, so our counts on stderr are higher.
    first.extend([47, 48, 49].map(|number| (number, How::Stdout)));
    first.extend(bytes((50..=58).chain(61..=69)));
    assert_same(&replay(&shared, &installation, &first));
    assert_same(&replay(&shared, &installation, &bytes((71..=76).chain([77]))));
    // What the recorder did between these two runs.
    let changed = installation.path("etc/scenarios/http-generic-test.yaml");
    let text = std::fs::read_to_string(&changed).unwrap();
    std::fs::remove_file(&changed).unwrap();
    installation.write("etc/scenarios/http-generic-test.yaml", &(text + "# changed\n"));
    installation.write(
        "etc/scenarios/my-local.yaml",
        "name: me/local-one\ntype: trigger\n",
    );
    let nowhere = installation.path("hub/parsers/none.yaml");
    std::os::unix::fs::symlink(
        nowhere,
        installation.path("etc/parsers/s01-parse/broken-link.yaml"),
    )
    .unwrap();
    let mut second = Vec::new();
    second.extend(
        (78..=88)
            .filter(|number| *number != 87 && *number != 88)
            .map(|number| (number, How::Stdout)),
    );
    assert_same(&replay(&shared, &installation, &second));
}

#[test]
fn installed_items_are_listed_and_inspected_alike() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new()
        .with_env("HUB_DIR", &shared.join("hub"))
        .with_env("HUB_DATA_DIR", &shared.join("hub-data"));
    for (kind, names) in [
        ("collections", &["crowdsecurity/nginx", "crowdsecurity/sshd"][..]),
        (
            "parsers",
            &[
                "crowdsecurity/syslog-logs",
                "crowdsecurity/dateparse-enrich",
                "crowdsecurity/cri-logs",
            ],
        ),
        ("postoverflows", &["crowdsecurity/cdn-whitelist"]),
    ] {
        assert_eq!(installation.run(&["hub", "update"], "").code, 0);
        let run = installation.run(&[&[kind, "install"], names].concat(), "");
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert_same(&replay(
        &shared,
        &installation,
        &bytes((94..=111).chain([115, 117, 119, 120, 121])),
    ));
    assert_same(&replay(
        &shared,
        &installation,
        &bytes((122..=136).chain([138, 139, 141, 142, 143])),
    ));
}

#[test]
fn simulation_is_switched_alike() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new().with_env("HUB_DIR", &shared.join("hub"));
    assert_eq!(installation.run(&["hub", "update"], "").code, 0);
    let names = ["crowdsecurity/ssh-bf", "crowdsecurity/http-probing"];
    assert_eq!(
        installation
            .run(
                &[&["scenarios", "install", "--download-only"][..], &names].concat(),
                ""
            )
            .code,
        0
    );
    for name in ["ssh-bf", "http-probing"] {
        let target = installation.path(&format!("hub/scenarios/crowdsecurity/{name}.yaml"));
        std::fs::create_dir_all(installation.path("etc/scenarios")).unwrap();
        std::os::unix::fs::symlink(target, installation.path(&format!("etc/scenarios/{name}.yaml"))).unwrap();
    }
    assert_same(&replay(
        &shared,
        &installation,
        &bytes((484..=489).chain(491..=496).chain(498..=501)),
    ));
}

/// The lines of a recorded `explain` and what was said about each; upstream answers in any order.
fn explained(text: &str) -> BTreeMap<String, String> {
    let blocks = text.split("line: ").skip(1).map(|block| {
        let (line, tree) = block.split_once('\n').unwrap();
        (line.to_owned(), tree.trim_end().to_owned())
    });
    blocks.filter(|(line, _)| !line.is_empty()).collect()
}

#[test]
fn log_lines_are_explained_alike() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new()
        .with_env("HUB_DIR", &shared.join("hub"))
        .with_env("HUB_DATA_DIR", &shared.join("hub-data"));
    assert_eq!(installation.run(&["hub", "update"], "").code, 0);
    for (kind, names) in [
        ("collections", &["crowdsecurity/nginx", "crowdsecurity/sshd"][..]),
        (
            "parsers",
            &[
                "crowdsecurity/syslog-logs",
                "crowdsecurity/dateparse-enrich",
                "crowdsecurity/cri-logs",
            ],
        ),
        ("postoverflows", &["crowdsecurity/cdn-whitelist"]),
    ] {
        let run = installation.run(&[&[kind, "install"], names].concat(), "");
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let all = recordings(&shared);
    for (number, kind) in [(424, "nginx"), (425, "nginx"), (427, "syslog")] {
        let recorded = explained(&all[&number].stdout);
        assert!(!recorded.is_empty(), "{number}");
        let lines: Vec<&str> = recorded.keys().map(String::as_str).collect();
        let run = installation.run(&["explain", "-f", "-", "--type", kind], &lines.join("\n"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(explained(&run.stdout), recorded, "{number}");
    }
    assert_same(&replay(&shared, &installation, &bytes([431, 432, 433, 434])));
}

#[test]
fn machines_and_bouncers_are_kept_alike() {
    let Some(shared) = shared() else { return };
    let installation = Installation::new();
    let machines = bytes([148, 149, 150, 153, 168, 221, 222]);
    assert_same(&replay(&shared, &installation, &machines));
    let mut inspected = bytes([208]);
    inspected.push((215, How::Error));
    assert_same(&replay(&shared, &installation, &inspected));
    assert_same(&replay(
        &shared,
        &installation,
        &bytes([172, 173, 174, 176, 177, 182, 189, 190, 197]),
    ));
    assert_eq!(installation.run(&["bouncers", "add", "b4"], "").code, 0);
    assert_same(&replay(&shared, &installation, &bytes([198, 199, 200])));
}
