//! The log in memory, for tests and simulation: deterministic from its seed on one thread, with faults on request.
//!
//! Nothing sleeps. A delayed record lands at the next append, empty read or awaited append, or when
//! [`MemoryLog::settle`] is called; so a reader that waits on an otherwise idle log receives it eventually.
//! Headers are kept on request, for tests of what they carry.
//! It deliberately has no bound on its queue, and does not survive the process.

mod faults;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use loopledger_types::{Partition, Service, Topic};
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

pub use faults::{FaultPlan, FaultReport};
use state::{Outcome, State};

use crate::{AppendError, Appending, Ending, EventLog, LogReader, LogRecord, Offset, ReadError, Record};

/// One producer's handle of a log in memory. Clones are the same producer; [`MemoryLog::producer`] makes another.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
    producer: u64,
}

#[derive(Debug)]
struct Shared {
    partition_count: u32,
    keeps_headers: bool,
    state: Mutex<State>,
}

impl MemoryLog {
    /// An empty log without faults.
    pub fn new(partition_count: u32) -> Self {
        Self::build(partition_count, 0, FaultPlan::NONE, false)
    }

    /// An empty log without faults that gives headers back, as Kafka does.
    pub fn keeping_headers(partition_count: u32) -> Self {
        Self::build(partition_count, 0, FaultPlan::NONE, true)
    }

    /// An empty log of 64 partitions with faults.
    pub fn with_faults(seed: u64, plan: FaultPlan) -> Self {
        Self::build(64, seed, plan, false)
    }

    fn build(partition_count: u32, seed: u64, plan: FaultPlan, keeps_headers: bool) -> Self {
        let lanes = usize::try_from(partition_count).unwrap_or(usize::MAX).saturating_mul(Service::ALL.len());
        let state = Mutex::new(State::new(lanes, seed, plan));
        Self { shared: Arc::new(Shared { partition_count, keeps_headers, state }), producer: 0 }
    }

    /// Another producer on the same log: its records keep their order among themselves, not with those of others.
    #[must_use]
    pub fn producer(&self) -> Self {
        let mut state = self.shared.lock();
        let producer = state.producers;
        state.producers = producer.saturating_add(1);
        drop(state);
        Self { shared: Arc::clone(&self.shared), producer }
    }

    /// Plays other faults from now on.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.shared.lock().plan = plan;
    }

    /// What has struck so far.
    pub fn report(&self) -> FaultReport {
        self.shared.lock().report
    }

    /// Lets everything land that is held.
    pub fn settle(&self) {
        let mut state = self.shared.lock();
        for lane in 0..state.lane_count() {
            while state.release_one(lane) {}
        }
    }

    /// Loses the tail from `to` on, durable or not. Readers beyond it get [`ReadError::OffsetOutOfRange`].
    pub fn truncate(&self, topic: Topic, partition: Partition, to: Offset) -> Result<(), ReadError> {
        let lane = self.shared.lane(topic, partition)?;
        self.shared.lock().truncate(lane, to)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, topic: Topic, partition: Partition) -> Result<usize, ReadError> {
        if partition.0 >= self.partition_count {
            return Err(ReadError::NoSuchPartition { topic, partition });
        }
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(topic.0.index().saturating_mul(index(self.partition_count)).saturating_add(index(partition.0)))
    }

    /// Waits for a held record to land, and sees to it that it does.
    async fn landed(&self, lane: usize, mut landed: oneshot::Receiver<Offset>) -> Result<Offset, AppendError> {
        loop {
            match landed.try_recv() {
                Ok(offset) => return Ok(offset),
                Err(oneshot::error::TryRecvError::Closed) => return Err(AppendError::Closed),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            yield_now().await;
            self.lock().release_sometimes(lane);
        }
    }
}

impl EventLog for MemoryLog {
    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        let Ok(lane) = self.shared.lane(topic, partition) else {
            let refused = records.iter().map(|_| Err(AppendError::NoSuchPartition { topic, partition })).collect();
            return ready(refused).boxed();
        };
        let mut state = self.shared.lock();
        let accept = |mut record: Record| {
            if !self.shared.keeps_headers {
                record.headers = Vec::new();
            }
            state.accept(lane, self.producer, &record)
        };
        let outcomes: Vec<Outcome> = records.into_iter().map(accept).collect();
        state.release_sometimes(lane);
        drop(state);
        let shared = Arc::clone(&self.shared);
        async move {
            let mut results = Vec::with_capacity(outcomes.len());
            for outcome in outcomes {
                results.push(match outcome {
                    Outcome::Done(result) => result,
                    Outcome::Held(landed) => shared.landed(lane, landed).await,
                });
            }
            results
        }
        .boxed()
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        let lane = self.shared.lane(topic, partition)?;
        let mut state = self.shared.lock();
        state.check(lane, from)?;
        let activity = state.activity(lane);
        drop(state);
        Ok(Box::new(MemoryReader { shared: Arc::clone(&self.shared), lane, position: from, activity }))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        ready(self.shared.lane(topic, partition).map(|lane| self.shared.lock().end(lane))).boxed()
    }

    fn partition_count(&self, _topic: Topic) -> u32 {
        self.shared.partition_count
    }

    fn durability(&self) -> &'static str {
        "memory"
    }

    fn keeps_headers(&self) -> bool {
        self.shared.keeps_headers
    }
}

#[derive(Debug)]
struct MemoryReader {
    shared: Arc<Shared>,
    lane: usize,
    position: Offset,
    activity: Arc<Notify>,
}

impl MemoryReader {
    fn take(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        let batch = self.shared.lock().batch(self.lane, self.position)?;
        if let Some(last) = batch.last() {
            self.position = last.next;
        }
        Ok(batch)
    }
}

impl LogReader for MemoryReader {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>> {
        async move {
            let activity = Arc::clone(&self.activity);
            loop {
                // Made before looking, so that it hears of everything that lands from here on.
                let more = activity.notified();
                let batch = self.take()?;
                if !batch.is_empty() {
                    return Ok(batch);
                }
                if self.shared.lock().holds_any(self.lane) {
                    yield_now().await;
                    self.shared.lock().release_sometimes(self.lane);
                } else {
                    more.await;
                }
            }
        }
        .boxed()
    }

    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        let batch = self.take()?;
        if batch.is_empty() {
            self.shared.lock().release_sometimes(self.lane);
        }
        Ok(batch)
    }
}
