//! Halted writers of this process, for the programs that wait for what these would write.
//!
//! A stream that is halted in its writer is whole for everybody who reads it: they have all of it, and wait for more in
//! vain. A writer in another process cannot be seen here; its service's `GetStatus` tells.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loopledger_types::StreamId;
use loopledger_wire::HaltNotice;
use tokio::sync::Notify;

/// A writer that is halted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaltedWriter {
    pub notice: HaltNotice,
    /// The stream's head as the writer has read it: what is beyond does not come from this process.
    pub head: u64,
}

impl HaltedWriter {
    /// Whether the commit with this sequence is waited for in vain.
    pub const fn is_beyond(&self, sequence: u64) -> bool {
        sequence > self.head
    }
}

#[derive(Debug, Default)]
pub(crate) struct Halts {
    state: Mutex<State>,
    /// Wakes in the order in which they began to wait, so that a simulation can be replayed.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    halted: BTreeMap<StreamId, HaltedWriter>,
    changes: u64,
}

impl Halts {
    /// `None`: the writer is not halted any more.
    pub(crate) fn set(&self, stream: StreamId, halted: Option<HaltedWriter>) {
        let mut state = self.lock();
        let before = state.halted.get(&stream);
        if before == halted.as_ref() {
            return;
        }
        match halted {
            Some(halted) => drop(state.halted.insert(stream, halted)),
            None => drop(state.halted.remove(&stream)),
        }
        state.changes = state.changes.saturating_add(1);
        drop(state);
        self.changed.notify_waiters();
    }

    pub(crate) fn of(&self, stream: StreamId) -> Option<HaltedWriter> {
        self.lock().halted.get(&stream).cloned()
    }

    /// Waits until there were more than `seen` changes; how many there were. Cancel-safe.
    pub(crate) async fn changed(&self, seen: u64) -> u64 {
        loop {
            // Made before looking, so that it hears of every change from here on.
            let next = self.changed.notified();
            let changes = self.lock().changes;
            if changes > seen {
                return changes;
            }
            next.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
