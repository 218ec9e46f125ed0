//! Connections, of which a process holds so many: beyond it the one that has been idle longest is closed, or else the new one.
//!
//! A connection ends by itself when its caller does not greet in time, or takes nothing for too long; see [`Waits`].

mod connection;
mod peer;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

pub use connection::Connection;
pub use peer::{OpenCall, Peer};

use super::bytes::Budget;
use super::caller::Caller;

/// The pause after a connection that could not be accepted: without file descriptors the next attempt fails as fast.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a new connection waits for the end of the idle one that is closed for it.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// How long a connection waits for its caller.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// From being accepted to the greeting: the preface of HTTP/2 and the head of the first frame.
    pub greeting_max: Option<Duration>,
    /// While the caller's socket takes nothing.
    pub write_max: Duration,
    /// How long an answer may lie untaken when others lack the bytes that it holds.
    pub untaken_max: Duration,
    /// From being accepted to the end.
    pub life_max: Option<Duration>,
}

/// What each connection may hold, and what all of them may. A connection has its even share of the latter, whatever the
/// others hold: all of them together hold at most twice as much.
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    /// Of requests that are being read or not answered yet.
    pub requests_of_connection: u64,
    pub requests_of_process: u64,
    /// Of answers that are not taken yet.
    pub answers_of_connection: u64,
    pub answers_of_process: u64,
}

impl Bytes {
    /// For connections that carry no calls.
    pub const NONE: Self =
        Self { requests_of_connection: 0, requests_of_process: 0, answers_of_connection: 0, answers_of_process: 0 };
}

/// The open connections of a listener, and what they hold together.
#[derive(Debug)]
pub struct Connections {
    max: usize,
    bytes: Bytes,
    pub requests: Arc<Budget>,
    pub answers: Arc<Budget>,
    open: Mutex<BTreeMap<Caller, Arc<Peer>>>,
    accepted: AtomicU64,
    refused: AtomicU64,
    closed_idle: AtomicU64,
    is_refusing: AtomicBool,
    closed: Notify,
}

impl Connections {
    pub fn new(max: usize, bytes: Bytes) -> Self {
        Self {
            max,
            bytes,
            requests: Arc::new(Budget::new(bytes.requests_of_process)),
            answers: Arc::new(Budget::new(bytes.answers_of_process)),
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            closed_idle: AtomicU64::new(0),
            is_refusing: AtomicBool::new(false),
            closed: Notify::new(),
        }
    }

    /// Bytes of requests that are being read or not answered yet.
    pub fn request_bytes(&self) -> u64 {
        self.requests.used()
    }

    /// Bytes of answers that are not taken yet.
    pub fn answer_bytes(&self) -> u64 {
        self.answers.used()
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.lock().len()
    }

    /// Connections closed at once, since every place was taken by one with calls.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Idle connections closed to make room for new ones.
    pub fn closed_idle(&self) -> u64 {
        self.closed_idle.load(Ordering::Relaxed)
    }

    fn enter(&self, cut: &CancellationToken) -> Arc<Peer> {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let caller = Caller::connection(number);
        let peer = Arc::new(Peer::new(caller, self, cut.child_token()));
        self.lock().insert(caller, Arc::clone(&peer));
        peer
    }

    fn leave(&self, peer: &Peer) {
        self.lock().remove(&peer.caller);
        self.closed.notify_waiters();
    }

    /// Waits until there is room.
    async fn room(&self) {
        loop {
            let closed = self.closed.notified();
            if self.open() < self.max {
                return;
            }
            closed.await;
        }
    }

    /// Makes room by closing the connection that has been without calls longest; false: there is none.
    async fn make_room(&self) -> bool {
        let longest = self
            .lock()
            .values()
            .filter_map(|peer| Some((peer.idle_since()?, Arc::clone(peer))))
            .min_by_key(|(since, _)| *since);
        let Some((_, peer)) = longest else { return false };
        self.closed_idle.fetch_add(1, Ordering::Relaxed);
        peer.cut();
        timeout(CLOSE_MAX, self.room()).await.is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Caller, Arc<Peer>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections.
#[derive(Debug)]
pub struct Acceptor {
    pub listener: TcpListener,
    pub connections: Arc<Connections>,
    pub waits: Waits,
    /// Ends all of them.
    pub cut: CancellationToken,
}

impl Acceptor {
    pub async fn accept(&self) -> Connection {
        loop {
            match self.listener.accept().await {
                Ok((io, _)) => {
                    if let Some(connection) = self.admit(io).await {
                        return connection;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn admit(&self, io: TcpStream) -> Option<Connection> {
        let connections = &self.connections;
        if connections.open() >= connections.max && !connections.make_room().await {
            connections.refused.fetch_add(1, Ordering::Relaxed);
            if !connections.is_refusing.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    connections = connections.max,
                    "connection limit reached and no connection is idle, refusing new connections"
                );
            }
            return None;
        }
        connections.is_refusing.store(false, Ordering::Relaxed);
        // Answers are small and waited for. A connection that is gone already says so when it is read.
        drop(io.set_nodelay(true));
        Some(Connection::new(io, connections.enter(&self.cut), Arc::clone(connections), self.waits))
    }
}

impl axum::serve::Listener for Acceptor {
    type Io = Connection;
    type Addr = core::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let connection = Self::accept(self).await;
        // Nothing asks for it.
        (connection, core::net::SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
