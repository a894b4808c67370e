//! The commands that talk to a Local API, against ours in this process.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use crate::installation::Installation;

/// Starts a Local API on a free port, registers a machine there and calls `test`.
fn with_lapi(test: impl FnOnce(&Installation)) {
    let installation = Installation::new();
    let config = std::fs::read_to_string(installation.path("etc/config.yaml")).unwrap();
    installation.write(
        "etc/config.yaml",
        &config.replace("127.0.0.1:8080", "127.0.0.1:0"),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = config::load(&installation.path("etc/config.yaml"), &BTreeMap::new()).unwrap();
    let settings = lapi::Settings::new(&config, Vec::new(), None, None).unwrap();
    let metrics = service::metrics::Metrics::new("v0").unwrap();
    let ready = runtime.block_on(lapi::prepare(settings, &metrics)).unwrap();
    let url = format!("http://{}", ready.address().unwrap());
    let token = CancellationToken::new();
    let serving = runtime.spawn(ready.serve(token.clone()));
    let added = installation.run(&["machines", "add", "m1", "--auto", "-u", &url], "");
    assert_eq!(added.code, 0, "{}", added.stderr);
    test(&installation);
    token.cancel();
    runtime.block_on(serving).unwrap();
}

/// Three by hand and two from standard input.
fn add_decisions(installation: &Installation) {
    let status = installation.run(&["lapi", "status"], "");
    assert!(
        status
            .stdout
            .ends_with("You can successfully interact with Local API (LAPI)\n"),
        "{}",
        status.stderr
    );
    for words in [
        &["decisions", "add", "--ip", "192.0.2.1"][..],
        &[
            "decisions",
            "add",
            "--range",
            "198.51.100.0/24",
            "--reason",
            "noise",
            "-d",
            "2d",
        ],
        &[
            "decisions",
            "add",
            "--scope",
            "country",
            "--value",
            "FR",
            "--type",
            "captcha",
        ],
    ] {
        let run = installation.run(words, "");
        let said = (run.code, run.stderr.as_str());
        assert_eq!(
            said,
            (0, "level=info msg=\"Decision successfully added\"\n"),
            "{words:?}"
        );
    }
    let imported = installation.run(
        &[
            "decisions",
            "import",
            "-i",
            "-",
            "--format",
            "values",
            "--batch",
            "1",
        ],
        "203.0.113.60\n203.0.113.61\n",
    );
    assert_eq!(
        imported.stdout, "Parsing values\nbatch size: 1\nImported 2 decisions",
        "{}",
        imported.stderr
    );
}

#[test]
fn decisions_are_added_listed_and_deleted_through_the_local_api() {
    with_lapi(|installation| {
        add_decisions(installation);
        let list = installation.run(&["decisions", "list", "-o", "raw"], "");
        let rows: Vec<Vec<&str>> = list
            .stdout
            .lines()
            .skip(1)
            .map(|row| row.split(',').collect())
            .collect();
        let rows: Vec<String> = rows.iter().map(|row| row[1..=4].join(" ")).collect();
        assert_eq!(
            rows,
            [
                "cscli-import Ip:203.0.113.61 manual ban",
                "cscli-import Ip:203.0.113.60 manual ban",
                "cscli Country:FR manual 'captcha' from 'm1' captcha",
                "cscli Range:198.51.100.0/24 noise ban",
                "cscli Ip:192.0.2.1 manual 'ban' from 'm1' ban",
            ]
        );
        let inside = installation.run(&["decisions", "list", "-i", "198.51.100.7", "-o", "json"], "");
        let inside: serde_json::Value = serde_json::from_str(&inside.stdout).unwrap();
        assert_eq!(inside[0]["decisions"][0]["value"], "198.51.100.0/24");
        for (words, said) in [
            (
                &["--ip", "192.0.2.1"][..],
                "level=info msg=\"1 decision(s) deleted\"\n",
            ),
            (
                &["--ip", "192.0.2.1"],
                "level=info msg=\"0 decision(s) deleted\"\n",
            ),
            (
                &["--range", "203.0.113.0/24", "--contained"],
                "level=info msg=\"2 decision(s) deleted\"\n",
            ),
        ] {
            let run = installation.run(&[&["decisions", "delete"], words].concat(), "");
            assert_eq!(run.stderr, said, "{words:?}");
        }
    });
}

#[test]
fn alerts_are_listed_inspected_and_deleted_through_the_local_api() {
    with_lapi(|installation| {
        assert_eq!(
            installation
                .run(&["decisions", "add", "--ip", "192.0.2.1"], "")
                .code,
            0
        );
        let inspect = installation.run(&["alerts", "inspect", "1", "-o", "json"], "");
        let alert: serde_json::Value = serde_json::from_str(&inspect.stdout).unwrap();
        assert_eq!(
            (&alert["kind"], &alert["source"]["ip"]),
            (&"cscli".into(), &"192.0.2.1".into())
        );
        let human = installation.run(&["alerts", "inspect", "1"], "").stdout;
        assert!(human.contains(" - Scope:Value  : Ip:192.0.2.1\n"), "{human}");
        assert!(human.contains("| Active Decisions "), "{human}");
        let list = installation.run(&["alerts", "list", "-o", "raw"], "").stdout;
        assert!(
            list.contains("\n1,Ip,192.0.2.1,manual 'ban' from 'm1',,,ban:1,"),
            "{list}"
        );
        let deleted = installation.run(&["alerts", "delete", "--id", "1"], "");
        assert_eq!(deleted.stderr, "level=info msg=\"1 alert(s) deleted\"\n");
        assert_eq!(
            installation.run(&["alerts", "list"], "").stdout,
            "No active alerts\n"
        );
        let gone = installation.run(&["alerts", "inspect", "1"], "");
        assert_eq!(
            gone.stderr,
            "Error: cscli alerts inspect: can't find alert with id 1: API error: object not found\n"
        );
    });
}

#[test]
fn what_cannot_work_is_refused_with_a_reason() {
    with_lapi(|installation| {
        let run = installation.run(&["decisions", "add", "--ip", "192.0.2.4", "-d", "1x"], "");
        assert_eq!(run.code, 1);
        assert!(
            run.stderr
                .contains("decision duration '1x': time: unknown unit \"x\""),
            "{}",
            run.stderr
        );
        let run = installation.run(
            &["decisions", "import", "-i", "-", "--format", "values"],
            "192.0.2.1\nnot an ip\n",
        );
        assert_eq!(
            run.stderr,
            "Error: cscli decisions import: item 1: invalid ip address 'not an ip'\n"
        );
        assert_eq!(
            installation.run(&["decisions", "list"], "").stdout,
            "No active decisions\n"
        );
    });
}

#[test]
fn a_local_api_that_is_not_there_is_named_with_a_guess() {
    let installation = Installation::new();
    let added = installation.run(
        &["machines", "add", "m1", "--auto", "-u", "http://127.0.0.1:1"],
        "",
    );
    assert_eq!(added.code, 0, "{}", added.stderr);
    let run = installation.run(&["decisions", "list"], "");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("http://127.0.0.1:1/v1/watchers/login"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.trim_end().ends_with("is the Local API running there?"),
        "{}",
        run.stderr
    );
}
