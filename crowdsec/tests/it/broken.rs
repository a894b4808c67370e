//! Broken files are refused with file, line, field and cure, and with upstream's exit code.
//!
//! The cases are those of `captures/startup-errors-1.7.8.txt`, found there by their titles when `SHARED_DIR` is set.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;

use crate::base::Base;

/// A case: its title in the capture, what is changed (file, from, to; an empty `from` writes the whole file),
/// and what the fatal line must contain.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        "config.yaml: unknown key at the top",
        &[("config.yaml", "prometheus:", "unknown_key: 1\nprometheus:")],
        &[
            "while loading configuration file: DIR/config.yaml:37:1: unknown key \"unknown_key\"",
            "valid keys are common",
        ],
    ),
    (
        "config.yaml: unknown key below api.server",
        &[("config.yaml", "    listen_uri", "    foo: bar\n    listen_uri")],
        &["DIR/config.yaml:31:5: api.server: unknown key \"foo\"; valid keys are enable, listen_uri"],
    ),
    (
        "config.yaml: bad YAML (tab, then unclosed bracket)",
        &[("config.yaml", "  log_level: info", "\tlog_level: [info")],
        &["DIR/config.yaml:2:14: "],
    ),
    (
        "config.yaml: duplicate key",
        &[(
            "config.yaml",
            "  parser_routines: 1",
            "  parser_routines: 1\n  parser_routines: 2",
        )],
        &[
            "DIR/config.yaml:15:3: crowdsec_service: mapping key \"parser_routines\" already defined at line 14",
        ],
    ),
    (
        "config.yaml: empty file",
        &[("config.yaml", "", "")],
        &["DIR/config.yaml: config_paths: no configuration paths provided"],
    ),
    (
        "config.yaml: not a mapping",
        &[("config.yaml", "", "- a\n- b\n")],
        &["DIR/config.yaml:1:1: "],
    ),
    (
        "config.yaml: wrong type, parser_routines: abc",
        &[("config.yaml", "parser_routines: 1", "parser_routines: abc")],
        &["DIR/config.yaml:14:20: crowdsec_service.parser_routines: cannot unmarshal !!str `abc` into int"],
    ),
    (
        "config.yaml: log_level: nope",
        &[("config.yaml", "  log_level: info", "  log_level: nope")],
        &["DIR/config.yaml:3:3: common.log_level: not a valid log level: \"nope\"; use trace, debug"],
    ),
    (
        "config.yaml: log_media: nope",
        &[("config.yaml", "log_media: stdout", "log_media: nope")],
        &["DIR/config.yaml:2:3: common.log_media: unknown log_mode \"nope\"; use stdout"],
    ),
    (
        "config.yaml: no config_paths",
        &[(
            "config.yaml",
            "config_paths:\n  config_dir: DIR\n  data_dir: DIR/data\n  simulation_path: DIR/simulation.yaml\n  hub_dir: DIR/hub\n  index_path: DIR/hub/.index.json\n  notification_dir: DIR/notifications\n",
            "",
        )],
        &["DIR/config.yaml: config_paths: no configuration paths provided; add"],
    ),
    (
        "config.yaml: no db_config",
        &[(
            "config.yaml",
            "db_config:\n  type: sqlite\n  db_path: DIR/data/crowdsec.db\n  use_wal: true\n  flush:\n    max_items: 5000\n    max_age: 7d\n",
            "",
        )],
        &["no database configuration provided"],
    ),
    (
        "config.yaml.local: overrides with an unknown key",
        &[("config.yaml.local", "", "nope: 1\n")],
        &["DIR/config.yaml.local:1:1: unknown key \"nope\""],
    ),
    (
        "config.yaml.local: bad YAML",
        &[("config.yaml.local", "", "common: [\n")],
        &["DIR/config.yaml.local:1:9: unclosed bracket"],
    ),
    (
        "simulation.yaml: bad YAML",
        &[("simulation.yaml", "", "simulation: [\n")],
        &["load error (simulation): DIR/simulation.yaml:1:13: "],
    ),
    (
        "simulation.yaml: unknown key",
        &[("simulation.yaml", "", "simulation: false\nnope: 1\n")],
        &[
            "load error (simulation): DIR/simulation.yaml:2:1: unknown key \"nope\"; valid keys are simulation, exclusions",
        ],
    ),
    (
        "console.yaml: bad YAML",
        &[("console.yaml", "", "share_custom: [\n")],
        &["while loading console options: DIR/console.yaml:1:"],
    ),
    (
        "feature.yaml: not a list",
        &[("feature.yaml", "", "a: b\n")],
        &["DIR/feature.yaml:1:"],
    ),
    (
        "db_config.type: nope",
        &[("config.yaml", "type: sqlite", "type: nope")],
        &["DIR/config.yaml:16:3: db_config.type: unknown database type 'nope'; use sqlite"],
    ),
    (
        "db_config.type missing",
        &[("config.yaml", "  type: sqlite\n", "")],
        &["DIR/config.yaml:15:1: db_config.type: unknown database type ''"],
    ),
    (
        "db_path missing",
        &[("config.yaml", "  db_path: DIR/data/crowdsec.db\n", "")],
        &["db_config.db_path: no database file given; name the file"],
    ),
    (
        "db_config.flush.max_age: 7x",
        &[("config.yaml", "max_age: 7d", "max_age: 7x")],
        &[
            "DIR/config.yaml:21:5: db_config.flush.max_age: time: unknown unit \"x\" in duration \"7x\"; write a duration like",
        ],
    ),
    (
        "db_config.flush.max_items: -5",
        &[("config.yaml", "max_items: 5000", "max_items: -5")],
        &["db_config.flush.max_items: max_items can't be zero or negative; use"],
    ),
    (
        "db_config.log_level: nope",
        &[(
            "config.yaml",
            "  type: sqlite",
            "  type: sqlite\n  log_level: nope",
        )],
        &["db_config.log_level: not a valid log level"],
    ),
    (
        "db_config.decision_bulk_size: abc",
        &[(
            "config.yaml",
            "  type: sqlite",
            "  type: sqlite\n  decision_bulk_size: abc",
        )],
        &["db_config.decision_bulk_size: cannot unmarshal"],
    ),
    (
        "listen_uri missing",
        &[("config.yaml", "    listen_uri: 127.0.0.1:API\n", "")],
        &["DIR/config.yaml:29:3: api.server: no listen_uri or listen_socket specified; give"],
    ),
    (
        "trusted_ips: nonsense",
        &[("config.yaml", "- ::1", "- nonsense")],
        &["DIR/config.yaml:36:9: api.server.trusted_ips[1]: \"nonsense\" is neither"],
    ),
    (
        "api.server.log_level: nope",
        &[("config.yaml", "    log_level: info", "    log_level: nope")],
        &["api.server.log_level: not a valid log level"],
    ),
    (
        "api.server.auto_registration: token too short",
        &[(
            "config.yaml",
            "    listen_uri",
            "    auto_registration:\n      enabled: true\n      token: short\n      allowed_ranges: [\"127.0.0.0/8\"]\n    listen_uri",
        )],
        &[
            "api.server.auto_registration.token: token value for api.server.auto_register is too short (min 32 characters); give",
        ],
    ),
    (
        "online_client: credentials file missing",
        &[(
            "config.yaml",
            "    trusted_ips",
            "    online_client:\n      credentials_path: DIR/online.yaml\n    trusted_ips",
        )],
        &[
            "loading online client credentials: DIR/online.yaml: cannot read the file: no such file or directory",
        ],
    ),
    (
        "credentials file: bad YAML",
        &[("local_api_credentials.yaml", "", "url: [\n")],
        &["loading api client: DIR/local_api_credentials.yaml:1:6: "],
    ),
    (
        "credentials file: empty",
        &[("local_api_credentials.yaml", "", "")],
        &[
            "loading api client: DIR/local_api_credentials.yaml: url: no credentials or URL found in api client configuration",
        ],
    ),
    (
        "credentials file: unknown key",
        &[(
            "local_api_credentials.yaml",
            "password: secret",
            "password: secret\nnope: 1",
        )],
        &["DIR/local_api_credentials.yaml:4:1: unknown key \"nope\""],
    ),
    (
        "no client section",
        &[(
            "config.yaml",
            "  client:\n    insecure_skip_verify: false\n    credentials_path: DIR/local_api_credentials.yaml\n",
            "",
        )],
        &["loading api client: DIR/config.yaml: no API client section in configuration; add"],
    ),
    (
        "profiles.yaml: empty",
        &[("profiles.yaml", "", "")],
        &["while loading profiles for LAPI: DIR/profiles.yaml: zero profiles loaded for LAPI"],
    ),
    (
        "profiles.yaml: bad YAML",
        &[("profiles.yaml", "", "name: [\n")],
        &["while loading profiles for LAPI: DIR/profiles.yaml:1:7: "],
    ),
    (
        "profiles.yaml: unknown key",
        &[("profiles.yaml", "on_success: break", "on_success: break\nnope: 1")],
        &["DIR/profiles.yaml:8:1: unknown key \"nope\"; valid keys are name"],
    ),
    (
        "profiles.yaml: bad duration",
        &[("profiles.yaml", "4h", "4x")],
        &["DIR/profiles.yaml:6:4: decisions[0].duration: time: unknown unit \"x\" in duration \"4x\"; write"],
    ),
    (
        "profiles.yaml: on_success: nope",
        &[("profiles.yaml", "on_success: break", "on_success: nope")],
        &["DIR/profiles.yaml:7:1: on_success: invalid 'on_success': nope; use continue or break"],
    ),
    (
        "profiles.yaml: notification that is not configured",
        &[(
            "profiles.yaml",
            "on_success",
            "notifications: [nope_default]\non_success",
        )],
        &[
            "DIR/profiles.yaml:1: notifications: config file for plugin nope_default not found; describe it in",
        ],
    ),
    (
        "console/context.yaml: bad YAML",
        &[("console/context.yaml", "", "a: [\n")],
        &["crowdsec init: DIR/console/context.yaml:1:4: "],
    ),
    (
        "acquis: bad YAML",
        &[("acquis.yaml", "", "source: file\nfilenames: [\n")],
        &["crowdsec init: while loading acquisition config: DIR/acquis.yaml:2:12: "],
    ),
    (
        "acquis: unknown source",
        &[("acquis.yaml", "source: file\nfilenames", "source: nope\nfiles")],
        &["DIR/acquis.yaml:1:1: source: unknown data source nope"],
    ),
    (
        "acquis: neither source nor filenames",
        &[("acquis.yaml", "", "labels:\n  type: syslog\n")],
        &["DIR/acquis.yaml: missing 'source' field; add"],
    ),
    (
        "acquis: unknown key",
        &[("acquis.yaml", "  type: syslog", "  type: syslog\nnope: 1")],
        &["DIR/acquis.yaml:6:1: unknown key \"nope\"; valid keys are source"],
    ),
    (
        "acquis: no labels",
        &[("acquis.yaml", "labels:\n  type: syslog\n", "")],
        &["DIR/acquis.yaml: labels: missing labels; add labels with type"],
    ),
    (
        "acquis: no filename",
        &[("acquis.yaml", "filenames:\n  - DIR/log/auth.log\n", "")],
        &["filenames: no filename or filenames configuration provided; add"],
    ),
    (
        "acquis: bad glob",
        &[("acquis.yaml", "auth.log", "[a")],
        &["DIR/acquis.yaml:3:5: filenames[0]: syntax error in pattern"],
    ),
    (
        "acquis: bad mode",
        &[("acquis.yaml", "source: file", "source: file\nmode: nope")],
        &["DIR/acquis.yaml:2:1: mode: unsupported mode nope for file source; use tail or cat"],
    ),
    (
        "acquis: exclude_regexps bad",
        &[(
            "acquis.yaml",
            "source: file",
            "source: file\nexclude_regexps: [\"(\"]",
        )],
        &["DIR/acquis.yaml:2:19: exclude_regexps[0]: could not compile regexp (: "],
    ),
    (
        "acquis: log_level: nope",
        &[("acquis.yaml", "source: file", "source: file\nlog_level: nope")],
        &["DIR/acquis.yaml:2:1: log_level: not a valid log level"],
    ),
    (
        "acquis: wrong type (filenames is a number)",
        &[(
            "acquis.yaml",
            "filenames:\n  - DIR/log/auth.log\n",
            "filenames: 3\n",
        )],
        &["DIR/acquis.yaml:2:12: filenames: cannot unmarshal !!int `3` into a list"],
    ),
    (
        "acquis: empty file",
        &[("acquis.yaml", "", "")],
        &["DIR/acquis.yaml: no datasource enabled; set"],
    ),
    (
        "acquis: second document broken",
        &[(
            "acquis.yaml",
            "  type: syslog",
            "  type: syslog\n---\nsource: nope\nlabels:\n  type: x",
        )],
        &["DIR/acquis.yaml:7:1: source: unknown data source nope"],
    ),
    (
        "acquis: broken file in acquis.d",
        &[("acquis.d/x.yaml", "", "source: nope\n")],
        &["DIR/acquis.d/x.yaml:1:1: source: unknown data source nope"],
    ),
    (
        "scenario: unknown field",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\nnope: 1\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:6:1", "nope"],
    ),
    (
        "scenario: filter does not compile",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type === 'a'\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:4:", "filter"],
    ),
    (
        "scenario: filter with an unknown field",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Nope.log_type == 'a'\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:4:", "filter", "Nope"],
    ),
    (
        "scenario: filter with an unknown function",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: Nope(evt.Meta.log_type)\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:4:", "filter", "Nope"],
    ),
    (
        "scenario: no filter",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml", "filter"],
    ),
    (
        "scenario: no name",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml", "name"],
    ),
    (
        "scenario: unknown type",
        &[(
            "scenarios/me.yaml",
            "",
            "type: nope\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:1:", "nope"],
    ),
    (
        "scenario: no capacity",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml", "capacity"],
    ),
    (
        "scenario: bad leakspeed",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10x\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:7:", "leakspeed", "10x"],
    ),
    (
        "scenario: bad blackhole",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: abc\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:8:", "blackhole", "abc"],
    ),
    (
        "scenario: groupby does not compile",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:5:", "groupby"],
    ),
    (
        "scenario: distinct does not compile",
        &[(
            "scenarios/me.yaml",
            "",
            "type: leaky\nname: me/test\ndescription: x\nfilter: evt.Meta.log_type == 'a'\ngroupby: evt.Meta.source_ip\ndistinct: evt.((\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\nlabels:\n  service: ssh\n",
        )],
        &["DIR/scenarios/me.yaml:6:", "distinct"],
    ),
    (
        "parser: unknown grok pattern name",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^%{NOPE:x}$'\n  apply_on: message\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:5:", "NOPE"],
    ),
    (
        "parser: bad regular expression in grok",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^($'\n  apply_on: message\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:5:", "grok"],
    ),
    (
        "parser: look-ahead in grok",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^(?=a)$'\n  apply_on: message\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:5:", "grok"],
    ),
    (
        "parser: unknown field",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^%{IP:source_ip}$'\n  apply_on: message\nnope: 1\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:7:1", "nope"],
    ),
    (
        "parser: filter does not compile",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type === 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^%{IP:source_ip}$'\n  apply_on: message\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:1:", "filter"],
    ),
    (
        "parser: statics without target",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^%{IP:source_ip}$'\n  apply_on: message\nstatics:\n  - value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml", "statics"],
    ),
    (
        "parser: onsuccess: nope",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: nope\nname: me/p\ngrok:\n  pattern: '^%{IP:source_ip}$'\n  apply_on: message\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:2:", "onsuccess"],
    ),
    (
        "parser: whitelist with a bad ip",
        &[(
            "parsers/s01-parse/me.yaml",
            "",
            "filter: evt.Line.Labels.type == 'syslog'\nonsuccess: next_stage\nname: me/p\ngrok:\n  pattern: '^%{IP:source_ip}$'\n  apply_on: message\nwhitelist:\n  reason: x\n  ip: [nope]\nstatics:\n  - meta: a\n    value: b\n",
        )],
        &["DIR/parsers/s01-parse/me.yaml:", "whitelist", "nope"],
    ),
    (
        "profiles.yaml: filter does not compile",
        &[("profiles.yaml", "==", "===")],
        &["DIR/profiles.yaml", "filter", "1:"],
    ),
    (
        "profiles.yaml: filter uses an unknown field",
        &[("profiles.yaml", "Alert.Remediation", "Alert.Nope")],
        &["DIR/profiles.yaml", "filter", "Nope"],
    ),
    (
        "db_path is not a database",
        &[(
            "data/crowdsec.db",
            "",
            "this is no database, but long enough to be read as the header of one, which is a hundred bytes long",
        )],
        &["unable to create database client: ", "DIR/data/crowdsec.db"],
    ),
    (
        "db_path in a folder that really does not exist",
        &[("config.yaml", "DIR/data/crowdsec.db", "DIR/nowhere/crowdsec.db")],
        &["unable to create database client: ", "DIR/nowhere/crowdsec.db"],
    ),
];

/// The exit codes of `-t` in the capture, by title; empty without `SHARED_DIR`.
fn recorded() -> BTreeMap<String, i32> {
    let folder = std::env::vars().find_map(|(name, value)| (name == "SHARED_DIR").then_some(value));
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let path =
        PathBuf::from(folder.unwrap_or_else(|| default.to_owned())).join("captures/startup-errors-1.7.8.txt");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no SHARED_DIR");
        return BTreeMap::new();
    };
    let code = |line: &str| {
        let (title, rest) = line.split_once(": ")?.1.split_once(" -t ")?;
        Some((
            title.trim().to_owned(),
            rest.split_whitespace().next()?.parse().ok()?,
        ))
    };
    text.lines().filter_map(code).collect()
}

#[test]
fn every_broken_file_is_refused_with_its_place_and_cure() {
    let recorded = recorded();
    let mut wrong = Vec::new();
    for (title, changes, expected) in CASES {
        let base = Base::new();
        for (file, from, to) in *changes {
            if from.is_empty() {
                base.write(file, to);
            } else {
                base.change(file, from, to);
            }
        }
        let ended = base.run(&["-t"]);
        let upstream = if recorded.is_empty() {
            Some(1)
        } else {
            recorded.get(*title).copied()
        };
        let fatal = ended.fatal().join("\n");
        let told = expected.iter().all(|part| fatal.contains(part));
        if ended.code != upstream || !told {
            wrong.push(format!(
                "{title}: {:?}, upstream {upstream:?}\n{fatal}\n{}",
                ended.code, ended.stderr
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        CASES.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn a_missing_file_is_named() {
    for (missing, doing) in [
        ("config.yaml", "while loading configuration file: "),
        ("simulation.yaml", "load error (simulation): "),
        ("local_api_credentials.yaml", "loading api client: "),
        ("profiles.yaml", "while loading profiles for LAPI: "),
    ] {
        let base = Base::new();
        std::fs::remove_file(base.path(missing)).unwrap();
        let ended = base.run(&["-t"]);
        assert_eq!(ended.code, Some(1), "{missing}");
        let expected = format!(
            "{doing}DIR/{missing}: cannot read the file: no such file or directory; create it, or name another file"
        );
        assert_eq!(ended.fatal(), [expected], "{missing}");
    }
}

#[test]
fn several_broken_files_are_told_together() {
    let base = Base::new();
    base.write("acquis.yaml", "source: nope\n");
    base.write("profiles.yaml", "");
    base.write("simulation.yaml", "nope: 1\n");
    let told = base.run(&["-t"]).fatal();
    assert_eq!(told.len(), 3, "{told:?}");
}

/// Case 127, where upstream panics and ends with 2.
#[test]
fn a_bad_regex_of_a_data_file_is_refused_with_its_line() {
    let base = Base::new();
    base.write("data/words.txt", "good.*\n(bad\n");
    base.write(
        "scenarios/me.yaml",
        "type: trigger\nname: me/test\ndescription: x\nfilter: 'RegexpInFile(evt.Meta.a, \"words.txt\")'\ndata:\n  - source_url: https://example.com/words.txt\n    dest_file: words.txt\n    type: regexp\nlabels:\n  remediation: true\n",
    );
    let ended = base.run(&["-t"]);
    let fatal = ended.fatal().join("\n");
    assert_eq!(ended.code, Some(1), "{fatal}\n{}", ended.stderr);
    for part in [
        "DIR/scenarios/me.yaml:6:1: me/test: data[0]: data file words.txt, line 2: ",
        "mend or remove the line",
    ] {
        assert!(fatal.contains(part), "{part} is not in {fatal}");
    }
}

/// Cases 50, 51 and 53: a start ends as upstream's; `-t` binds nothing, but tells an address that no start can use.
#[test]
fn an_address_that_cannot_be_listened_on_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = taken.local_addr().unwrap().to_string();
    for (address, tested) in [("foo", 1), ("127.0.0.1:99999", 1), (in_use.as_str(), 0)] {
        let base = Base::new();
        base.change("config.yaml", "127.0.0.1:API", address);
        assert_eq!(base.run(&["-t"]).code, Some(tested), "{address}");
        let ended = base.run(&["-no-cs"]);
        let fatal = ended.fatal().join("\n");
        assert_eq!(ended.code, Some(1), "{address}: {fatal}\n{}", ended.stderr);
        assert!(fatal.contains(address), "{address} is not in {fatal}");
    }
}
