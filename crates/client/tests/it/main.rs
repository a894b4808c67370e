//! The clients against a scripted server on loopback, over TCP and over a unix socket.

#![expect(clippy::unwrap_used, reason = "test code outside of test functions")]

mod server;

use std::time::Duration;

use client::lapi::{Client, Credentials, Pushed, Registered, Registration, Settings, register};
use client::retry::Retry;
use client::transport::Limits;
use client::{Endpoint, Error, StatusCode, bouncer};
use testkit::http::Request;
use wire::alert::Alert;

use crate::server::{Answer, Server};

/// Retries without waiting.
const QUICK: Retry = Retry {
    attempts: 3,
    first: Duration::from_millis(1),
    longest: Duration::from_millis(2),
};

fn settings(retry: Retry) -> Settings {
    let limits = Limits {
        answer: 100_000,
        ..Limits::default()
    };
    Settings {
        user_agent: client::transport::user_agent("1.7.8", "test"),
        retry,
        limits,
    }
}

fn machine(server: &Server, retry: Retry) -> Client {
    let credentials = Credentials {
        login: "machine".to_owned(),
        password: "secret".to_owned().into(),
        scenarios: vec!["a/b".to_owned()],
    };
    Client::new(&endpoint(server), credentials, settings(retry)).unwrap()
}

fn endpoint(server: &Server) -> Endpoint {
    Endpoint {
        url: server.url.clone(),
        ..Endpoint::default()
    }
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

fn token(n: usize) -> Answer {
    Answer::json(
        200,
        &format!(r#"{{"code":200,"expire":"2026-11-22T16:30:23Z","token":"t{n}"}}"#),
    )
}

#[tokio::test]
async fn one_login_serves_many_calls() {
    let server = Server::start([token(1), Answer::empty(200), Answer::json(200, "null")]).await;
    let client = machine(&server, Retry::NONE);
    client.heartbeat().await.unwrap();
    assert!(
        client
            .alerts(&[("limit", "0".to_owned()), ("scenario", "a b/c".to_owned())])
            .await
            .unwrap()
            .is_empty()
    );
    let requests = server.requests();
    assert_eq!(requests[0].line, "POST /v1/watchers/login");
    assert_eq!(
        body(&requests[0]),
        r#"{"machine_id":"machine","password":"secret","scenarios":["a/b"]}"#
    );
    assert_eq!(requests[0].header("user-agent"), "crowdsec/v1.7.8-test");
    assert_eq!(
        (requests[1].line.as_str(), requests[1].header("authorization")),
        ("GET /v1/heartbeat", "Bearer t1")
    );
    assert_eq!(requests[2].line, "GET /v1/alerts?limit=0&scenario=a+b%2Fc");
}

#[tokio::test]
async fn a_refused_token_is_replaced_twice_and_then_reported() {
    let refused = || Answer::json(401, r#"{"code":401,"message":"Token is expired"}"#);
    let server = Server::start([token(1), refused(), token(2), Answer::empty(200)]).await;
    machine(&server, Retry::NONE).heartbeat().await.unwrap();
    assert_eq!(server.requests()[3].header("authorization"), "Bearer t2");

    let server = Server::start([token(1), refused(), token(2), refused(), token(3), refused()]).await;
    let error = machine(&server, Retry::NONE).heartbeat().await.unwrap_err();
    assert_eq!(error.to_string(), "API error: Token is expired");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_as_often_as_the_caller_wants() {
    let script = || {
        [
            Answer::empty(503),
            token(1),
            Answer::empty(429),
            Answer::empty(504),
            Answer::empty(200),
        ]
    };
    let server = Server::start(script()).await;
    machine(&server, QUICK).heartbeat().await.unwrap();
    assert_eq!(server.requests().len(), 5);
    let server = Server::start(script()).await;
    let error = machine(&server, Retry::NONE).heartbeat().await.unwrap_err();
    assert_eq!(error.to_string(), "http code 503, no response body");
}

#[tokio::test]
async fn wrong_credentials_are_not_tried_again() {
    let server = Server::start([Answer::json(
        401,
        r#"{"code":401,"message":"incorrect Username or Password"}"#,
    )])
    .await;
    let error = machine(&server, QUICK).login().await.unwrap_err();
    assert_eq!(
        (error.status(), error.message().as_str()),
        (Some(StatusCode::UNAUTHORIZED), "incorrect Username or Password")
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_push_says_what_became_of_the_alerts() {
    let server = Server::start([
        token(1),
        Answer::json(201, r#"["7","8"]"#),
        Answer::json(
            500,
            r#"{"message":"validation failure list:\n0.capacity in body is required"}"#,
        ),
        Answer::json(500, r#"{"message":"database is locked"}"#),
        Answer::dropped(),
    ])
    .await;
    let client = machine(&server, Retry::NONE);
    let alerts = [Alert::default(), Alert::default()];
    let keys = ["k1".to_owned(), "k2".to_owned()];
    assert!(matches!(client.push_alerts(&alerts, &keys).await, Pushed::Stored(ids) if ids == ["7", "8"]));
    let requests = server.requests();
    assert_eq!(requests[1].header("x-crowdsec-content-keys"), "k1,k2");
    let refused = client.push_alerts(&alerts, &keys).await;
    assert!(
        matches!(refused, Pushed::Refused(StatusCode::INTERNAL_SERVER_ERROR, reason) if reason.contains("capacity"))
    );
    assert!(matches!(
        client.push_alerts(&alerts, &[]).await,
        Pushed::Unavailable(Error::Api { .. })
    ));
    assert!(matches!(
        client.push_alerts(&alerts, &[]).await,
        Pushed::Unavailable(Error::Unreachable { .. })
    ));
}

#[tokio::test]
async fn a_large_body_is_compressed_unless_the_server_cannot_read_it() {
    let alerts = vec![
        Alert {
            message: "x".repeat(300),
            ..Alert::default()
        };
        40
    ];
    let server = Server::start([token(1), Answer::json(201, "[]")]).await;
    assert!(matches!(
        machine(&server, Retry::NONE).push_alerts(&alerts, &[]).await,
        Pushed::Stored(_)
    ));
    let request = &server.requests()[1];
    assert_eq!(request.header("content-encoding"), "gzip");
    assert_eq!(
        serde_json::from_slice::<Vec<Alert>>(&request.body).unwrap(),
        alerts
    );

    // Upstream before 1.6 answers 400 to a compressed body.
    let bad = Answer::json(
        400,
        r#"{"message":"invalid character '\u001f' looking for beginning of value"}"#,
    );
    let server = Server::start([token(1), bad, Answer::json(201, "[]"), Answer::json(201, "[]")]).await;
    let client = machine(&server, Retry::NONE);
    for _ in 0..2 {
        assert!(matches!(
            client.push_alerts(&alerts, &[]).await,
            Pushed::Stored(_)
        ));
    }
    let compressed: Vec<bool> = server
        .requests()
        .iter()
        .map(|request| request.header("content-encoding") == "gzip")
        .collect();
    assert_eq!(compressed, [false, true, false, false]);
}

#[tokio::test]
async fn an_answer_beyond_the_cap_is_refused() {
    let server = Server::start([token(1), Answer::json(200, &format!("[{}]", " ".repeat(100_000)))]).await;
    let error = machine(&server, Retry::NONE).alerts(&[]).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 100_000, .. }), "{error}");
}

#[tokio::test]
async fn deletions_return_their_counts_and_an_old_server_has_no_usage_metrics() {
    let server = Server::start([
        token(1),
        Answer::json(200, r#"{"nbDeleted":"3"}"#),
        Answer::json(200, r#"{"nbDeleted":"1"}"#),
        Answer::empty(404),
        Answer::json(200, r#"{"allowlisted":true,"reason":"1.2.3.0/24 from x"}"#),
        Answer::empty(204),
    ])
    .await;
    let client = machine(&server, Retry::NONE);
    assert_eq!(
        client
            .delete_decisions(&[("ip", "192.0.2.1".to_owned())])
            .await
            .unwrap(),
        3
    );
    assert_eq!(client.delete_alert(7).await.unwrap(), 1);
    assert!(
        !client
            .usage_metrics(&wire::usage::AllMetrics::default())
            .await
            .unwrap()
    );
    assert!(client.check_allowlist("1.2.3.0/24").await.unwrap().allowlisted);
    client.unregister().await.unwrap();
    let lines: Vec<String> = server
        .requests()
        .iter()
        .skip(1)
        .map(|request| request.line.clone())
        .collect();
    assert_eq!(
        lines,
        [
            "DELETE /v1/decisions?ip=192.0.2.1",
            "DELETE /v1/alerts/7",
            "POST /v1/usage-metrics",
            "GET /v1/allowlists/check/1.2.3.0%2F24",
            "DELETE /v1/watchers/self"
        ]
    );
}

#[tokio::test]
async fn a_registration_is_pending_or_validated() {
    let registration = |token: &str| Registration {
        login: "m".to_owned(),
        password: "p".to_owned().into(),
        token: token.to_owned().into(),
    };
    let taken = Answer::json(403, r#"{"message":"user 'm': user already exist"}"#);
    let server = Server::start([Answer::empty(201), Answer::empty(202), taken]).await;
    let (endpoint, settings) = (endpoint(&server), settings(Retry::NONE));
    assert_eq!(
        register(&endpoint, &registration(""), &settings).await.unwrap(),
        Registered::Pending
    );
    assert_eq!(
        register(&endpoint, &registration("tok"), &settings)
            .await
            .unwrap(),
        Registered::Validated
    );
    let error = register(&endpoint, &registration("tok"), &settings)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "API error: user 'm': user already exist");
    assert_eq!(
        body(&server.requests()[0]),
        r#"{"machine_id":"m","password":"p"}"#
    );
    assert_eq!(
        body(&server.requests()[1]),
        r#"{"machine_id":"m","password":"p","registration_token":"tok"}"#
    );
}

#[tokio::test]
async fn a_bouncer_shows_its_key_and_reads_null_as_nothing() {
    let server = Server::start([
        Answer::json(200, "null"),
        Answer::json(200, r#"{"deleted":null,"new":[{"value":"192.0.2.1"}]}"#),
    ])
    .await;
    let client = bouncer::Client::new(
        &endpoint(&server),
        &"key".to_owned().into(),
        "x/v1",
        &Limits::default(),
    )
    .unwrap();
    assert!(client.decisions(&[]).await.unwrap().is_empty());
    let stream = client.stream(true, &[("scopes", "ip".to_owned())]).await.unwrap();
    assert_eq!((stream.new.len(), stream.deleted.len()), (1, 0));
    assert_eq!(server.requests()[0].header("x-api-key"), "key");
    assert_eq!(
        server.requests()[1].line,
        "GET /v1/decisions/stream?startup=true&scopes=ip"
    );
}

#[tokio::test]
async fn the_operator_names_bouncers_and_machines_with_its_own_token() {
    let server = Server::start([
        Answer::empty(201),
        Answer::empty(204),
        Answer::empty(204),
        Answer::json(
            200,
            r#"{"active_decisions":2,"bouncers":1,"machines":1,"nodes":[{"machine":"m"}]}"#,
        ),
        Answer::json(403, r#"{"message":"access forbidden"}"#),
    ])
    .await;
    let client = client::admin::Client::new(&server.url, &"t".repeat(32).into(), None).unwrap();
    assert!(client.put_bouncer("ns:edge:1", "abc").await.unwrap());
    let machine = wire::admin::PutMachine {
        password_bcrypt: "$2a$".to_owned(),
        may_delete_decisions: false,
    };
    assert!(!client.put_machine("ns:lp:node-1", &machine).await.unwrap());
    client.delete_machine("ns:lp:node-2").await.unwrap();
    let status = client.status().await.unwrap();
    assert_eq!((status.active_decisions, status.nodes.len()), (2, 1));
    let refused = client.bouncers().await.unwrap_err();
    assert_eq!(refused.to_string(), "API error: access forbidden");
    let heard: Vec<(String, String)> = server
        .requests()
        .into_iter()
        .map(|r| (r.line, String::from_utf8(r.body).unwrap()))
        .take(3)
        .collect();
    let said = |line: &str, body: &str| (line.to_owned(), body.to_owned());
    assert_eq!(
        heard,
        [
            said("PUT /admin/v1/bouncers/ns:edge:1", r#"{"key_sha512":"abc"}"#),
            said(
                "PUT /admin/v1/machines/ns:lp:node-1",
                r#"{"password_bcrypt":"$2a$","may_delete_decisions":false}"#
            ),
            said("DELETE /admin/v1/machines/ns:lp:node-2", ""),
        ]
    );
    let bearer = format!("Bearer {}", "t".repeat(32));
    assert!(
        server
            .requests()
            .iter()
            .all(|r| r.header("authorization") == bearer)
    );
}

#[tokio::test]
async fn a_url_that_is_a_path_is_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lapi.sock");
    let server = Server::start_unix(&path, [token(1), Answer::empty(200)]);
    machine(&server, Retry::NONE).heartbeat().await.unwrap();
    assert_eq!(server.requests()[1].line, "GET /v1/heartbeat");
}

#[tokio::test]
async fn certificate_files_that_cannot_be_used_are_named() {
    let endpoint = Endpoint {
        url: "https://localhost:1/".to_owned(),
        ca_cert_path: Some("/nowhere/ca.pem".into()),
        ..Endpoint::default()
    };
    let credentials = Credentials {
        login: String::new(),
        password: String::new().into(),
        scenarios: Vec::new(),
    };
    let error = Client::new(&endpoint, credentials, settings(Retry::NONE)).unwrap_err();
    assert_eq!(error.to_string(), "unusable certificate or key '/nowhere/ca.pem'");
}
