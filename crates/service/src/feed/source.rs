//! One partition read once for all its followers in this process.
//!
//! A task reads when the fastest follower asks for more, so a partition that nobody follows costs nothing, and what
//! it read stays in a bounded cache for the others. A follower outside the cache reads for itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_event_log::{EventLog, LogReader, Offset, ReadError};
use tokio::sync::{Notify, watch};

use super::record::{Batch, Place};

/// Bytes of records (decoded commits are a few times as large) kept for slower followers: about 10,000 commits, some
/// tens of milliseconds of replay.
const CACHE_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// What a follower finds at its offset.
pub(super) enum Look {
    Cached(Arc<Batch>),
    /// The read that the follower waited for failed.
    Failed(ReadError),
    /// Nothing yet; it was asked for.
    Awaited,
    /// The cache is elsewhere.
    Elsewhere,
}

#[derive(Debug)]
pub(super) struct Source {
    place: Place,
    cache: Mutex<Cache>,
    /// Bumped when a read returned.
    arrived: watch::Sender<u64>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct Cache {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// Where the next read begins; `None` until the first follower says.
    tip: Option<Offset>,
    failures: u64,
    failure: Option<ReadError>,
}

impl Source {
    pub(super) fn new(place: Place) -> Self {
        Self { place, cache: Mutex::default(), arrived: watch::Sender::new(0), wanted: Notify::new() }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.arrived.subscribe()
    }

    /// The failures so far, for a follower that begins.
    pub(super) fn failures(&self) -> u64 {
        self.lock().failures
    }

    /// What there is at `from`. `failures_seen` is what this follower knows of already.
    pub(super) fn look(&self, from: Offset, failures_seen: &mut u64) -> Look {
        let mut cache = self.lock();
        let tip = *cache.tip.get_or_insert(from);
        if from == tip {
            if cache.failures > *failures_seen {
                *failures_seen = cache.failures;
                if let Some(failure) = cache.failure.clone() {
                    return Look::Failed(failure);
                }
            }
            self.wanted.notify_one();
            return Look::Awaited;
        }
        let at = cache.batches.partition_point(|batch| batch.next <= from);
        let found = cache.batches.get(at).filter(|batch| batch.start <= from).map(Arc::clone);
        if found.as_ref().is_some_and(|batch| batch.next == tip) {
            // The fastest follower took the newest batch: read on while it is busy with it.
            self.wanted.notify_one();
        }
        found.map_or(Look::Elsewhere, Look::Cached)
    }

    /// Reads whenever somebody wants more; ends only by being aborted.
    pub(super) async fn run(self: Arc<Self>, log: Arc<dyn EventLog>) {
        let mut reader: Option<Box<dyn LogReader>> = None;
        loop {
            self.wanted.notified().await;
            let Some(tip) = self.lock().tip else { continue };
            let read = match &mut reader {
                Some(reader) => reader.next().await,
                None => match log.read(self.place.topic, self.place.partition, tip) {
                    Ok(opened) => reader.insert(opened).next().await,
                    Err(error) => Err(error),
                },
            };
            match read {
                Ok(read) => self.push(Batch::new(tip, read, self.place)),
                Err(error) => self.fail(error),
            }
        }
    }

    fn push(&self, batch: Batch) {
        let mut cache = self.lock();
        cache.tip = Some(batch.next);
        cache.bytes = cache.bytes.saturating_add(batch.bytes);
        cache.batches.push_back(Arc::new(batch));
        while cache.bytes > CACHE_BYTES_MAX && cache.batches.len() > 1 {
            let dropped = cache.batches.pop_front().map_or(0, |batch| batch.bytes);
            cache.bytes = cache.bytes.saturating_sub(dropped);
        }
        drop(cache);
        self.arrived.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn fail(&self, error: ReadError) {
        let mut cache = self.lock();
        cache.failures = cache.failures.saturating_add(1);
        cache.failure = Some(error);
        drop(cache);
        self.arrived.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
