//! One partition read once for all its followers in this process.
//!
//! A task reads while anybody follows a stream of the partition, and hands what it read to those whom it concerns
//! ([`Routes`]). A follower that begins behind the tip, beyond what is still in memory, reads for itself until it is there;
//! so does one that keeps the others waiting for too long.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_event_log::{EventLog, LogReader, LogRecord, Offset, ReadError};
use loopledger_types::{Hash, Head, StreamId};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::barrier::StartupBarrier;
use super::contact::{Contact, Followed};
use super::record::{Batch, LogPartition};
use super::routes::{Dormant, RouteId, Routes, Waiting};
use super::wakes::Wakes;

/// Bytes of records that are kept for followers that begin: those of a process do so within moments of each other.
const RECENT_BYTES_MAX: usize = 1_024 * 1_024;
/// After so long without a record they are let go.
const IDLE: Duration = Duration::from_secs(2);
/// How long reading waits for a follower that is too slow. Longer than a checkpoint takes.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause before reading again what could not be read, if no follower asks for it.
const RETRY: Duration = Duration::from_millis(100);

/// How far a partition was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadTo {
    /// Everything before this offset.
    pub next: Offset,
    /// The last record: where it stands, and the hash of its bytes.
    pub last: Option<(Offset, Hash)>,
}

impl ReadTo {
    /// Nothing of it.
    pub const NOTHING: Self = Self { next: Offset::START, last: None };
}

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

#[derive(Debug)]
pub(crate) struct Source {
    partition: LogPartition,
    state: Mutex<State>,
    /// A follower waits, or has taken something.
    wanted: Notify,
    /// The headers of records before this offset are not needed.
    traces_from: AtomicU64,
    contact: Arc<Contact>,
    wakes: Arc<Wakes>,
    barrier: Arc<StartupBarrier>,
}

#[derive(Debug, Default)]
struct State {
    routes: Routes,
    recent: VecDeque<Arc<Batch>>,
    recent_bytes: usize,
    /// Where the next read begins; `None` until the first follower says.
    tip: Option<Offset>,
    /// The last record that was read: where it stands, and the hash of its bytes.
    last: Option<(Offset, Hash)>,
    has_read: bool,
    failures: u64,
    failure: Option<ReadError>,
    /// Records since the source began that name no stream of the partition.
    junk: u64,
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

impl Source {
    pub(crate) fn new(
        partition: LogPartition,
        contact: Arc<Contact>,
        wakes: Arc<Wakes>,
        barrier: Arc<StartupBarrier>,
    ) -> Self {
        Self {
            partition,
            state: Mutex::default(),
            wanted: Notify::new(),
            traces_from: AtomicU64::new(0),
            contact,
            wakes,
            barrier,
        }
    }

    pub(crate) fn spare_traces_before(&self, offset: Offset) {
        self.traces_from.store(offset.0, Ordering::Relaxed);
    }

    /// Reading begins at the mark, or before it, unless it has begun already.
    pub(crate) fn begin(&self, mark: &ReadTo) {
        let mut state = self.lock();
        self.begin_in(&mut state, mark.next);
        if !state.has_read && state.tip.is_some_and(|tip| tip >= mark.next) {
            (state.tip, state.last) = (Some(mark.next), mark.last);
            self.contact.begin(self.followed(), mark.next);
        }
    }

    /// How far the partition is read.
    pub(crate) fn read_to(&self) -> Option<ReadTo> {
        let state = self.lock();
        state.tip.map(|next| ReadTo { next, last: state.last })
    }

    fn begin_in(&self, state: &mut State, from: Offset) -> Offset {
        *state.tip.get_or_insert_with(|| {
            self.contact.begin(self.followed(), from);
            from
        })
    }

    /// Where a stream that is not followed now goes on, if its newest commit is `head`: behind which everything is read
    /// up to the second offset.
    pub(crate) fn stand(&self, stream: StreamId, head: Head) -> Option<(Offset, Offset)> {
        let state = self.lock();
        let dormant = state.routes.dormant(stream).filter(|dormant| dormant.head == head)?;
        Some((dormant.head_offset, dormant.pending.or(state.tip)?.max(dormant.read)))
    }

    /// A stream that nobody follows: its newest commit before `read` is `head`, whose record stood at `head_offset`.
    pub(crate) fn trust(&self, stream: StreamId, head: Head, head_offset: Offset, read: Offset) {
        let mut state = self.lock();
        // What was read since then is gone by.
        let missed = state.tip.is_some_and(|tip| tip > read);
        let pending = missed.then_some(read);
        state.routes.put_dormant(stream, Dormant { head, head_offset, read, pending });
        drop(state);
        self.wanted.notify_one();
        if missed {
            self.wakes.wake(&[stream]);
        }
    }

    /// Whether nobody follows the stream, its newest commit is `head`, and it has had no record since.
    pub(crate) fn is_at_rest(&self, stream: StreamId, head: Head) -> bool {
        let dormant = self.lock().routes.dormant(stream);
        dormant.is_some_and(|dormant| dormant.head == head && dormant.pending.is_none())
    }

    /// Times that followers were woken, and records that name no stream of the partition.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.routes.wakes(), state.junk)
    }

    /// Reads for as long as somebody follows; ends only by being aborted.
    pub(crate) async fn run(self: Arc<Self>, log: Arc<dyn EventLog>) {
        let mut reader: Option<Box<dyn LogReader>> = None;
        // Programs that start may still say that they must read from further back.
        self.barrier.programs_began().await;
        loop {
            let tip = self.turn().await;
            let read = match &mut reader {
                Some(reader) => self.next(reader).await,
                None => match log.read(self.partition.topic, self.partition.partition, tip) {
                    Ok(opened) => self.next(reader.insert(opened)).await,
                    Err(error) => Err(error),
                },
            };
            match read {
                Ok(read) => self.push(Batch::new(tip, read, self.partition)),
                Err(error) => {
                    if self.fail(error) {
                        reader = None;
                    }
                    // A follower asks again after a pause; without one it is for the source to do so.
                    let _ = timeout(RETRY, self.wanted.notified()).await;
                }
            }
        }
    }

    /// Waits until more should be read; from where.
    async fn turn(&self) -> Offset {
        loop {
            let is_full = {
                let mut state = self.lock();
                match state.tip.filter(|_| !state.routes.is_empty()) {
                    Some(tip) if !state.routes.is_full() => return tip,
                    Some(_) => {
                        state.routes.hold();
                        true
                    }
                    None => false,
                }
            };
            if !is_full {
                self.wanted.notified().await;
            } else if timeout(PATIENCE, self.room()).await.is_err() {
                let mut state = self.lock();
                if let Some(tip) = state.tip {
                    state.routes.leave_behind(tip);
                }
            }
        }
    }

    /// Waits until no follower has too much before it.
    async fn room(&self) {
        while self.lock().routes.is_full() {
            self.wanted.notified().await;
        }
    }

    async fn next(&self, reader: &mut Box<dyn LogReader>) -> Result<Vec<LogRecord>, ReadError> {
        reader.spare_headers_before(Offset(self.traces_from.load(Ordering::Relaxed)));
        // Reading is cancel-safe.
        if let Ok(read) = timeout(IDLE, reader.next()).await {
            return read;
        }
        self.let_go();
        reader.next().await
    }

    fn let_go(&self) {
        let mut state = self.lock();
        state.recent = VecDeque::new();
        state.recent_bytes = 0;
    }

    const fn followed(&self) -> Followed {
        (self.partition.topic, self.partition.partition)
    }

    fn push(&self, batch: Batch) {
        self.contact.read(self.followed(), batch.next);
        let batch = Arc::new(batch);
        let mut state = self.lock();
        state.tip = Some(batch.next);
        state.has_read = true;
        state.last = batch.last().or(state.last);
        state.junk = state.junk.saturating_add(batch.junk_from(batch.start));
        let woken = state.routes.push(&batch);
        state.recent_bytes = state.recent_bytes.saturating_add(batch.bytes);
        state.recent.push_back(batch);
        while state.recent_bytes > RECENT_BYTES_MAX && state.recent.len() > 1 {
            let dropped = state.recent.pop_front().map_or(0, |batch| batch.bytes);
            state.recent_bytes = state.recent_bytes.saturating_sub(dropped);
        }
        drop(state);
        self.wakes.wake(&woken);
    }

    /// True: the partition does not have what was read of it, so every follower looks for its own place.
    fn fail(&self, error: ReadError) -> bool {
        self.contact.read_failed(self.followed(), &error);
        let is_shorter = matches!(error, ReadError::OffsetOutOfRange { .. } | ReadError::NotARecordBoundary { .. });
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.failure = Some(error);
        let woken = if is_shorter {
            (state.tip, state.last) = (None, None);
            (state.recent, state.recent_bytes) = (VecDeque::new(), 0);
            state.routes.forget()
        } else {
            state.routes.wake_all();
            Vec::new()
        };
        drop(state);
        self.wakes.wake(&woken);
        is_shorter
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is in memory from `from` up to the tip, if it is all there.
    fn since(&self, from: Offset, tip: Offset) -> Option<Vec<Arc<Batch>>> {
        if from >= tip {
            return Some(Vec::new());
        }
        let at = self.recent.partition_point(|batch| batch.next <= from);
        let first = self.recent.get(at).filter(|batch| batch.start <= from);
        first.is_some().then(|| self.recent.iter().skip(at).cloned().collect())
    }
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
