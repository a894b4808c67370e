//! A scripted Local API on loopback: stores alerts by content key, and fails as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the next post of alerts meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An answer with this status, nothing stored.
    Status(u16),
    /// Everything stored, then no answer.
    LostAnswer,
    /// No answer and nothing stored.
    Refused,
}

/// The server; it lives as long as this value.
pub(crate) struct Lapi {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    alerts: Vec<Value>,
    keys: BTreeMap<String, usize>,
    faults: VecDeque<Fault>,
    /// Alerts with this text in their message are invalid.
    poison: Option<String>,
    logins: usize,
    requests: Vec<String>,
    bad_password: bool,
    tokens_expire: bool,
}

struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Lapi {
    pub(crate) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(address: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state, task }
    }

    pub(crate) fn alerts(&self) -> Vec<Value> {
        self.state.lock().unwrap().alerts.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.state.lock().unwrap().alerts.len()
    }

    pub(crate) fn requests(&self, prefix: &str) -> usize {
        self.state
            .lock()
            .unwrap()
            .requests
            .iter()
            .filter(|line| line.starts_with(prefix))
            .count()
    }

    pub(crate) fn logins(&self) -> usize {
        self.state.lock().unwrap().logins
    }

    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    pub(crate) fn poison(&self, text: &str) {
        self.state.lock().unwrap().poison = Some(text.to_owned());
    }

    pub(crate) fn refuse_logins(&self) {
        self.state.lock().unwrap().bad_password = true;
    }

    pub(crate) fn forget_tokens(&self) {
        self.state.lock().unwrap().tokens_expire = true;
    }
}

impl Drop for Lapi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let Some((status, body)) = answer(&request, &state) else {
            return;
        };
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    if headers
        .get("content-encoding")
        .is_some_and(|encoding| encoding == "gzip")
    {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*body)
            .read_to_end(&mut plain)
            .unwrap();
        body = plain;
    }
    Some(Request { line, headers, body })
}

fn answer(request: &Request, state: &Mutex<State>) -> Option<(u16, String)> {
    let mut state = state.lock().unwrap();
    state.requests.push(request.line.clone());
    let target = request.line.trim_end_matches(" HTTP/1.1");
    if target == "POST /v1/watchers/login" {
        assert_eq!(request.headers["user-agent"].matches('/').count(), 1);
        if state.bad_password {
            return Some((
                401,
                r#"{"code":401,"message":"incorrect Username or Password"}"#.to_owned(),
            ));
        }
        state.logins += 1;
        return Some((
            200,
            format!(r#"{{"code":200,"token":"token{}","expire":""}}"#, state.logins),
        ));
    }
    let expected = format!("Bearer token{}", state.logins);
    if std::mem::take(&mut state.tokens_expire) || request.headers.get("authorization") != Some(&expected) {
        return Some((401, r#"{"code":401,"message":"Token is expired"}"#.to_owned()));
    }
    if target != "POST /v1/alerts" {
        return Some((if target.starts_with("POST") { 201 } else { 200 }, String::new()));
    }
    let fault = state.faults.pop_front();
    match fault {
        Some(Fault::Status(status)) => return Some((status, r#"{"message":"busy"}"#.to_owned())),
        Some(Fault::Refused) => return None,
        Some(Fault::LostAnswer) | None => {}
    }
    let alerts: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
    if let Some(poison) = &state.poison
        && alerts
            .iter()
            .any(|alert| alert["message"].as_str().unwrap().contains(poison))
    {
        let body = r#"{"message":"validation failure list:\n0.capacity in body is required"}"#;
        return Some((500, body.to_owned()));
    }
    let keys: Vec<&str> = request.headers["x-crowdsec-content-keys"].split(',').collect();
    assert_eq!(keys.len(), alerts.len());
    let mut ids = Vec::new();
    for (key, alert) in keys.into_iter().zip(alerts) {
        let next = state.alerts.len() + 1;
        let id = *state.keys.entry(key.to_owned()).or_insert(next);
        if id == next {
            state.alerts.push(alert);
        }
        ids.push(id.to_string());
    }
    if fault == Some(Fault::LostAnswer) {
        return None;
    }
    Some((201, serde_json::to_string(&ids).unwrap()))
}
