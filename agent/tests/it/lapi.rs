//! A scripted Local API on loopback: stores alerts by content key, and fails as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use testkit::http::{Answer, Request, Server};

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
    _listening: Server,
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
    /// Bodies of the reports on sources; none is taken when it is as old as upstream.
    reports: Vec<Value>,
    is_upstream: bool,
}

impl Lapi {
    pub(crate) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(address: std::net::SocketAddr) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::listen(address, move |request| answer(&request, &shared)).await;
        Self {
            url: server.url.clone(),
            state,
            _listening: server,
        }
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

    pub(crate) fn reports(&self) -> Vec<Value> {
        self.state.lock().unwrap().reports.clone()
    }

    /// Answers as upstream's Local API, which knows no reports.
    pub(crate) fn be_upstream(&self) {
        self.state.lock().unwrap().is_upstream = true;
    }

    pub(crate) fn refuse_logins(&self) {
        self.state.lock().unwrap().bad_password = true;
    }

    pub(crate) fn accept_logins(&self) {
        self.state.lock().unwrap().bad_password = false;
    }

    pub(crate) fn forget_tokens(&self) {
        self.state.lock().unwrap().tokens_expire = true;
    }
}

fn answer(request: &Request, state: &Mutex<State>) -> Answer {
    let mut state = state.lock().unwrap();
    state.requests.push(request.line.clone());
    let target = request.line.as_str();
    if target == "POST /v1/watchers/login" {
        assert_eq!(request.header("user-agent").matches('/').count(), 1);
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
    if std::mem::take(&mut state.tokens_expire) || request.header("authorization") != expected {
        return Some((401, r#"{"code":401,"message":"Token is expired"}"#.to_owned()));
    }
    if target == "POST /v1/watchers/report" {
        if state.is_upstream {
            return Some((404, r#"{"message":"not found"}"#.to_owned()));
        }
        let report = serde_json::from_slice(&request.body).unwrap();
        state.reports.push(report);
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
    let keys: Vec<&str> = request.header("x-crowdsec-content-keys").split(',').collect();
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
