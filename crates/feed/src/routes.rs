//! What of a partition goes to whom: a queue for each follower that is at the partition's tip, and the stand of each
//! stream that is not followed now.
//!
//! A record costs the followers of its own stream something, and no other: a follower is woken by records of its stream,
//! or once everything before an offset that it waits for is read. So it does not matter how many streams share the partition.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use loopledger_event_log::Offset;
use loopledger_types::{Head, StreamId};
use tokio::sync::Notify;

use super::record::Batch;

/// Bytes of batches that wait for one follower, beyond which reading waits for it.
const AHEAD_BYTES: usize = 1_024 * 1_024;

/// A follower's place among the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouteId(u64);

/// What waits for a follower at its place.
pub(crate) enum Waiting {
    Batch(Arc<Batch>),
    /// Everything before this offset is read, and had nothing more for it.
    Nothing {
        tip: Offset,
        is_due: bool,
        is_held: bool,
    },
    /// It was too slow: from this offset on it reads for itself.
    Missed(Offset),
    /// The place is gone.
    Gone,
}

#[derive(Debug)]
struct Route {
    stream: StreamId,
    queue: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// The first batch that was not queued, because the follower was too slow.
    missed: Option<Offset>,
    /// Woken once everything before this offset is read.
    wake_at: Option<Offset>,
    /// It was told since its last batch that reading waits for another follower.
    is_held: bool,
    notify: Arc<Notify>,
}

/// A stream that is not followed now, as its last follower left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dormant {
    pub(crate) head: Head,
    /// The offset of the head's record.
    pub(crate) head_offset: Offset,
    /// Records before this offset are in `head` already.
    pub(crate) read: Offset,
    /// The first record of the stream since then.
    pub(crate) pending: Option<Offset>,
}

#[derive(Debug, Default)]
pub(crate) struct Routes {
    places: BTreeMap<RouteId, Route>,
    by_stream: BTreeMap<StreamId, Vec<RouteId>>,
    dormant: BTreeMap<StreamId, Dormant>,
    /// Who is woken once everything before an offset is read.
    due: BTreeSet<(Offset, RouteId)>,
    /// Followers that reading waits for.
    full: usize,
    next_id: u64,
    /// Times that a follower was woken.
    wakes: u64,
}

impl Routes {
    /// Whether anything that is read goes anywhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.dormant.is_empty()
    }

    pub(crate) const fn wakes(&self) -> u64 {
        self.wakes
    }

    /// A place for a follower of `stream`, before which everything is read; `behind` are the batches since then.
    pub(crate) fn open(
        &mut self,
        stream: StreamId,
        behind: impl Iterator<Item = Arc<Batch>>,
    ) -> (RouteId, Arc<Notify>) {
        let id = RouteId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let queue: VecDeque<_> = behind.filter(|batch| !batch.of(stream).is_empty()).collect();
        let bytes = queue.iter().fold(0_usize, |sum, batch| sum.saturating_add(batch.bytes));
        let notify = Arc::new(Notify::new());
        let route =
            Route { stream, queue, bytes, missed: None, wake_at: None, is_held: false, notify: Arc::clone(&notify) };
        self.full = self.full.saturating_add(usize::from(route.is_full()));
        self.places.insert(id, route);
        self.by_stream.entry(stream).or_default().push(id);
        (id, notify)
    }

    /// The follower is gone, or reads for itself.
    pub(crate) fn close(&mut self, id: RouteId) {
        let Some(route) = self.places.remove(&id) else { return };
        self.full = self.full.saturating_sub(usize::from(route.is_full()));
        if let Some(at) = route.wake_at {
            self.due.remove(&(at, id));
        }
        if let Some(ids) = self.by_stream.get_mut(&route.stream) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_stream.remove(&route.stream);
            }
        }
    }

    /// Whether nothing that was read waits at the place.
    pub(crate) fn is_drained(&self, id: RouteId) -> bool {
        self.places.get(&id).is_some_and(|route| route.queue.is_empty() && route.missed.is_none())
    }

    /// Takes what waits at a place.
    pub(crate) fn take(&mut self, id: RouteId, tip: Offset) -> Waiting {
        let Some(route) = self.places.get_mut(&id) else { return Waiting::Gone };
        if let Some(batch) = route.queue.pop_front() {
            let was_full = route.is_full();
            route.bytes = route.bytes.saturating_sub(batch.bytes);
            if was_full && !route.is_full() {
                self.full = self.full.saturating_sub(1);
            }
            return Waiting::Batch(batch);
        }
        if let Some(missed) = route.missed {
            return Waiting::Missed(missed);
        }
        let reached = route.wake_at.take_if(|at| *at <= tip);
        if let Some(at) = reached {
            self.due.remove(&(at, id));
        }
        let is_reached = reached.is_some();
        let is_held = self.full > 0 && !core::mem::replace(&mut route.is_held, self.full > 0);
        Waiting::Nothing { tip, is_due: is_reached, is_held }
    }

    /// The follower is woken once everything before `offset` is read, whether that has anything for it or not.
    pub(crate) fn wake_at(&mut self, id: RouteId, offset: Offset) {
        let Some(route) = self.places.get_mut(&id) else { return };
        let offset = route.wake_at.map_or(offset, |before| before.max(offset));
        if let Some(before) = route.wake_at.replace(offset) {
            self.due.remove(&(before, id));
        }
        self.due.insert((offset, id));
    }

    /// Whether reading waits for a follower.
    pub(crate) const fn is_full(&self) -> bool {
        self.full > 0
    }

    /// Reading waits for a follower: those that have nothing hear of it, since nobody may wait for them meanwhile.
    pub(crate) fn hold(&mut self) {
        for route in self.places.values_mut().filter(|route| route.queue.is_empty() && !route.is_held) {
            self.wakes = self.wakes.saturating_add(1);
            route.notify.notify_one();
        }
    }

    /// Reading goes on at `tip` without the followers that it waited for: they read for themselves.
    pub(crate) fn leave_behind(&mut self, tip: Offset) {
        for route in self.places.values_mut().filter(|route| route.is_full()) {
            tracing::debug!(stream = %route.stream, %tip, "a follower is too slow, it reads for itself");
            route.missed = Some(tip);
        }
        self.full = 0;
    }

    /// Hands a batch to the followers of its streams. Gives the streams that are not followed and had no record since.
    pub(crate) fn push(&mut self, batch: &Arc<Batch>) -> Vec<StreamId> {
        let mut woken = Vec::new();
        for stream in batch.streams() {
            for id in self.by_stream.get(&stream).map_or(&[][..], Vec::as_slice) {
                let Some(route) = self.places.get_mut(id).filter(|route| route.missed.is_none()) else { continue };
                let was_full = route.is_full();
                route.is_held = false;
                route.queue.push_back(Arc::clone(batch));
                route.bytes = route.bytes.saturating_add(batch.bytes);
                self.full = self.full.saturating_add(usize::from(!was_full && route.is_full()));
                self.wakes = self.wakes.saturating_add(1);
                route.notify.notify_one();
            }
            if let Some(dormant) = self.dormant.get_mut(&stream)
                && dormant.pending.is_none()
                && batch.has_from(stream, dormant.read)
            {
                dormant.pending = Some(batch.start.max(dormant.read));
                woken.push(stream);
            }
        }
        let reached = self.due.iter().take_while(|(at, _)| *at <= batch.next);
        for (_, id) in reached {
            if let Some(route) = self.places.get(id) {
                self.wakes = self.wakes.saturating_add(1);
                route.notify.notify_one();
            }
        }
        woken
    }

    /// Wakes every follower: a read failed.
    pub(crate) fn wake_all(&mut self) {
        for route in self.places.values() {
            self.wakes = self.wakes.saturating_add(1);
            route.notify.notify_one();
        }
    }

    /// What is known of the tip does not hold any more: every follower finds its own place again. Gives the streams that
    /// are not followed.
    pub(crate) fn forget(&mut self) -> Vec<StreamId> {
        self.wake_all();
        self.places.clear();
        self.by_stream.clear();
        self.due.clear();
        self.full = 0;
        core::mem::take(&mut self.dormant).into_keys().collect()
    }

    /// A stream is not followed any more; its head is in the log.
    pub(crate) fn put_dormant(&mut self, stream: StreamId, dormant: Dormant) {
        self.dormant.insert(stream, dormant);
    }

    pub(crate) fn dormant(&self, stream: StreamId) -> Option<Dormant> {
        self.dormant.get(&stream).copied()
    }
}

impl Route {
    fn is_full(&self) -> bool {
        self.bytes >= AHEAD_BYTES && self.missed.is_none()
    }
}
