//! The caller at the other end of a connection: what it holds, and what it leaves untaken.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Connections;
use crate::bytes::{Account, Budget, now_ms};
use crate::caller::Caller;

#[derive(Debug)]
pub struct Peer {
    pub caller: Caller,
    pub requests: Arc<Account>,
    pub answers: Arc<Account>,
    calls: AtomicUsize,
    /// When its last call ended, or it was accepted; in [`now_ms`].
    last_call_at: AtomicU64,
    calls_ever: AtomicU64,
    /// Answers under way, by call.
    taking: Mutex<BTreeMap<u64, Arc<Taking>>>,
    cut: CancellationToken,
}

impl Peer {
    pub(super) fn new(caller: Caller, connections: &Connections, cut: CancellationToken) -> Self {
        let account = |max, process: &Arc<Budget>| {
            let share = process.max().checked_div(u64::try_from(connections.max).unwrap_or(u64::MAX)).unwrap_or(0);
            Arc::new(Account::new(max, share, Arc::clone(process)))
        };
        Self {
            caller,
            requests: account(connections.bytes.requests_of_connection, &connections.requests),
            answers: account(connections.bytes.answers_of_connection, &connections.answers),
            calls: AtomicUsize::new(0),
            last_call_at: AtomicU64::new(now_ms()),
            calls_ever: AtomicU64::new(0),
            taking: Mutex::default(),
            cut,
        }
    }

    /// Begins a call, which ends when it is dropped.
    pub fn begin_call(self: &Arc<Self>) -> OpenCall {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let number = self.calls_ever.fetch_add(1, Ordering::Relaxed);
        let taking = Arc::<Taking>::default();
        self.lock().insert(number, Arc::clone(&taking));
        OpenCall { peer: Arc::clone(self), number, taking }
    }

    /// Since when it has no call; `None`: it has.
    pub(super) fn idle_since(&self) -> Option<u64> {
        (self.calls.load(Ordering::Relaxed) == 0).then(|| self.last_call_at.load(Ordering::Relaxed))
    }

    /// Ends the connection.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    pub(super) fn cut_off(&self) -> WaitForCancellationFutureOwned {
        self.cut.clone().cancelled_owned()
    }

    /// Whether it leaves answers untaken for so long while others lack the bytes that it holds.
    pub(super) fn is_in_the_way(&self, untaken_max: Duration) -> bool {
        let lacking = self.requests.is_in_the_way(untaken_max) || self.answers.is_in_the_way(untaken_max);
        let limit = u64::try_from(untaken_max.as_millis()).unwrap_or(u64::MAX);
        lacking && self.lock().values().any(|taking| taking.untaken_for_ms() > limit)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Taking>>> {
        self.taking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way.
#[derive(Debug)]
pub struct OpenCall {
    peer: Arc<Peer>,
    number: u64,
    pub taking: Arc<Taking>,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.peer.lock().remove(&self.number);
        self.peer.last_call_at.store(now_ms(), Ordering::Relaxed);
        self.peer.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How an answer is taken. The transport asks for the next part as soon as its caller has room for it.
#[derive(Debug, Default)]
pub struct Taking {
    /// When a part was handed out behind which the next was not asked for yet; 0: nothing lies there.
    since_ms: AtomicU64,
}

impl Taking {
    /// A part lies there, to be taken.
    pub fn lies(&self) {
        self.since_ms.store(now_ms(), Ordering::Relaxed);
    }

    /// The caller has room, and there is nothing for it.
    pub fn waits(&self) {
        self.since_ms.store(0, Ordering::Relaxed);
    }

    fn untaken_for_ms(&self) -> u64 {
        match self.since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since => now_ms().saturating_sub(since),
        }
    }
}
