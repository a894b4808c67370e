//! What must hold without any recording: first install with no network, secrets, machines and bouncers in the
//! database.

use std::os::unix::fs::PermissionsExt as _;

use crate::installation::Installation;

#[test]
fn a_first_install_needs_no_network() {
    let installation = Installation::new();
    let config = std::fs::read_to_string(installation.path("etc/config.yaml")).unwrap();
    let nowhere = "  __hub_url_template__: http://127.0.0.1:1/%s/%s\n  hub_branch: master\n";
    installation.write(
        "etc/config.yaml",
        &config.replace("  hub_branch: v1.7.8\n", nowhere),
    );
    let update = installation.run(&["hub", "update"], "");
    assert_eq!(update.code, 0, "{}", update.stderr);
    assert!(update.stderr.contains("starter set"), "{}", update.stderr);
    let list = installation.run(&["collections", "list", "-a", "-o", "raw"], "");
    let name = list
        .stdout
        .lines()
        .nth(1)
        .and_then(|line| line.split(',').next())
        .unwrap()
        .to_owned();
    let install = installation.run(&["collections", "install", &name], "");
    assert_eq!(install.code, 0, "{}{}", install.stdout, install.stderr);
    let list = installation.run(&["collections", "list", "-o", "raw"], "");
    assert!(
        list.stdout.contains(&format!("{name},enabled,")),
        "{}",
        list.stdout
    );
}

#[test]
fn a_bouncers_key_is_all_that_raw_output_prints() {
    let installation = Installation::new();
    let run = installation.run(&["bouncers", "add", "b1", "-o", "raw"], "");
    assert_eq!((run.code, run.stdout.len(), run.stderr.as_str()), (0, 43, ""));
    let again = installation.run(&["bouncers", "add", "b1"], "");
    assert_eq!(
        again.stderr,
        "Error: cscli bouncers add: unable to create bouncer: bouncer b1 already exists\n"
    );
    let list = installation.run(&["bouncers", "list", "-o", "raw"], "");
    assert_eq!(
        list.stdout,
        "name,ip,revoked,last_pull,type,version,auth_type\nb1,,validated,,,,api-key\n"
    );
    assert_eq!(installation.run(&["bouncers", "delete", "b1"], "").code, 0);
    assert_eq!(installation.run(&["bouncers", "delete", "b1"], "").code, 1);
    assert_eq!(
        installation
            .run(&["bouncers", "delete", "b1", "--ignore-missing"], "")
            .code,
        0
    );
}

#[test]
fn a_machines_credentials_are_only_for_root_and_never_overwritten_by_accident() {
    let installation = Installation::new();
    let run = installation.run(&["machines", "add", "m1", "--auto"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let path = installation.path("etc/local_api_credentials.yaml");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = std::fs::read_to_string(&path).unwrap();
    assert!(
        before.starts_with("url: http://127.0.0.1:8080\nlogin: m1\npassword: "),
        "{before}"
    );
    let again = installation.run(&["machines", "add", "m2", "--auto"], "");
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    let stdout = installation.run(&["machines", "add", "m3", "--auto", "-f", "-"], "");
    assert!(stdout.stdout.contains("login: m3\n"), "{}", stdout.stdout);
    let list = installation.run(&["machines", "list", "-o", "json"], "");
    assert_eq!(
        list.stdout.matches("\"isValidated\": true").count(),
        2,
        "{}",
        list.stdout
    );
}

#[test]
fn every_command_explains_itself() {
    let installation = Installation::new();
    for words in [
        &["--help"][..],
        &["help", "decisions", "add"],
        &["decisions", "import", "-h"],
        &["metrics", "show", "--help"],
        &["explain", "--help"],
    ] {
        let run = installation.run(words, "");
        assert_eq!(run.code, 0, "{words:?}");
        assert!(run.stdout.contains("Usage: cscli"), "{words:?}: {}", run.stdout);
        assert!(run.stdout.contains("--config"), "{words:?}: {}", run.stdout);
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let installation = Installation::new();
    let status = installation.run_without_reader(&["decisions", "add", "--help"]);
    assert!(status.success(), "{status}");
    let status = installation.run_without_reader(&["hub", "types"]);
    assert!(status.success(), "{status}");
}
