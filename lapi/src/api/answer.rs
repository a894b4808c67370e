//! Answers and failures in upstream's shapes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, EXPIRES, LOCATION, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Frame, Incoming, SizeHint};
use serde::Serialize;
use wire::error::ErrorBody;

/// A complete or streamed answer.
pub type Answer = Response<AnswerBody>;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The body of a request.
#[derive(Debug)]
pub enum Body {
    /// As it comes from the network.
    Incoming(Incoming),
}

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody {
    /// In one piece.
    Whole(Full<Bytes>),
    /// In chunks, made while they are sent.
    Stream(Box<dyn Chunks>),
}

/// A body that is made piece by piece while it is sent.
pub trait Chunks: std::fmt::Debug + Send {
    /// Returns the next piece; none after the last.
    fn next_chunk(&mut self) -> Option<Bytes>;
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Stream(body) => Poll::Ready(body.next_chunk().map(|chunk| Ok(Frame::data(chunk)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// Why a request got no success; becomes an answer.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    body: Option<ErrorBody>,
}

impl Failure {
    /// `{"message": …}` with a status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            body: Some(ErrorBody::new(message)),
        }
    }

    /// A status without body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, body: None }
    }

    /// 400 with a message.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 500 with a message, which upstream also uses for bad filters.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// 403 with the one message bouncers get.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "access forbidden")
    }

    /// A refusal about a machine's token or login.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            body: Some(ErrorBody::with_code(401, message)),
        }
    }

    /// A refusal of a token.
    pub fn token(error: super::token::TokenError) -> Self {
        let status = error.status();
        let code = status.as_u16();
        Self {
            status,
            body: Some(ErrorBody::with_code(code, error.to_string())),
        }
    }

    /// Makes the answer.
    pub fn into_answer(self) -> Answer {
        let Some(body) = self.body else {
            return empty(self.status);
        };
        let challenge = body.code.is_some();
        let mut answer = json(self.status, &body);
        if challenge {
            let realm = HeaderValue::from_static("JWT realm=Crowdsec API local");
            answer.headers_mut().insert(WWW_AUTHENTICATE, realm);
        }
        answer
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::StoreError;
        match error {
            StoreError::Exists(message) => Self::new(StatusCode::FORBIDDEN, message),
            StoreError::Missing(message) => Self::internal(message),
            other => {
                tracing::error!("database: {}", Causes(&other));
                Self::internal(other.to_string())
            }
        }
    }
}

struct Causes<'e>(&'e dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0.source() {
            Some(cause) => write!(f, ": {}", Causes(cause)),
            None => Ok(()),
        }
    }
}

/// Answers without body and without type.
pub fn empty(status: StatusCode) -> Answer {
    with_body(status, Bytes::new())
}

/// Answers with bytes of JSON.
pub fn json_bytes(status: StatusCode, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = with_body(status, bytes.into());
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

/// Answers with a value as Go would write it.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Answer {
    match wire::json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes),
        Err(error) => {
            tracing::error!("encoding an answer: {error}");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Answers a HEAD request that asks whether something would work.
pub fn head_ok() -> Answer {
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().insert(CONTENT_TYPE, TEXT);
    answer
}

/// Says that the process serves.
pub fn health() -> Answer {
    let mut answer = json_bytes(StatusCode::OK, r#"{"status":"up"}"#);
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(EXPIRES, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// Sends a client to the path without trailing slash, as Go's `http.Redirect` words it.
pub fn redirect(method: &Method, path: &str, query: Option<&str>) -> Answer {
    let location = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut answer = if *method == Method::GET {
        let escaped = location
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&#34;");
        let body = format!("<a href=\"{escaped}\">Moved Permanently</a>.\n\n");
        let mut answer = with_body(StatusCode::MOVED_PERMANENTLY, body.into());
        answer
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        answer
    } else {
        empty(StatusCode::TEMPORARY_REDIRECT)
    };
    if let Ok(value) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(LOCATION, value);
    }
    answer
}

/// Names the methods a path has.
pub fn not_allowed(allow: &str) -> Answer {
    let mut answer = empty(StatusCode::METHOD_NOT_ALLOWED);
    if let Ok(value) = HeaderValue::from_str(allow) {
        answer.headers_mut().insert(ALLOW, value);
    }
    answer
}

/// Answers in chunks.
pub fn stream(body: impl Chunks + 'static) -> Answer {
    let mut answer = Response::new(AnswerBody::Stream(Box::new(body)));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn with_body(status: StatusCode, bytes: Bytes) -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(Full::new(bytes)));
    *answer.status_mut() = status;
    answer
}
