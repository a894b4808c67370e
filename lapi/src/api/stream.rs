//! The stream: all decisions, then what began and ended since. Upstream: `controllers/v1/decisions.go`; cursor rule: `docs/guarantees.md`.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use super::answer::{self, Answer, Chunks, Failure};
use super::{Api, Call};
use crate::live::{Bouncer, Filter, Pull, Record};
use crate::stamp::Stamp;

/// Records of one chunk.
const CHUNK: usize = 1000;

/// `GET` and `HEAD /v1/decisions/stream`.
pub(super) async fn pull(api: &Arc<Api>, call: &Call) -> Result<Answer, Failure> {
    let bouncer = api.bouncer(call).await?;
    if call.method == Method::HEAD {
        return Ok(answer::head_ok());
    }
    let filter = Filter::from_query(&call.query)
        .map_err(|error| Failure::internal(error.to_string()))?
        .with_default_scopes(&call.query);
    let since = if call.query.get("startup") == Some("true") {
        None
    } else {
        bouncer.cursor()
    };
    let pull = api.store.live().pull(&filter, since, call.now);
    Ok(answer::stream(StreamBody {
        pull,
        now: Stamp(call.now).nanoseconds(),
        next: Part::New(0),
        done: Some(Done {
            api: Arc::clone(api),
            bouncer,
        }),
    }))
}

/// The body of a stream answer: encoded chunk by chunk as the client takes it, from records shared with the model.
#[derive(Debug)]
struct StreamBody {
    pull: Pull,
    now: i64,
    next: Part,
    done: Option<Done>,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    New(usize),
    Deleted(usize),
    End,
}

#[derive(Debug)]
struct Done {
    api: Arc<Api>,
    bouncer: Arc<Bouncer>,
}

impl Chunks for StreamBody {
    /// After the last one the cursor moves: an answer that was cut off leaves it alone.
    fn next_chunk(&mut self) -> Option<Bytes> {
        let mut out = Vec::with_capacity(4096);
        match self.next {
            Part::New(from) => {
                if from == 0 {
                    out.extend_from_slice(b"{\"new\": [");
                }
                let to = self.write(&self.pull.new, from, &mut out);
                self.next = Part::New(to);
                if to == self.pull.new.len() {
                    out.extend_from_slice(b"], \"deleted\": [");
                    self.next = Part::Deleted(0);
                }
            }
            Part::Deleted(from) => {
                let to = self.write(&self.pull.deleted, from, &mut out);
                self.next = Part::Deleted(to);
                if to == self.pull.deleted.len() {
                    out.extend_from_slice(b"]}");
                    self.next = Part::End;
                }
            }
            Part::End => {
                if let Some(Done { api, bouncer }) = self.done.take() {
                    bouncer.move_cursor(self.pull.watermark);
                    api.pulls.pulled(bouncer.id, self.pull.watermark);
                }
                return None;
            }
        }
        Some(out.into())
    }
}

impl StreamBody {
    fn write(&self, records: &[Arc<Record>], from: usize, out: &mut Vec<u8>) -> usize {
        let to = records.len().min(from + CHUNK);
        for (index, record) in records.iter().enumerate().take(to).skip(from) {
            if index > 0 {
                out.push(b',');
            }
            record.write_json(self.now, true, out);
        }
        to
    }
}
