//! Loading: files, overlays, and what is said about broken ones.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::resolved::{
    DecisionTemplate, Engine, Feature, Identity, LogLevel, MetricsLevel, Mode, PodsSource, Reader,
};

const BASE: &str = "\
common:
  log_level: info
config_paths:
  config_dir: DIR
  data_dir: DIR/data
crowdsec_service:
  acquisition_path: DIR/acquis.yaml
  acquisition_dir: DIR/acquis.d
db_config:
  type: sqlite
  db_path: DIR/data/crowdsec.db
  flush:
    max_items: 5000
    max_age: 7d
api:
  client:
    credentials_path: DIR/local_api_credentials.yaml
  server:
    listen_uri: 127.0.0.1:8080
    profiles_path: DIR/profiles.yaml
    trusted_ips:
      - 10.0.0.0/8
prometheus:
  enabled: true
  level: full
";

/// Writes files, with `DIR` replaced by their folder.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("DIR", folder.path().to_str().unwrap())).unwrap();
    }
    folder
}

/// Returns the problems a line each, with the folder as `DIR`.
fn told<T: std::fmt::Debug>(folder: &Path, result: Result<T, Vec<Problem>>) -> String {
    let lines: Vec<String> = result.unwrap_err().iter().map(ToString::to_string).collect();
    lines.join("\n").replace(folder.to_str().unwrap(), "DIR")
}

/// Loads `BASE` after replacing one text by another, and returns the problems.
fn broken(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from} is not in the base");
    let folder = folder(&[("config.yaml", &BASE.replacen(from, to, 1))]);
    told(
        folder.path(),
        load(&folder.path().join("config.yaml"), &Env::new()),
    )
}

#[test]
fn a_small_file_gets_upstreams_defaults() {
    let folder = folder(&[("config.yaml", BASE)]);
    let config = load(&folder.path().join("config.yaml"), &Env::new()).unwrap();
    let dir = folder.path();
    assert_eq!(config.paths.hub_dir, dir.join("hub"));
    assert_eq!(config.paths.index, dir.join("hub/.index.json"));
    assert_eq!(config.paths.simulation, dir.join("simulation.yaml"));
    assert_eq!(config.paths.plugin_dir, None);
    let server = config.server.unwrap();
    assert_eq!(server.console_file, dir.join("console.yaml"));
    assert_eq!(server.trusted_ips.len(), 3);
    assert!(crate::resolved::contains(
        &server.trusted_ips,
        "::ffff:10.1.2.3".parse().unwrap()
    ));
    assert!(!crate::resolved::contains(
        &server.trusted_ips,
        "11.1.2.3".parse().unwrap()
    ));
    let database = config.database.unwrap();
    assert_eq!(
        database.engine,
        Engine::Sqlite {
            path: dir.join("data/crowdsec.db"),
            wal: None
        }
    );
    assert_eq!(database.bulk_size, 1000);
    assert_eq!(
        database.flush.unwrap().max_age,
        Some(Duration::from_secs(7 * 24 * 3600))
    );
    let agent = config.agent.unwrap();
    assert_eq!((agent.parser_workers, agent.context_value_length), (1, 4000));
    assert_eq!(config.prometheus.level, Some(MetricsLevel::Full));
    assert_eq!(config.cscli.prometheus_url, "http://127.0.0.1:6060/metrics");
    assert_eq!(config.common.log_level, LogLevel::Info);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn a_local_file_and_the_environment_override() {
    let folder = folder(&[
        ("config.yaml", BASE),
        (
            "config.yaml.local",
            "api: {server: {listen_uri: '0.0.0.0:$PORT'}}\ncommon: {log_level: null}\ncrowdsec_service: {enable: off}",
        ),
    ]);
    let env = Env::from([("PORT".to_owned(), "9090".to_owned())]);
    let config = load(&folder.path().join("config.yaml"), &env).unwrap();
    assert_eq!(config.server.unwrap().listen_uri.as_deref(), Some("0.0.0.0:9090"));
    assert_eq!(config.agent, None);
}

#[test]
fn broken_files_are_refused_with_place_field_and_cure() {
    insta::assert_snapshot!(broken("prometheus:", "unknown_key: 1\nprometheus:"), @r#"DIR/config.yaml:23:1: unknown key "unknown_key"; valid keys are common, prometheus, crowdsec_service, cscli, db_config, api, config_paths, plugin_config"#);
    insta::assert_snapshot!(broken("    listen_uri", "    foo: bar\n    listen_uri"), @r#"DIR/config.yaml:19:5: api.server: unknown key "foo"; valid keys are enable, listen_uri, listen_socket, tls, log_level, papi_log_level, use_forwarded_for_headers, trusted_proxies, profiles_path, console_path, online_client, trusted_ips, disable_remote_lapi_registration, disable_usage_metrics_export, capi_whitelists_path, auto_registration"#);
    insta::assert_snapshot!(broken("  log_level: info", "\t log_level: [info"), @"DIR/config.yaml:2:3: tabs disallowed within this context (block indentation)");
    insta::assert_snapshot!(broken("  level: full", "  level: full\n  level: full"), @r#"DIR/config.yaml:26:3: prometheus: mapping key "level" already defined at line 25"#);
    insta::assert_snapshot!(broken(BASE, "- a\n- b\n"), @"DIR/config.yaml:1:1: cannot unmarshal !!seq into a mapping");
    insta::assert_snapshot!(broken(BASE, ""), @"DIR/config.yaml: config_paths: no configuration paths provided; add a section config_paths with data_dir");
    insta::assert_snapshot!(broken("  enabled: true", "  listen_port: abc"), @"DIR/config.yaml:24:16: prometheus.listen_port: cannot unmarshal !!str `abc` into int");
    insta::assert_snapshot!(broken("log_level: info", "log_media: nope"), @r#"DIR/config.yaml:2:3: common.log_media: unknown log_mode "nope"; use stdout, file or syslog"#);
    insta::assert_snapshot!(broken("type: sqlite", "type: nope"), @"DIR/config.yaml:10:3: db_config.type: unknown database type 'nope'; use sqlite, postgresql, pgx or mysql");
    insta::assert_snapshot!(broken("max_age: 7d", "max_age: 7x"), @r#"DIR/config.yaml:14:5: db_config.flush.max_age: time: unknown unit "x" in duration "7x"; write a duration like 12h, 7d or 1d12h"#);
    insta::assert_snapshot!(broken("127.0.0.1:8080", "127.0.0.1:99999"), @r#"DIR/config.yaml:19:5: api.server.listen_uri: listening on 127.0.0.1:99999: invalid port "99999"; write host:port, for example 127.0.0.1:8080"#);
    insta::assert_snapshot!(broken("127.0.0.1:8080", "foo"), @"DIR/config.yaml:19:5: api.server.listen_uri: listening on foo: missing port in address; write host:port, for example 127.0.0.1:8080");
}

#[test]
fn all_problems_are_told_at_once() {
    let text = BASE
        .replace("log_level: info", "log_level: loud")
        .replace("max_items: 5000", "max_items: -5")
        .replace("      - 10.0.0.0/8", "      - 10.0.0.0/8\n      - nonsense")
        .replace("    profiles_path: DIR/profiles.yaml\n", "    tls: {cert_file: /a.pem}\n    auto_registration: {enabled: true, token: short, allowed_ranges: [10.0.0.1]}\n")
        .replace("  data_dir: DIR/data\n", "");
    let folder = folder(&[
        ("config.yaml", &text),
        (
            "config.yaml.local",
            "plugin_config:\n  user: nobody\n\ndb_config:\n  log_level: nope\n",
        ),
    ]);
    insta::assert_snapshot!(told(folder.path(), load(&folder.path().join("config.yaml"), &Env::new())), @r#"
    DIR/config.yaml:3:1: config_paths.data_dir: no data directory provided; name the folder of the database and the data files
    DIR/config.yaml:2:3: common.log_level: not a valid log level: "loud"; use trace, debug, info, warning, error, fatal or panic
    DIR/config.yaml.local:5:3: db_config.log_level: not a valid log level: "nope"; use trace, debug, info, warning, error, fatal or panic
    DIR/config.yaml:12:5: db_config.flush.max_items: max_items can't be zero or negative; use a number above 0 or remove the key
    DIR/config.yaml:17:3: api.server.profiles_path: no profiles file given; name the file with the profiles, usually profiles.yaml beside config.yaml
    DIR/config.yaml:23:9: api.server.trusted_ips[1]: "nonsense" is neither an address nor a range; write an address like 10.0.0.1 or a range like 10.0.0.0/8
    DIR/config.yaml:19:5: api.server.tls.key_file: missing TLS key file; give cert_file and key_file, or neither
    DIR/config.yaml:20:40: api.server.auto_registration.token: token value for api.server.auto_register is too short (min 32 characters); give a random text of at least 32 characters
    DIR/config.yaml: plugin_config.group: user and group must be given together; give both or neither
    "#);
}

#[test]
fn problems_of_parts_that_do_not_run_are_left_out() {
    let text = BASE.replace("127.0.0.1:8080", "nonsense");
    let folder = folder(&[("config.yaml", &text)]);
    let path = folder.path().join("config.yaml");
    load_parts(
        &path,
        &Env::new(),
        Parts {
            agent: true,
            server: false,
        },
    )
    .unwrap();
    load_parts(
        &path,
        &Env::new(),
        Parts {
            agent: false,
            server: true,
        },
    )
    .unwrap_err();
}

#[test]
fn a_missing_file_and_both_files_broken_are_told() {
    let one = folder(&[]);
    insta::assert_snapshot!(told(one.path(), load(&one.path().join("config.yaml"), &Env::new())), @"DIR/config.yaml: cannot read the file: no such file or directory; create it, or name another file");
    let two = folder(&[
        ("config.yaml", "nope: 1\n"),
        ("config.yaml.local", "common:\n  nope: 1\n"),
    ]);
    insta::assert_snapshot!(told(two.path(), load(&two.path().join("config.yaml"), &Env::new())), @r#"
    DIR/config.yaml:1:1: unknown key "nope"; valid keys are common, prometheus, crowdsec_service, cscli, db_config, api, config_paths, plugin_config
    DIR/config.yaml.local:2:3: common: unknown key "nope"; valid keys are daemonize, pid_dir, log_media, log_dir, log_level, working_dir, compress_logs, log_max_size, log_max_age, log_max_files, log_format, force_color_logs
    "#);
}

fn client(folder: &Path) -> Client {
    Client {
        credentials_file: folder.join("local_api_credentials.yaml"),
        insecure_skip_verify: false,
        unregister_on_exit: false,
    }
}

#[test]
fn credentials_are_a_password_or_a_certificate() {
    let read = |text: &str| {
        let folder = folder(&[("local_api_credentials.yaml", text)]);
        credentials(&client(folder.path()), &Env::new())
            .map_err(|problems| told::<()>(folder.path(), Err(problems)))
    };
    let password = read("url: http://127.0.0.1:8080\nlogin: m\npassword: 0123\n").unwrap();
    assert_eq!(password.url, "http://127.0.0.1:8080/");
    let expected = Identity::Password {
        login: "m".to_owned(),
        password: crate::Secret::new("0123"),
    };
    assert_eq!(password.identity, expected);
    assert!(!format!("{password:?}").contains("0123"));
    insta::assert_snapshot!(read("").unwrap_err(), @"DIR/local_api_credentials.yaml: url: no credentials or URL found in api client configuration; run cscli machines add --auto or cscli lapi register");
    insta::assert_snapshot!(read("url: http://x\nlogin: a\npassword: b\nnope: 1\n").unwrap_err(), @r#"DIR/local_api_credentials.yaml:4:1: unknown key "nope"; valid keys are url, login, password, ca_cert_path, key_path, cert_path, password_key_path, papi_url"#);
    insta::assert_snapshot!(read("url: http://x\nlogin: a\npassword: b\ncert_path: /a\nkey_path: /b\n").unwrap_err(), @"DIR/local_api_credentials.yaml:4:1: cert_path: user/password authentication and TLS authentication are mutually exclusive; remove login and password, or cert_path and key_path");
}

#[test]
fn a_password_may_follow_from_a_key_in_a_file() {
    let read = |text: &str, key: &str| {
        let files = [("local_api_credentials.yaml", text), ("key", key)];
        let folder = folder(&files);
        let env = Env::from([("NODE_NAME".to_owned(), "node-1".to_owned())]);
        credentials(&client(folder.path()), &env).map_err(|problems| told::<()>(folder.path(), Err(problems)))
    };
    let key = "0123456789abcdef0123456789abcdef";
    let text = "url: http://x/\nlogin: ns:lp:${NODE_NAME}\npassword_key_path: DIR/key\n";
    let found = read(text, &format!("{key}\n")).unwrap();
    let login = "ns:lp:node-1";
    let expected = Identity::Password {
        login: login.to_owned(),
        password: crate::Secret::new(wire::machine::password(key, login)),
    };
    assert_eq!(found.identity, expected);
    assert!(found.password_key_file.is_some());
    let told = |text: &str, key: &str| read(text, key).unwrap_err();
    insta::assert_snapshot!(told(text, "short"), @"DIR/key: the key has 5 characters, which is too few; write a key of at least 32 characters into it, as the operator does in the Secret <processor>-agent");
    insta::assert_snapshot!(told(&text.replace("/key", "/none"), key), @"DIR/none: cannot read the file: no such file or directory; create it, or name another file");
    insta::assert_snapshot!(told(&text.replace("NODE_NAME", "OTHER"), key), @"DIR/local_api_credentials.yaml:2:1: login: ${OTHER} is not in the environment, so the name of this machine is not known; set the variable");
    insta::assert_snapshot!(told(&format!("{text}password: x\n"), key), @"DIR/local_api_credentials.yaml:3:1: password_key_path: password and password_key_path are mutually exclusive; remove one of the two");
    insta::assert_snapshot!(told("url: http://x/\npassword_key_path: DIR/key\n", key), @"DIR/local_api_credentials.yaml: login: no login to which a password could belong; write the name of this machine");
}

#[expect(
    clippy::unwrap_in_result,
    reason = "the result is what is tested, the rest is set-up"
)]
fn sources(files: &[(&str, &str)]) -> Result<Vec<Source>, String> {
    let folder = folder(files);
    let text = BASE.replace("DIR", folder.path().to_str().unwrap());
    fs::write(folder.path().join("config.yaml"), text).unwrap();
    let config = load(&folder.path().join("config.yaml"), &Env::new()).unwrap();
    acquisition(
        &config.agent.unwrap(),
        &[("LOGS", "/var/log"), ("SPACE", "space"), ("NODE_NAME", "node-7")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    )
    .map_err(|problems| told::<()>(folder.path(), Err(problems)))
}

#[test]
fn acquisition_reads_the_file_then_the_folder() {
    let found = sources(&[
        ("acquis.yaml", "filenames: [$LOGS/a, /b]\nlabels: {type: syslog}\n---\n---\nfilename: /c\nsource: journalctl\nmode: cat\nlabels: {type: 1.0}\n"),
        ("acquis.d/x.yaml", "source: file\nfilename: /d\nlabels: {type: nginx}\n"),
        ("acquis.d/x.txt", "nonsense"),
    ])
    .unwrap();
    let globs: Vec<Vec<String>> = found
        .iter()
        .map(|source| {
            let Reader::File(file) = &source.reader else {
                panic!("only files are configured");
            };
            file.globs.clone()
        })
        .collect();
    assert_eq!(
        globs,
        [
            vec!["/var/log/a".to_owned(), "/b".to_owned()],
            vec!["/c".to_owned()],
            vec!["/d".to_owned()]
        ]
    );
    assert_eq!(
        (found[1].mode, found[1].line, found[1].labels["type"].as_str()),
        (Mode::Cat, 5, "1")
    );
}

#[test]
fn broken_acquisition_is_refused_with_place_field_and_cure() {
    let told = |text: &str| sources(&[("acquis.yaml", text)]).unwrap_err();
    insta::assert_snapshot!(told("source: file\nfilenames: [/a]\nlabels: {type: x}\nnope: 1\n"), @r#"DIR/acquis.yaml:4:1: unknown key "nope"; valid keys are source, name, labels, mode, log_level, use_time_machine, unique_id, transform, filename, filenames, exclude_regexps, force_inotify, max_buffer_size, poll_without_inotify, discovery_poll_enable, discovery_poll_interval"#);
    insta::assert_snapshot!(told("source: nope\nlabels: {type: x}\n"), @"DIR/acquis.yaml:1:1: source: unknown data source nope; use source: file, or source: pods in Kubernetes");
    insta::assert_snapshot!(told("source: docker\ncontainer_name: [a]\nlabels: {type: x}\n"), @"DIR/acquis.yaml:1:1: source: data source docker is not implemented yet; remove the document; only source: file and source: pods can be read so far");
    insta::assert_snapshot!(told("labels: {type: x}\n"), @"DIR/acquis.yaml: missing 'source' field; add source: file and filenames");
    insta::assert_snapshot!(told("source: file\nfilenames: [\n"), @"DIR/acquis.yaml:2:12: unclosed bracket '['");
    insta::assert_snapshot!(told("source: file\nfilenames: 3\nlabels: {type: x}\n"), @"DIR/acquis.yaml:2:12: filenames: cannot unmarshal !!int `3` into a list");
    insta::assert_snapshot!(told(""), @"DIR/acquis.yaml: no datasource enabled; set crowdsec_service.acquisition_path or acquisition_dir, and describe there what to read");
    insta::assert_snapshot!(
        told("filename: /a\nlabels: {type: x}\n---\nsource: file\nmode: nope\nlog_level: nope\nfilenames: ['/[a']\nexclude_regexps:\n  - fine\n  - (\n"),
        @r#"
    DIR/acquis.yaml:4: labels: missing labels; add labels with type, for example type: nginx
    DIR/acquis.yaml:5:1: mode: unsupported mode nope for file source; use tail or cat
    DIR/acquis.yaml:7:13: filenames[0]: syntax error in pattern "/[a"; close the bracket, or escape it with a backslash
    DIR/acquis.yaml:10:5: exclude_regexps[1]: could not compile regexp (: error parsing regexp: regex parse error:
        (
        ^
    error: unclosed group; correct the regular expression
    DIR/acquis.yaml:6:1: log_level: not a valid log level: "nope"; use trace, debug, info, warning, error, fatal or panic
    "#
    );
}

#[test]
fn pods_are_read_as_a_config_map_says() {
    let found = sources(&[(
        "acquis.yaml",
        "source: pods\nconfig_map: edge-agent-targets\nnamespace: crowdsec\n---\nsource: pods\nconfig_map: b\nnode: n1\nroot: /pods\nnamespace: ${SPACE}\n",
    )])
    .unwrap();
    let expected = |config_map: &str, namespace: &str, node: &str, root: &str| {
        Reader::Pods(PodsSource {
            config_map: config_map.to_owned(),
            namespace: namespace.to_owned(),
            node: node.to_owned(),
            root: root.into(),
        })
    };
    let readers: Vec<&Reader> = found.iter().map(|source| &source.reader).collect();
    assert_eq!(
        readers,
        [
            &expected("edge-agent-targets", "crowdsec", "node-7", "/var/log/pods"),
            &expected("b", "space", "n1", "/pods"),
        ]
    );
}

#[test]
fn a_broken_source_of_pods_is_refused_with_place_field_and_cure() {
    let told = |text: &str| sources(&[("acquis.yaml", text)]).unwrap_err();
    insta::assert_snapshot!(
        told("source: pods\nconfig_map: ''\nroot: pods\n"),
        @r"
    DIR/acquis.yaml:2:1: config_map: missing config_map; name the ConfigMap whose key targets.yaml says which pods to read
    DIR/acquis.yaml: namespace: missing namespace; write the ConfigMap's namespace, or set POD_NAMESPACE from metadata.namespace in the pod
    DIR/acquis.yaml:3:1: root: not an absolute path; use /var/log/pods
    "
    );
    insta::assert_snapshot!(told("source: pods\nconfig_map: x\nnamespace: y\nlabels: {type: x}\n"), @r#"DIR/acquis.yaml:4:1: unknown key "labels"; valid keys are source, name, log_level, config_map, namespace, node, root"#);
}

#[test]
fn profiles_of_the_local_file_come_first() {
    let folder = folder(&[
        (
            "profiles.yaml",
            "name: b\nfilters: [x]\ndecisions: [{type: ban, duration: 4h}]\non_success: break\n---\nname: c\n",
        ),
        ("profiles.yaml.local", "name: a\ndecisions: [{type: captcha}]\n"),
    ]);
    let found = profiles(&folder.path().join("profiles.yaml")).unwrap();
    let names: Vec<(&str, usize)> = found
        .iter()
        .map(|profile| (profile.name.as_str(), profile.line))
        .collect();
    assert_eq!(names, [("a", 1), ("b", 1), ("c", 6)]);
    let expected = DecisionTemplate {
        kind: "captcha".to_owned(),
        duration: String::new(),
        length: Duration::from_secs(4 * 3600),
        scope: None,
        origin: None,
        simulated: false,
    };
    assert_eq!(found[0].decisions, [expected]);
}

#[test]
fn broken_profiles_are_refused_with_place_field_and_cure() {
    let told = |text: &str| {
        let folder = folder(&[("profiles.yaml", text)]);
        told(folder.path(), profiles(&folder.path().join("profiles.yaml")))
    };
    insta::assert_snapshot!(told("name: a\nnope: 1\n"), @r#"DIR/profiles.yaml:2:1: unknown key "nope"; valid keys are name, debug, filters, decisions, duration_expr, on_success, on_failure, on_error, notifications"#);
    insta::assert_snapshot!(told("\n"), @"DIR/profiles.yaml: zero profiles loaded for LAPI; write at least one profile");
    insta::assert_snapshot!(
        told("name: a\n---\nname: b\ndecisions:\n  - type: ban\n    duration: 4x\n  - duration: 4h\non_success: nope\n"),
        @r#"
    DIR/profiles.yaml:8:1: on_success: invalid 'on_success': nope; use continue or break
    DIR/profiles.yaml:6:5: decisions[0].duration: time: unknown unit "x" in duration "4x"; write a duration like 12h, 7d or 1d12h
    DIR/profiles.yaml:7:5: decisions[1].type: the decision has no type; add type: ban or type: captcha
    "#
    );
}

#[test]
fn simulation_console_context_and_features_are_read() {
    let folder = folder(&[
        ("simulation.yaml", "simulation: off\nexclusions:\n - a/b\n"),
        ("console.yaml", "share_context: on\nnew_key: 1\n"),
        ("context.yaml", "target: [evt.Meta.target]\n"),
        ("feature.yaml", "- nope\n- re2_grok_support\n- papi_client\n"),
    ]);
    let dir = folder.path();
    let simulation = simulation(&dir.join("simulation.yaml")).unwrap();
    assert!(simulation.covers("a/b") && !simulation.covers("a/c"));
    let console = console(&dir.join("console.yaml")).unwrap();
    assert!(console.share_context && console.share_tainted && !console.console_management);
    assert_eq!(
        context(&dir.join("context.yaml")).unwrap()["target"],
        ["evt.Meta.target"]
    );
    let env = Env::from([
        (
            "CROWDSEC_FEATURE_DISABLE_HTTP_RETRY_BACKOFF".to_owned(),
            "true".to_owned(),
        ),
        ("CROWDSEC_FEATURE_RE2_GROK_SUPPORT".to_owned(), "false".to_owned()),
    ]);
    let features = features(&dir.join("feature.yaml"), &env).unwrap();
    assert_eq!(
        features.enabled.into_iter().collect::<Vec<_>>(),
        [Feature::DisableHttpRetryBackoff]
    );
    insta::assert_snapshot!(features.ignored.join("\n"), @r"
    Ignored feature flag 'nope': unknown feature
    Ignored feature flag 'papi_client': the feature is always on
    ");
}

#[test]
fn notifications_keep_the_plugins_own_keys() {
    let folder = folder(&[(
        "n/http.yaml",
        "type: http\nname: h\nurl: http://x/$T\ngroup_wait: 30s\n---\nname: no_type\n",
    )]);
    let env = Env::from([("T".to_owned(), "token".to_owned())]);
    insta::assert_snapshot!(told(folder.path(), notifications(&folder.path().join("n"), &env)), @"DIR/n/http.yaml:6: type: missing field 'type'; name the plugin, for example type: http");
    fs::write(
        folder.path().join("n/http.yaml"),
        "type: http\nname: h\nurl: http://x/$T\ngroup_wait: 30s\n",
    )
    .unwrap();
    let found = notifications(&folder.path().join("n"), &env).unwrap();
    assert_eq!(found[0].group_wait, Some(Duration::from_secs(30)));
    assert!(found[0].text.contains("http://x/token"), "{}", found[0].text);
    assert_eq!(notifications(&folder.path().join("absent"), &env).unwrap(), []);
}
