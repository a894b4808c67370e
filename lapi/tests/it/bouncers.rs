//! What bouncers rely on that is not in the recorded exchanges.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::{connect, exchange, parse};
use crate::{KEY, Running, bearer};

async fn with_bans() -> (Running, String) {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    for (scope, value) in [
        ("Ip", "192.0.2.10"),
        ("Ip", "2001:db8::10"),
        ("Range", "198.51.100.0/24"),
        ("Country", "FR"),
        ("AS", "64500"),
    ] {
        assert_eq!(lapi.ban(&token, scope, value, "ban", "4h").await.status, 201);
    }
    (lapi, token)
}

#[tokio::test]
async fn addresses_in_any_spelling_find_their_decision() {
    let (lapi, _) = with_bans().await;
    let check = async |query: &str, expected: &[&str]| {
        let answer = lapi.get(&format!("/v1/decisions?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let found: Vec<String> = match answer.json() {
            serde_json::Value::Null => Vec::new(),
            json => json
                .as_array()
                .unwrap()
                .iter()
                .map(|d| d["value"].as_str().unwrap().to_owned())
                .collect(),
        };
        assert_eq!(found, expected, "{query}");
    };
    check("ip=192.0.2.10", &["192.0.2.10"]).await;
    check("ip=::ffff:192.0.2.10", &["192.0.2.10"]).await;
    check(
        "ip=0000%3A0000%3A0000%3A0000%3A0000%3Affff%3Ac000%3A020a",
        &["192.0.2.10"],
    )
    .await;
    check("ip=2001:db8::10", &["2001:db8::10"]).await;
    check(
        "ip=2001%3A0db8%3A0000%3A0000%3A0000%3A0000%3A0000%3A0010",
        &["2001:db8::10"],
    )
    .await;
    check("ip=198.51.100.77", &["198.51.100.0/24"]).await;
    check("range=198.51.0.0/16&contains=false", &["198.51.100.0/24"]).await;
    check("range=198.51.0.0/16", &[]).await;
    check("ip=203.0.113.1", &[]).await;
    check("ip=203.0.113.1&community_pull=false&additional_pull=false", &[]).await;
    check("scope=COUNTRY", &["FR"]).await;
    check("scopes=", &[]).await;
    check("scenarios_containing=MANUAL&scopes=as", &["64500"]).await;
    check("scenarios_not_containing=manual", &[]).await;
    check("limit=1&offset=1&scopes=ip,range", &["2001:db8::10"]).await;
}

#[tokio::test]
async fn only_the_literal_true_asks_for_everything() {
    let (lapi, _) = with_bans().await;
    let count = async |target: &str| lapi.get(target).await.json()["new"].as_array().unwrap().len();
    assert_eq!(count("/v1/decisions/stream").await, 3);
    for delta in [
        "startup=TRUE",
        "startup=1",
        "",
        "community_pull=false",
        "startup=false",
    ] {
        assert_eq!(
            count(&format!("/v1/decisions/stream?{delta}")).await,
            0,
            "{delta}"
        );
    }
    assert_eq!(count("/v1/decisions/stream?startup=true").await, 3);
    assert_eq!(
        count("/v1/decisions/stream?startup=true&scopes=ip,range,country,as").await,
        5
    );
    assert_eq!(count("/v1/decisions/stream?startup=true&scope=ip").await, 2);
    assert_eq!(count("/v1/decisions/stream?startup=true&origins=nobody").await, 0);
    let bad = lapi.get("/v1/decisions/stream?ip=nonsense").await;
    assert_eq!(bad.status, 500);
}

#[tokio::test]
async fn head_changes_nothing() {
    let (lapi, _) = with_bans().await;
    let before = lapi.api.store.bouncers().await.unwrap();
    for target in ["/v1/decisions", "/v1/decisions/stream"] {
        for source in ["127.0.0.1", "127.0.0.9"] {
            let answer = lapi.pull_from(Some(source), "HEAD", target).await;
            assert_eq!((answer.status, answer.body.len()), (200, 0));
        }
    }
    assert_eq!(lapi.api.store.bouncers().await.unwrap(), before);
    assert_eq!(
        lapi.get("/v1/decisions/stream").await.json()["new"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let request = "HEAD /v1/decisions HTTP/1.1\r\nHost: x\r\nX-Api-Key: wrong\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(lapi.address, None, request.as_bytes()).await.status, 403);
}

#[tokio::test]
async fn kind_and_version_come_from_the_user_agent() {
    let (lapi, _) = with_bans().await;
    let check = async |agent: &str, kind: &str, version: &str| {
        let header = if agent.is_empty() {
            String::new()
        } else {
            format!("User-Agent: {agent}\r\n")
        };
        let request = format!(
            "GET /v1/decisions HTTP/1.1\r\nHost: x\r\n{header}X-Api-Key: {KEY}\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(exchange(lapi.address, None, request.as_bytes()).await.status, 200);
        let row = lapi.api.store.bouncer("fw").await.unwrap().unwrap();
        assert_eq!(
            (row.kind.as_str(), row.version.as_str()),
            (kind, version),
            "{agent}"
        );
    };
    check("fw/v1", "fw", "v1").await;
    check("", "", "N/A").await;
    check("noslash", "noslash", "N/A").await;
    check("a/b/c", "a/b/c", "N/A").await;
    check("name/-", "name", "-").await;
}

#[tokio::test]
async fn odd_but_legal_requests_are_served() {
    let (lapi, _) = with_bans().await;
    for request in [
        format!(
            "GET /v1/decisions?ip=192.0.2.10 HTTP/1.1\r\nHost:\r\nx-api-key:{KEY}\r\nconnection: close\r\n\r\n"
        ),
        format!(
            "GET /v1/decisions?ip=192.0.2.10 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {KEY}\r\nX-Api-Key: other\r\nConnection: close\r\n\r\n"
        ),
        format!(
            "GET http://lapi:8080/v1/decisions?ip=192.0.2.10 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {KEY}\r\nConnection: close\r\n\r\n"
        ),
        format!("GET /v1/decisions?ip=192.0.2.10 HTTP/1.0\r\nX-Api-Key: {KEY}\r\n\r\n"),
    ] {
        let answer = exchange(lapi.address, None, request.as_bytes()).await;
        assert_eq!(answer.status, 200, "{request}");
        assert!(answer.text().contains("192.0.2.10"), "{request}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_many_requests_and_nothing_is_compressed() {
    let (lapi, _) = with_bans().await;
    let mut stream = connect(lapi.address, None).await;
    let request = format!(
        "GET /v1/decisions?ip=203.0.113.1 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {KEY}\r\nAccept-Encoding: gzip, br, zstd\r\n\r\n"
    );
    for _ in 0..150 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"null") {
            let mut chunk = [0; 512];
            let read = stream.read(&mut chunk).await.unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&chunk[..read]);
        }
        let answer = parse(&bytes, false);
        assert_eq!(
            (answer.header("content-length"), answer.header("content-encoding")),
            (Some("4"), None)
        );
    }
}

#[tokio::test]
async fn a_deletion_without_filter_ends_all_unless_the_filter_is_in_the_body() {
    let (lapi, token) = with_bans().await;
    let refused = lapi
        .send(
            "DELETE",
            "/v1/decisions",
            &[&bearer(&token)],
            r#"{"ip":"192.0.2.10"}"#,
        )
        .await;
    assert_eq!(refused.status, 400);
    let answer = lapi.send("DELETE", "/v1/decisions", &[&bearer(&token)], "").await;
    assert_eq!(answer.text(), r#"{"nbDeleted":"5"}"#);
    assert_eq!(lapi.get("/v1/decisions").await.text(), "null");
}

#[tokio::test]
async fn the_longest_decision_speaks_for_a_subject() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    for (kind, duration) in [("ban", "1h"), ("ban", "4h"), ("captcha", "2h")] {
        lapi.ban(&token, "Ip", "192.0.2.1", kind, duration).await;
    }
    let ids = async |target: &str, part: &str| -> Vec<i64> {
        let json = lapi.get(target).await.json();
        json[part]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(ids("/v1/decisions/stream?startup=true", "new").await, [2, 3]);
    assert_eq!(
        ids("/v1/decisions/stream?startup=true&dedup=false", "new").await,
        [1, 2, 3]
    );
    // The end of the shorter one is no end of the ban.
    let gone = lapi
        .send("DELETE", "/v1/decisions/1", &[&bearer(&token)], "")
        .await;
    assert_eq!(gone.text(), r#"{"nbDeleted":"1"}"#);
    assert_eq!(ids("/v1/decisions/stream", "deleted").await, Vec::<i64>::new());
    lapi.send("DELETE", "/v1/decisions/2", &[&bearer(&token)], "")
        .await;
    assert_eq!(ids("/v1/decisions/stream", "deleted").await, [2]);
}

#[tokio::test]
async fn an_alert_that_is_deleted_takes_its_ban_along() {
    let (lapi, token) = with_bans().await;
    lapi.get("/v1/decisions/stream").await;
    let answer = lapi.send("DELETE", "/v1/alerts/1", &[&bearer(&token)], "").await;
    assert_eq!(answer.text(), r#"{"nbDeleted":"1"}"#);
    let delta = lapi.get("/v1/decisions/stream").await.json();
    assert_eq!(delta["deleted"][0]["value"], "192.0.2.10");
    let again = lapi.send("DELETE", "/v1/alerts/1", &[&bearer(&token)], "").await;
    assert_eq!(
        (again.status, again.text().as_str()),
        (500, r#"{"message":"ent: alert not found"}"#)
    );
}
