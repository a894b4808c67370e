//! A server that gives scripted answers in turn and keeps the requests.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use testkit::http::{self, Request};

/// What the server says to one request.
pub(crate) struct Answer(http::Answer);

/// The server; it lives as long as this value.
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _listening: http::Server,
}

struct State {
    script: VecDeque<Answer>,
    requests: Vec<Request>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self(Some((status, body.to_owned())))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::json(status, "")
    }

    /// The connection is closed without an answer.
    pub(crate) fn dropped() -> Self {
        Self(None)
    }
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let (state, answer) = State::new(script);
        let server = http::Server::listen(([127, 0, 0, 1], 0).into(), answer).await;
        Self::of(server, state)
    }

    pub(crate) fn start_unix(path: &Path, script: impl IntoIterator<Item = Answer>) -> Self {
        let (state, answer) = State::new(script);
        Self::of(http::Server::listen_unix(path, answer), state)
    }

    fn of(server: http::Server, state: Arc<Mutex<State>>) -> Self {
        Self {
            url: server.url.clone(),
            state,
            _listening: server,
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl State {
    /// Returns the state and what answers from it.
    fn new(
        script: impl IntoIterator<Item = Answer>,
    ) -> (
        Arc<Mutex<Self>>,
        impl Fn(Request) -> http::Answer + Send + Sync + 'static,
    ) {
        let state = Arc::new(Mutex::new(Self {
            script: script.into_iter().collect(),
            requests: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let answer = move |request| {
            let mut state = shared.lock().unwrap();
            state.requests.push(request);
            state.script.pop_front().unwrap_or_else(|| Answer::empty(599)).0
        };
        (state, answer)
    }
}
