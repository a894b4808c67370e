//! The Local API as a client sees it: a real listener on loopback, a real SQLite file in a temporary folder.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "helpers of tests fail by panicking and say on the terminal what they skip"
)]

mod allowlists;
mod bouncers;
mod http;
mod limits;
mod load;
mod machines;
mod operator;
mod probes;
mod schema;
mod stream;
mod transport;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use config::resolved::{MetricsLevel, Profile, Server};
use lapi::api::Api;
use lapi::settings::{Limits, Settings};
use lapi::store::machines::{NewMachine, hash_password};
use tokio_util::sync::CancellationToken;

use crate::http::{Response, exchange};

pub(crate) const KEY: &str = "probe-key";
pub(crate) const MACHINE: &str = "m1";

/// A running Local API in a folder of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) api: Arc<Api>,
    pub(crate) metrics: service::metrics::Metrics,
    token: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    pub(crate) folder: Arc<tempfile::TempDir>,
}

pub(crate) fn settings(folder: &std::path::Path) -> Settings {
    Settings {
        server: Server {
            listen_uri: Some("127.0.0.1:0".to_owned()),
            listen_socket: None,
            tls: None,
            profiles_file: PathBuf::new(),
            console_file: PathBuf::new(),
            log_level: None,
            papi_log_level: None,
            use_forwarded_for_headers: false,
            trusted_proxies: None,
            trusted_ips: vec!["127.0.0.1/32".parse().unwrap()],
            disable_remote_registration: false,
            disable_usage_metrics_export: false,
            capi_whitelists: None,
            auto_registration: None,
            online_client: None,
        },
        database: folder.join("crowdsec.db"),
        wal: true,
        flush: None,
        profiles: Vec::<Profile>::new(),
        secret: None,
        admin_token: None,
        metrics: MetricsLevel::Full,
        limits: Limits::default(),
    }
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), change).await
    }

    /// Starts in a folder that may hold a database already.
    pub(crate) async fn start_in(folder: Arc<tempfile::TempDir>, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(folder.path());
        change(&mut settings);
        let metrics = service::metrics::Metrics::new("test").unwrap();
        let ready = lapi::prepare(settings, &metrics).await.unwrap();
        let token = CancellationToken::new();
        let (address, api) = (ready.address().unwrap(), Arc::clone(ready.api()));
        let task = tokio::spawn(ready.serve(token.clone()));
        Self {
            address,
            api,
            metrics,
            token,
            task,
            folder,
        }
    }

    /// Stops it and returns the folder with its database.
    pub(crate) async fn stop(self) -> Arc<tempfile::TempDir> {
        self.token.cancel();
        self.task.await.unwrap();
        self.folder
    }

    pub(crate) async fn add_machine(&self) -> String {
        let new = NewMachine {
            machine_id: MACHINE.to_owned(),
            password_hash: hash_password("pw").unwrap(),
            ip_address: String::new(),
            validated: true,
            force: true,
            auth_type: "password",
        };
        self.api.store.add_machine(new).await.unwrap();
        self.login("pw").await
    }

    pub(crate) async fn login(&self, password: &str) -> String {
        let body = format!(r#"{{"machine_id":"{MACHINE}","password":"{password}","scenarios":[]}}"#);
        let answer = self
            .send("POST", "/v1/watchers/login", &["User-Agent: crowdsec/v1"], &body)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token: wire::watcher::Token = serde_json::from_slice(&answer.body).unwrap();
        token.token
    }

    pub(crate) async fn add_bouncer(&self, name: &str) {
        self.api.store.add_bouncer(name, KEY).await.unwrap();
    }

    pub(crate) async fn send(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Response {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: lapi\r\nConnection: close\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        if !body.is_empty() {
            request.push_str(&std::format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        exchange(self.address, None, request.as_bytes()).await
    }

    /// Asks as a bouncer, from another loopback address if given.
    pub(crate) async fn pull_from(&self, source: Option<&str>, method: &str, target: &str) -> Response {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: lapi\r\nX-Api-Key: {KEY}\r\nUser-Agent: probe/v1\r\nConnection: close\r\n\r\n"
        );
        exchange(self.address, source, request.as_bytes()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.pull_from(None, "GET", target).await
    }

    /// Posts an alert with one decision, as `cscli decisions add` does; returns the answer.
    pub(crate) async fn ban(
        &self,
        token: &str,
        scope: &str,
        value: &str,
        kind: &str,
        duration: &str,
    ) -> Response {
        let body = by_hand(scope, value, kind, duration);
        self.send("POST", "/v1/alerts", &[&bearer(token)], &body).await
    }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

pub(crate) fn by_hand(scope: &str, value: &str, kind: &str, duration: &str) -> String {
    let now = service::clock::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let scenario = format!("manual '{kind}' from '{MACHINE}'");
    serde_json::json!([{
        "capacity": 0, "events": [], "events_count": 1, "leakspeed": "0", "message": "", "scenario": scenario,
        "scenario_hash": "", "scenario_version": "", "simulated": false, "start_at": now, "stop_at": now, "kind": "cscli",
        "remediation": true,
        "source": {"scope": scope, "value": value},
        "decisions": [{"duration": duration, "origin": "cscli", "scenario": scenario, "scope": scope, "type": kind, "value": value}],
    }])
    .to_string()
}
