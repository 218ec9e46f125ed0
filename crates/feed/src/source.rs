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
use super::routes::{Dormant, Routes};
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

#[derive(Debug)]
pub(crate) struct Source {
    partition: LogPartition,
    state: Mutex<State>,
    /// A follower waits, or has taken something.
    pub(crate) wanted: Notify,
    /// The headers of records before this offset are not needed.
    traces_from: AtomicU64,
    contact: Arc<Contact>,
    wakes: Arc<Wakes>,
    barrier: Arc<StartupBarrier>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) routes: Routes,
    recent: VecDeque<Arc<Batch>>,
    recent_bytes: usize,
    /// Where the next read begins; `None` until the first follower says.
    pub(crate) tip: Option<Offset>,
    /// The last record that was read: where it stands, and the hash of its bytes.
    last: Option<(Offset, Hash)>,
    has_read: bool,
    pub(crate) failures: u64,
    pub(crate) failure: Option<ReadError>,
    /// Records since the source began that name no stream of the partition.
    pub(crate) junk: u64,
    /// Nothing is read any more.
    pub(crate) is_closed: bool,
}

/// Says that reading has ended.
struct Closing<'a>(&'a Source);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        state.routes.wake_all();
    }
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

    pub(crate) fn begin_in(&self, state: &mut State, from: Offset) -> Offset {
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
        // The runtime may end before those who wait on threads of their own.
        let _closing = Closing(&self);
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

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is in memory from `from` up to the tip, if it is all there.
    pub(crate) fn since(&self, from: Offset, tip: Offset) -> Option<Vec<Arc<Batch>>> {
        if from >= tip {
            return Some(Vec::new());
        }
        let at = self.recent.partition_point(|batch| batch.next <= from);
        let first = self.recent.get(at).filter(|batch| batch.start <= from);
        first.is_some().then(|| self.recent.iter().skip(at).cloned().collect())
    }
}
