//! Bodies that are too large, malformed, packed or slow get their answer, and others notice nothing.

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{PATIENCE, connect, exchange};
use crate::{Running, bearer, by_hand};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn post(target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const TOO_LARGE: &str = r#"{"message":"http: request body too large"}"#;

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_packed_or_not() {
    let lapi = Running::start().await;
    let large = vec![b' '; (2 << 20) + 1];
    let answer = exchange(lapi.address, None, &post("/v1/watchers", "", &large)).await;
    assert_eq!((answer.status, answer.text().as_str()), (400, TOO_LARGE));
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let packed = post("/v1/watchers", "Content-Encoding: gzip\r\n", &bomb);
    let answer = exchange(lapi.address, None, &packed).await;
    assert_eq!((answer.status, answer.text().as_str()), (400, TOO_LARGE));
    let login = post("/v1/watchers/login", "Content-Encoding: gzip\r\n", &bomb);
    assert_eq!(exchange(lapi.address, None, &login).await.status, 401);
}

#[tokio::test]
async fn packed_alerts_are_stored_and_broken_packing_is_refused() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let headers = format!("{}\r\nContent-Encoding: gzip\r\n", bearer(&token));
    let packed = gzip(by_hand("Ip", "192.0.2.1", "ban", "1h").as_bytes());
    let answer = exchange(lapi.address, None, &post("/v1/alerts", &headers, &packed)).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, r#"["1"]"#));
    for broken in [&b"no gzip"[..], &packed[..packed.len() / 2]] {
        assert_eq!(
            exchange(lapi.address, None, &post("/v1/alerts", &headers, broken))
                .await
                .status,
            400
        );
    }
}

/// Opens connections that send a part of a head and no more.
async fn slow_heads(lapi: &Running) -> Vec<TcpStream> {
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(lapi.address, None).await;
        stream
            .write_all(b"GET /v1/decisions HTTP/1.1\r\nHost: a\r\nX-")
            .await
            .unwrap();
        slow.push(stream);
    }
    slow
}

#[tokio::test]
async fn slow_heads_keep_nobody_waiting() {
    let lapi = Running::start_with(|settings| settings.limits.head = Duration::from_secs(3600)).await;
    lapi.add_bouncer("fw").await;
    let slow = slow_heads(&lapi).await;
    assert_eq!(lapi.get("/v1/decisions").await.text(), "null");
    drop(slow);
}

#[tokio::test]
async fn slow_heads_are_cut() {
    let lapi = Running::start_with(|settings| settings.limits.head = Duration::from_millis(200)).await;
    for mut stream in slow_heads(&lapi).await {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "a slow head still holds its connection");
    }
}

#[tokio::test]
async fn a_body_that_stops_coming_gets_its_status_and_holds_up_nobody() {
    let lapi = Running::start().await;
    lapi.add_bouncer("fw").await;
    let mut stream = connect(lapi.address, None).await;
    let head = "POST /v1/watchers HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"machine_id\"";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(lapi.get("/v1/decisions").await.text(), "null");
    let mut answer = Vec::new();
    let early = stream.try_read_buf(&mut answer).map_err(|error| error.kind());
    assert_eq!(early, Err(ErrorKind::WouldBlock), "the other waited for this one");
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(
        end.is_ok(),
        "a body that stopped coming still holds its connection"
    );
    assert!(
        answer.starts_with(b"HTTP/1.1 408 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let lapi = Running::start_with(|settings| settings.limits.connections = 2).await;
    lapi.add_bouncer("fw").await;
    let first = connect(lapi.address, None).await;
    let second = connect(lapi.address, None).await;
    let third = tokio::spawn({
        let address = lapi.address;
        let request = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        async move { exchange(address, None, request.as_bytes()).await.status }
    });
    drop(first);
    assert_eq!(third.await.unwrap(), 200);
    drop(second);
}
