//! Flags, names and exit codes.

use crate::base::{Base, run};

#[test]
fn an_unknown_flag_ends_with_2_and_the_usage() {
    let ended = run("crowdsec", &["-foo"]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.stdout, "");
    let (first, usage) = ended.stderr.split_once('\n').unwrap();
    assert_eq!(first, "flag provided but not defined: -foo");
    let expected = "\
  -c string
    \tconfiguration file (default \"/etc/crowdsec/config.yaml\")
  -cpu-profile string
    \twrite cpu profile to file
  -debug
    \tset log level to 'debug'
";
    assert!(usage.contains(expected), "{usage}");
    assert!(usage.contains("\n  -t\tonly test configs\n"), "{usage}");
}

#[test]
fn a_superfluous_word_ends_with_2() {
    let ended = Base::new().run(&["extra"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(2), "Error: argument provided but not defined: extra\n")
    );
}

#[test]
fn help_ends_with_0() {
    let ended = run("crowdsec", &["--help"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.starts_with("Usage of "), "{}", ended.stderr);
}

#[test]
fn combinations_that_make_no_sense_end_with_1() {
    let check = |words: &[&str], expected: &str| {
        let ended = Base::new().run(words);
        assert_eq!(ended.code, Some(1), "{words:?}: {}", ended.stderr);
        assert_eq!(ended.fatal(), [expected], "{words:?}");
    };
    check(
        &["-no-api", "-no-cs"],
        "you must run at least the API Server or crowdsec",
    );
    check(&["-dsn", "file:///x"], "-dsn requires a -type argument");
    check(&["-type", "syslog"], "-type requires a -dsn argument");
    check(&["-transform", "evt"], "-transform requires a -dsn argument");
}

#[test]
fn the_name_or_the_first_word_makes_it_cscli() {
    for (name, words) in [
        ("cscli", vec!["version"]),
        ("crowdsec", vec!["cscli", "version"]),
        ("crowdsec", vec!["-version"]),
    ] {
        let ended = run(name, &words);
        assert_eq!(ended.code, Some(0), "{name} {words:?}: {}", ended.stderr);
        assert!(
            format!("{}{}", ended.stdout, ended.stderr).contains("version: v"),
            "{name} {words:?}: {ended:?}"
        );
    }
}
