//! An HTTP/1.1 server on loopback or on a unix socket whose answers a test gives.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

/// What a client sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method and target: `GET /v1/decisions`.
    pub line: String,
    /// Values by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns the value of the header `name` (in lower case), empty when it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Status and body of an answer; `None` closes the connection without one.
pub type Answer = Option<(u16, String)>;

/// A server; it accepts as long as this value lives.
#[derive(Debug)]
pub struct Server {
    /// `http://127.0.0.1:port/`, or the path of the socket.
    pub url: String,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on `address` (port 0: any) and answers each request with what `answer` says.
    pub async fn listen<F>(address: SocketAddr, answer: F) -> Self
    where
        F: Fn(Request) -> Answer + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer)));
            }
        });
        Self { url, task }
    }

    /// Does the same on a socket that it makes at `path`.
    pub fn listen_unix<F>(path: &Path, answer: F) -> Self
    where
        F: Fn(Request) -> Answer + Send + Sync + 'static,
    {
        let listener = UnixListener::bind(path).unwrap();
        let url = path.to_str().unwrap().to_owned();
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer)));
            }
        });
        Self { url, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<F>(stream: impl AsyncRead + AsyncWrite + Unpin, answer: Arc<F>)
where
    F: Fn(Request) -> Answer,
{
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let Some((status, body)) = answer(request) else {
            return;
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let written = stream.write_all((head + &body).as_bytes()).await;
        if written.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    if headers.get("content-encoding").is_some_and(|it| it == "gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*body)
            .read_to_end(&mut plain)
            .unwrap();
        body = plain;
    }
    Some(Request { line, headers, body })
}
