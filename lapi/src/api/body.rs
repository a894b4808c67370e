//! Reads request bodies: under a limit on what they unpack to, and within a time.

use std::io::Read as _;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::Call;
use super::answer::{Body, Failure};

/// Limit where no one has said who they are yet.
pub const ANONYMOUS: usize = 2 << 20;
/// Limit for machines and bouncers.
pub const KNOWN: usize = 50 << 20;

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(10);
/// Longest time for a whole body.
const WHOLE: Duration = Duration::from_secs(30);

const TOO_LARGE: &str = "http: request body too large";

/// Reads the whole body; the limit counts unpacked bytes.
pub(crate) async fn read(call: &Call, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let gzip = call
        .header(http::header::CONTENT_ENCODING)
        .eq_ignore_ascii_case("gzip");
    let Body::Incoming(mut incoming) = body;
    let collect = async {
        let mut bytes = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(SILENCE, incoming.frame())
                .await
                .map_err(|_slow| timeout())?;
            let Some(frame) = frame else {
                return Ok(bytes.freeze());
            };
            let frame = frame.map_err(|error| Failure::bad_request(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                if bytes.len() + data.remaining() > limit {
                    return Err(Failure::bad_request(TOO_LARGE));
                }
                bytes.extend_from_slice(&data);
            }
        }
    };
    let bytes = tokio::time::timeout(WHOLE, collect)
        .await
        .map_err(|_slow| timeout())??;
    if gzip {
        unpack(bytes, limit).await
    } else {
        Ok(bytes)
    }
}

fn timeout() -> Failure {
    Failure::new(http::StatusCode::REQUEST_TIMEOUT, "request body timed out")
}

/// Unpacks beside the serving threads; stops at the limit, whatever the packed text promises.
async fn unpack(packed: Bytes, limit: usize) -> Result<Bytes, Failure> {
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX) + 1;
        let read = flate2::read::MultiGzDecoder::new(packed.reader())
            .take(most)
            .read_to_end(&mut out);
        match read {
            Ok(_) if out.len() > limit => Err(TOO_LARGE.to_owned()),
            Ok(_) => Ok(Bytes::from(out)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err("unexpected EOF".to_owned())
            }
            Err(_) => Err("gzip: invalid header".to_owned()),
        }
    });
    match unpacked.await {
        Ok(result) => result.map_err(Failure::bad_request),
        Err(_gone) => Err(Failure::internal("unpacking the body")),
    }
}
