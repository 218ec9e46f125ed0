//! A follower's place at the source of its partition: what is there for it, and where it goes on if it leaves.

use std::sync::Arc;

use loopledger_event_log::{Offset, ReadError};
use loopledger_types::{Head, StreamId};
use tokio::sync::Notify;

use super::record::Batch;
use super::routes::{Dormant, RouteId, Waiting};
use super::source::{Source, State};

/// What a follower finds at its offset.
pub(crate) enum Look {
    Batch(Arc<Batch>),
    /// The read that the follower waited for failed.
    Failed(ReadError),
    /// Everything before this offset is read, and had nothing for it. `is_due`: it waits for no more than that.
    /// `is_held`: reading waits for another follower.
    Nothing {
        tip: Offset,
        is_due: bool,
        is_held: bool,
        arrival: Arc<Notify>,
    },
    /// It reads for itself, from this offset on.
    Elsewhere(Offset),
}

/// A follower's place at a source.
#[derive(Debug)]
pub(crate) struct Place {
    source: Arc<Source>,
    stream: StreamId,
    failures_seen: u64,
    route: Option<(RouteId, Arc<Notify>)>,
    /// Woken once everything before this offset is read.
    wake_at: Option<Offset>,
    /// What the source had counted when the follower took its place.
    junk_before: u64,
    /// Up to here what names no stream is counted.
    junk_counted: Offset,
    /// What was counted at places before, and while reading for itself.
    junk: u64,
}

impl Place {
    pub(crate) fn new(source: Arc<Source>, stream: StreamId, from: Offset) -> Self {
        let failures_seen = source.lock().failures;
        Self { source, stream, failures_seen, route: None, wake_at: None, junk_before: 0, junk_counted: from, junk: 0 }
    }

    /// What there is for the follower, which has read everything before `from`.
    pub(crate) fn look(&mut self, from: Offset) -> Look {
        let source = Arc::clone(&self.source);
        let mut state = source.lock();
        if state.is_closed {
            return Look::Failed(ReadError::Closed);
        }
        if state.failures > self.failures_seen {
            self.failures_seen = state.failures;
            if let Some(failure) = state.failure.clone().filter(|_| self.route.is_some()) {
                return Look::Failed(failure);
            }
        }
        let tip = source.begin_in(&mut state, from);
        let place = self.route.clone().or_else(|| self.join(&mut state, from, tip));
        let Some((id, arrival)) = place else { return Look::Elsewhere(from) };
        let waiting = state.routes.take(id, tip);
        let look = match waiting {
            Waiting::Batch(batch) => Look::Batch(batch),
            Waiting::Nothing { tip, is_due, is_held } => {
                self.wake_at = self.wake_at.filter(|at| *at > tip);
                Look::Nothing { tip, is_due, is_held, arrival }
            }
            Waiting::Missed(at) => {
                self.leave_in(&mut state);
                Look::Elsewhere(at)
            }
            Waiting::Gone => {
                self.leave_in(&mut state);
                Look::Elsewhere(from)
            }
        };
        drop(state);
        source.wanted.notify_one();
        look
    }

    /// Takes a place among the routes, if all that was read since `from` is still in memory.
    fn join(&mut self, state: &mut State, from: Offset, tip: Offset) -> Option<(RouteId, Arc<Notify>)> {
        let since = state.since(from, tip)?;
        let uncounted = self.junk_counted.max(from);
        let behind = since.iter().fold(0_u64, |sum, batch| sum.saturating_add(batch.junk_from(uncounted)));
        self.junk_before = state.junk.saturating_sub(behind);
        let opened = state.routes.open(self.stream, since.into_iter());
        if let Some(at) = self.wake_at {
            state.routes.wake_at(opened.0, at);
        }
        self.route = Some(opened.clone());
        Some(opened)
    }

    /// See [`Follower::wake_at`](super::Follower::wake_at).
    pub(crate) fn wake_at(&mut self, offset: Offset) {
        self.wake_at = self.wake_at.max(Some(offset));
        if let Some((id, _)) = &self.route {
            self.source.lock().routes.wake_at(*id, offset);
        }
    }

    /// Gives the place up: reading goes on somewhere else.
    pub(crate) fn leave(&mut self) {
        let source = Arc::clone(&self.source);
        let mut state = source.lock();
        self.leave_in(&mut state);
        drop(state);
        source.wanted.notify_one();
    }

    fn leave_in(&mut self, state: &mut State) {
        let Some((id, _)) = self.route.take() else { return };
        self.junk = self.junk.saturating_add(state.junk.saturating_sub(self.junk_before));
        self.junk_counted = state.tip.unwrap_or(self.junk_counted).max(self.junk_counted);
        state.routes.close(id);
    }

    /// Reads a batch for itself.
    pub(crate) fn note_private(&mut self, batch: &Batch) {
        self.junk = self.junk.saturating_add(batch.junk_from(self.junk_counted.max(batch.start)));
        self.junk_counted = self.junk_counted.max(batch.next);
    }

    /// Records that name no stream of the partition since the follower began.
    pub(crate) fn junk(&self) -> u64 {
        let here = self.route.as_ref().map_or(0, |_| self.source.lock().junk.saturating_sub(self.junk_before));
        self.junk.saturating_add(here)
    }

    /// The follower goes, and its stream may be followed again from where it stood, if it has taken all that was read.
    pub(crate) fn put_dormant(&self, head: Head, head_offset: Offset) {
        let Some((id, _)) = &self.route else { return };
        let mut state = self.source.lock();
        if state.routes.is_drained(*id) {
            let read = state.tip.unwrap_or(Offset::START);
            state.routes.put_dormant(self.stream, Dormant { head, head_offset, read, pending: None });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
