//! A connection that ends when its peer takes no bytes, or sends none, for too long.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Wraps a stream with two clocks.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    reading: Clock,
    writing: Clock,
}

/// Runs while a side waits; reset by progress.
#[derive(Debug)]
struct Clock {
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
    running: bool,
}

impl Clock {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            sleep: Box::pin(sleep(limit)),
            running: false,
        }
    }

    fn progress(&mut self) {
        self.running = false;
    }

    /// Ready with an error once the side has waited too long.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.running {
            self.running = true;
            self.sleep.as_mut().reset(Instant::now() + self.limit);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, write: Duration, read: Duration) -> Self {
        Self {
            stream,
            reading: Clock::new(read),
            writing: Clock::new(write),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Poll::Ready(result) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            this.reading.progress();
            return Poll::Ready(result);
        }
        this.reading.poll(cx).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> Paced<S> {
    fn paced<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        if let Poll::Ready(result) = act(Pin::new(&mut this.stream), cx) {
            this.writing.progress();
            // Who is being answered is not idle.
            this.reading.progress();
            return Poll::Ready(result);
        }
        this.writing.poll(cx).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.paced(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.paced(cx, S::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.paced(cx, S::poll_shutdown)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.paced(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
