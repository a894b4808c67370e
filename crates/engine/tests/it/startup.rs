//! Broken items as a real 1.7.8 was started with them: what it refused is refused here, what it took is taken.

use std::fs;

use engine::{ItemFile, Kind, Rules, Settings};

use crate::corpus;

/// Cases where the answer differs on purpose, with the reason.
const DIFFERENT: &[(&str, &str)] = &[];

/// One recorded start.
struct Case {
    name: String,
    items: Vec<ItemFile>,
    is_refused: bool,
}

/// Reads the cases about items from the recording.
fn cases(recording: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for block in recording.split("\n### ").skip(1) {
        let (title, rest) = block.split_once('\n').unwrap_or((block, ""));
        let name = title.split_once(": ").map_or(title, |(_, name)| name);
        let is_item = ["scenario: ", "parser: ", "postoverflow: ", "context: "]
            .iter()
            .any(|p| name.starts_with(p));
        let Some((files, outcome)) = rest.split_once("\nexit: ") else {
            continue;
        };
        let items: Vec<ItemFile> = files.split("\netc/").filter_map(item).collect();
        if is_item && !items.is_empty() {
            cases.push(Case {
                name: name.to_owned(),
                items,
                is_refused: !outcome.starts_with("0 "),
            });
        }
    }
    cases
}

/// Reads one `path:` line with the indented text below it.
fn item(block: &str) -> Option<ItemFile> {
    let (path, text) = block.split_once(":\n")?;
    let path = path.trim_start_matches("etc/");
    let mut parts = path.split('/');
    let kind = match parts.next()? {
        "parsers" => Kind::Parser,
        "postoverflows" => Kind::Postoverflow,
        "scenarios" => Kind::Scenario,
        "contexts" => Kind::Context,
        _ => return None,
    };
    let is_staged = matches!(kind, Kind::Parser | Kind::Postoverflow);
    let stage = if is_staged {
        parts.next()?.to_owned()
    } else {
        String::new()
    };
    // A file directly below `parsers/` has no stage and is no item.
    if is_staged {
        parts.next()?;
    }
    let text: String = text
        .lines()
        .take_while(|line| line.starts_with("    ") || line.is_empty())
        .map(|line| format!("{}\n", line.get(4..).unwrap_or_default()))
        .collect::<Vec<_>>()
        .concat();
    Some(ItemFile {
        kind,
        stage,
        path: path.to_owned(),
        name: path.to_owned(),
        version: String::new(),
        hash: String::new(),
        text,
    })
}

#[test]
fn items_are_refused_where_upstream_refuses_them() {
    let Some(captures) = corpus::captures() else {
        return;
    };
    let recording = fs::read_to_string(captures.join("startup-errors-1.7.8.txt")).unwrap();
    let cases = cases(&recording);
    let mut wrong = Vec::new();
    for case in &cases {
        let mut world = corpus::world();
        world.data.insert("bad.re".to_owned(), "(\n".into());
        let loaded = Rules::load(&case.items, world, Settings::default());
        let told = match &loaded {
            Ok(_) => "taken".to_owned(),
            Err(problems) => problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        };
        println!("{}: {told}", case.name);
        if loaded.is_err() != case.is_refused && !DIFFERENT.iter().any(|(name, _)| *name == case.name) {
            wrong.push(format!(
                "{}: upstream refuses: {}, here: {told}",
                case.name, case.is_refused
            ));
        }
    }
    assert!(cases.len() > 40, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
