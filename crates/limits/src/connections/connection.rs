//! A connection that ends when it is cut, when its caller keeps it waiting, and when its time is up.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use super::{Connections, Peer, Waits};

/// The preface of HTTP/2 (24 bytes), and the head of the SETTINGS frame behind it (9).
const GREETING_BYTES: usize = 33;

/// Between two looks at what has waited too long, at most.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Connection {
    io: TcpStream,
    peer: Arc<Peer>,
    connections: Arc<Connections>,
    waits: Waits,
    accepted_at: Instant,
    /// Bytes of the greeting that have come.
    greeted: usize,
    /// Since when the socket takes nothing.
    blocked_since: Option<Instant>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    look: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(io: TcpStream, peer: Arc<Peer>, connections: Arc<Connections>, waits: Waits) -> Self {
        let cut = Box::pin(peer.cut_off());
        let look = Box::pin(sleep(look_every(waits)));
        let accepted_at = Instant::now();
        Self { io, peer, connections, waits, accepted_at, greeted: 0, blocked_since: None, cut, look }
    }

    /// Fails once the connection has to end. Registers for that with every poll, so that it ends although nothing comes.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cut.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        while self.look.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            if let Some(why) = self.overdue(now) {
                tracing::debug!(caller = %self.peer.caller, why, "a connection is closed");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            self.look.as_mut().reset(now.checked_add(look_every(self.waits)).unwrap_or(now));
        }
        Ok(())
    }

    fn overdue(&self, now: Instant) -> Option<&'static str> {
        let age = now.saturating_duration_since(self.accepted_at);
        let is_over = |max: Option<Duration>| max.is_some_and(|max| age >= max);
        if self.greeted < GREETING_BYTES && is_over(self.waits.greeting_max) {
            return Some("no HTTP/2 preface received");
        }
        if is_over(self.waits.life_max) {
            return Some("connection lifetime exceeded");
        }
        if self.blocked_since.is_some_and(|since| now.saturating_duration_since(since) >= self.waits.write_max) {
            return Some("write timeout exceeded");
        }
        self.peer
            .is_in_the_way(self.waits.untaken_max)
            .then_some("answers left unread while other callers wait for the byte budget")
    }

    fn wrote<T>(&mut self, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.blocked_since = match wrote {
            Poll::Pending => self.blocked_since.or_else(|| Some(Instant::now())),
            Poll::Ready(_) => None,
        };
        wrote
    }
}

/// A quarter of the shortest wait.
fn look_every(waits: Waits) -> Duration {
    let shortest = [waits.greeting_max, waits.life_max, Some(waits.write_max), Some(waits.untaken_max)]
        .into_iter()
        .flatten()
        .min();
    let quarter = shortest.and_then(|wait| wait.checked_div(4)).unwrap_or(LOOK_EVERY_MAX);
    quarter.clamp(Duration::from_millis(1), LOOK_EVERY_MAX)
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.leave(&self.peer);
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = to.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, to);
        if self.greeted < GREETING_BYTES {
            self.greeted = self.greeted.saturating_add(to.filled().len().saturating_sub(before));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let wrote = Pin::new(&mut self.io).poll_write(context, from);
        self.wrote(wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let wrote = Pin::new(&mut self.io).poll_write_vectored(context, from);
        self.wrote(wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }
}
