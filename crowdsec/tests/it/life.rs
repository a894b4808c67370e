//! Start, reload, stop.

use std::net::TcpListener;

use crate::base::{Base, get, get_as, get_soon, run};

/// Makes the credentials of the installation valid.
fn register(base: &Base) {
    let (config, credentials) = (base.path("config.yaml"), base.path("local_api_credentials.yaml"));
    let url = format!("http://127.0.0.1:{}", base.api);
    let ended = run(
        "cscli",
        &[
            "-c",
            config.to_str().unwrap(),
            "machines",
            "add",
            "m",
            "--password",
            "secret",
            "--force",
            "-u",
            &url,
            "-f",
            credentials.to_str().unwrap(),
        ],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn the_local_api_alone_answers_reloads_and_stops() {
    let base = Base::new();
    let mut engine = base.start(&["-no-cs"]);
    engine.wait_for(
        &format!("CrowdSec Local API listening on 127.0.0.1:{}", base.api),
        1,
    );
    assert_eq!(
        get(base.api, "/health").unwrap(),
        ("HTTP/1.1 200 OK".to_owned(), "{\"status\":\"up\"}".to_owned())
    );
    let metrics = get_soon(base.metrics, "/metrics").1;
    assert!(metrics.contains("cs_info{version=\"v"), "{metrics}");

    base.change("profiles.yaml", "on_success", "nope: 1\non_success");
    engine.signal("HUP");
    engine.wait_for("the configuration from before the reload stays in effect", 1);
    assert!(engine.log().contains("SIGHUP received, reloading"));
    assert!(
        engine.log().contains("profiles.yaml:7:1: unknown key"),
        "{}",
        engine.log()
    );
    assert_eq!(get(base.api, "/health").unwrap().0, "HTTP/1.1 200 OK");

    base.change("profiles.yaml", "nope: 1\n", "");
    engine.signal("HUP");
    engine.wait_for("Reload is finished", 1);
    assert_eq!(get(base.api, "/health").unwrap().0, "HTTP/1.1 200 OK");
    assert_eq!(
        get(base.api, "/v1/alerts").unwrap().0,
        "HTTP/1.1 401 Unauthorized"
    );
    let metrics = get(base.metrics, "/metrics").unwrap().1;
    assert!(metrics.contains("cs_lapi_route_requests_total{"), "{metrics}");

    engine.signal("TERM");
    assert_eq!(engine.ended(), Some(0), "{}", engine.log());
    assert!(
        engine
            .log()
            .contains("level=warning msg=\"SIGTERM received, shutting down\"")
    );
    assert!(engine.log().contains("serve: shutting down api server"));
}

#[test]
fn agent_and_local_api_run_in_one_process() {
    let base = Base::new();
    register(&base);
    let mut engine = base.start(&[]);
    engine.wait_for("Starting processing data", 1);
    engine.signal("HUP");
    engine.wait_for("Reload is finished", 1);
    engine.wait_for("Starting processing data", 2);
    engine.signal("INT");
    assert_eq!(engine.ended(), Some(0), "{}", engine.log());
    assert!(engine.log().contains("SIGINT received, shutting down"));
    assert!(engine.log().contains("Crowdsec engine shutting down"));
}

#[test]
fn a_variable_registers_a_bouncer_and_a_restart_keeps_its_key() {
    let base = Base::new();
    for key in ["key-one", "key-two"] {
        let mut engine = base.start_in(&[("BOUNCER_KEY_edge", key)], &["-no-cs"]);
        engine.wait_for("CrowdSec Local API listening", 1);
        let status = |key| get_as(key, base.api, "/v1/decisions").unwrap().0;
        assert_eq!(status("key-one"), "HTTP/1.1 200 OK");
        assert_eq!(status("key-two"), "HTTP/1.1 403 Forbidden");
        assert!(!engine.log().contains(key), "{}", engine.log());
        engine.signal("TERM");
        assert_eq!(engine.ended(), Some(0), "{}", engine.log());
    }
}

#[test]
fn a_machine_that_is_not_known_ends_the_start_with_1() {
    let base = Base::new();
    let ended = base.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let fatal = ended.fatal().join("\n");
    assert!(
        fatal.contains("crowdsec init: while initializing LAPIClient: authenticate watcher (m)"),
        "{fatal}"
    );
    assert!(fatal.contains("DIR/local_api_credentials.yaml"), "{fatal}");
}

#[test]
fn a_taken_address_ends_the_start_with_1() {
    let base = Base::new();
    let _taken = TcpListener::bind(("127.0.0.1", base.api)).unwrap();
    let ended = base.run(&["-no-cs"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let expected = format!(
        "local API server stopped with error: listening on 127.0.0.1:{}",
        base.api
    );
    assert!(
        ended.fatal().join("\n").starts_with(&expected),
        "{}",
        ended.stderr
    );
    assert_eq!(
        base.run(&["-no-cs", "-t"]).code,
        Some(0),
        "a test does not listen"
    );
}

#[test]
fn a_taken_metrics_port_is_a_warning() {
    let base = Base::new();
    let _taken = TcpListener::bind(("127.0.0.1", base.metrics)).unwrap();
    let mut engine = base.start(&["-no-cs"]);
    engine.wait_for("level=warning msg=\"prometheus: listen tcp 127.0.0.1:", 1);
    engine.signal("TERM");
    assert_eq!(engine.ended(), Some(0));
}
