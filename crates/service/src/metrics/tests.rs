//! The listener on 6060: metrics, profiles, readiness.

use std::io::Read as _;
use std::net::SocketAddr;
use std::time::Duration;

use pprof::protos::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ready::Ready;

fn settings() -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port: 0,
        debug: true,
        on_bind_failure: Bind::Warn,
    }
}

/// How long a busy machine may take for what takes no time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the server is bound.
async fn address(server: &Server) -> SocketAddr {
    tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(address) = server.address() {
                return address;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the server binds")
}

/// Fetches `path` and returns head and body.
async fn fetch(address: SocketAddr, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    (
        String::from_utf8(answer[..end].to_vec()).unwrap(),
        answer[end + 4..].to_vec(),
    )
}

/// Starts a ready server and returns its address and the token that stops it.
async fn started(metrics: Metrics) -> (SocketAddr, CancellationToken, Server) {
    let (ready, token) = (Ready::new(), CancellationToken::new());
    ready.mark();
    let server = Server::new(settings(), metrics);
    tokio::spawn(server.clone().run(ready, token.clone()));
    (address(&server).await, token, server)
}

#[tokio::test]
async fn metrics_have_the_version_the_process_and_a_fresh_gauge() {
    let metrics = Metrics::new("v1.2.3").unwrap();
    let gauge = prometheus::IntGauge::new("cs_fresh", "set by the hook").unwrap();
    metrics.registry().register(Box::new(gauge.clone())).unwrap();
    metrics.on_scrape(move || {
        let gauge = gauge.clone();
        async move { gauge.inc() }
    });
    let (address, token, _) = started(metrics).await;
    let (head, body) = fetch(address, "/metrics").await;
    let text = String::from_utf8(body).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    for wanted in [
        "cs_info{version=\"v1.2.3\"} 1\n",
        "cs_fresh 1\n",
        "process_resident_memory_bytes ",
        "process_start_time_seconds 1",
        "go_goroutines ",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in {text}");
    }
    token.cancel();
}

#[tokio::test]
async fn probes_are_answered_beside_the_metrics() {
    let (address, token, _) = started(Metrics::new("v").unwrap()).await;
    for path in ["/livez", "/readyz"] {
        let (head, body) = fetch(address, path).await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{path}: {head}");
        assert_eq!(body, b"ok\n", "{path}");
    }
    token.cancel();
}

#[tokio::test]
async fn every_address_is_listened_on_with_or_without_ipv6() {
    let (ready, token) = (Ready::new(), CancellationToken::new());
    ready.mark();
    let everywhere = Settings {
        host: "::".into(),
        ..settings()
    };
    let server = Server::new(everywhere, Metrics::new("v").unwrap());
    tokio::spawn(server.clone().run(ready, token.clone()));
    let port = address(&server).await.port();
    let (head, _) = fetch(SocketAddr::from(([127, 0, 0, 1], port)), "/livez").await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    token.cancel();
}

#[tokio::test]
async fn a_reload_shows_other_metrics_on_the_same_listener() {
    let (address, token, server) = started(Metrics::new("one").unwrap()).await;
    server.show(Metrics::new("two").unwrap());
    let (_, body) = fetch(address, "/metrics").await;
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("cs_info{version=\"two\"} 1\n")
    );
    token.cancel();
}

#[tokio::test]
async fn nothing_listens_before_the_process_is_ready() {
    let (ready, token) = (Ready::new(), CancellationToken::new());
    let server = Server::new(settings(), Metrics::new("v").unwrap());
    let task = tokio::spawn(server.clone().run(ready.clone(), token.clone()));
    tokio::task::yield_now().await;
    assert_eq!(server.address(), None);
    ready.mark();
    address(&server).await;
    token.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn probes_are_told_whether_it_lives_and_whether_it_is_ready_and_nothing_else() {
    let (ready, token) = (Ready::new(), CancellationToken::new());
    let server = Server::new(settings(), Metrics::new("v").unwrap());
    tokio::spawn(server.clone().serve(ready.clone(), token.clone()));
    let address = address(&server).await;
    let check = async |path: &str, status: &str, expected: &str| {
        let (head, body) = fetch(address, path).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {head}");
        assert_eq!(String::from_utf8(body).unwrap(), expected, "{path}");
    };
    check("/livez", "200", "ok\n").await;
    check("/readyz", "503", "not ready\n").await;
    ready.mark();
    check("/livez", "200", "ok\n").await;
    check("/readyz", "200", "ok\n").await;
    token.cancel();
}

#[tokio::test]
async fn a_taken_port_is_a_warning_or_an_error_as_set() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let run = |on_bind_failure| {
        let settings = Settings {
            port: taken.local_addr().unwrap().port(),
            on_bind_failure,
            ..settings()
        };
        let ready = Ready::new();
        ready.mark();
        Server::new(settings, Metrics::new("v").unwrap()).run(ready, CancellationToken::new())
    };
    run(Bind::Warn).await.unwrap();
    assert!(
        run(Bind::Fail)
            .await
            .unwrap_err()
            .to_string()
            .starts_with("listening on 127.0.0.1:")
    );
}

#[tokio::test]
async fn a_silent_client_does_not_keep_the_server_from_stopping() {
    let (ready, token) = (Ready::new(), CancellationToken::new());
    ready.mark();
    let server = Server::new(settings(), Metrics::new("v").unwrap());
    let task = tokio::spawn(server.clone().run(ready, token.clone()));
    let _silent = TcpStream::connect(address(&server).await).await.unwrap();
    token.cancel();
    tokio::time::timeout(PATIENCE, task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn debug_is_absent_when_it_is_off() {
    let (ready, token) = (Ready::new(), CancellationToken::new());
    ready.mark();
    let server = Server::new(
        Settings {
            debug: false,
            ..settings()
        },
        Metrics::new("v").unwrap(),
    );
    tokio::spawn(server.clone().run(ready, token.clone()));
    let (head, _) = fetch(address(&server).await, "/debug/pprof/cmdline").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    token.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_gzipped_and_holds_cpu_samples() {
    let (address, token, _) = started(Metrics::new("v").unwrap()).await;
    let busy = CancellationToken::new();
    let worker = std::thread::spawn({
        let busy = busy.clone();
        move || {
            let mut sum = 0_u64;
            while !busy.is_cancelled() {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
            }
            sum
        }
    });
    let (head, body) = fetch(address, "/debug/pprof/profile?seconds=1").await;
    busy.cancel();
    worker.join().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(body.as_slice())
        .read_to_end(&mut bytes)
        .unwrap();
    let profile = pprof::protos::Profile::decode(bytes.as_slice()).unwrap();
    let name = |index: i64| profile.string_table[usize::try_from(index).unwrap()].as_str();
    let units: Vec<(&str, &str)> = profile
        .sample_type
        .iter()
        .map(|kind| (name(kind.ty), name(kind.unit)))
        .collect();
    assert!(units.contains(&("cpu", "nanoseconds")), "{units:?}");
    assert!(!profile.sample.is_empty());
    go_opens(&body);
    let (head, _) = fetch(address, "/debug/pprof/profile?seconds=0").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    token.cancel();
}

/// Lets Go's own tool read the profile, where Go is installed.
fn go_opens(profile: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profile.pb.gz");
    std::fs::write(&file, profile).unwrap();
    let command = std::process::Command::new("go")
        .args(["tool", "pprof", "-top", "-nodecount=100000"])
        .arg(&file)
        .output();
    let Ok(output) = command else {
        println!("skipped: no go");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("Type: cpu") && text.contains("is_cancelled"),
        "{text}"
    );
}
