//! One partition read once for all its followers in this process.
//!
//! A task reads when the fastest follower asks for more, so a partition without followers costs nothing, and what
//! it read stays in a bounded cache for the others. A follower outside the cache reads for itself.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loopledger_event_log::{EventLog, LogReader, LogRecord, Offset, ReadError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::timeout;

use super::contact::{Contact, Followed};
use super::record::{Batch, LogPartition};

/// Bytes of records (decoded commits are a few times as large) kept for slower followers: about 10,000 commits, some
/// tens of milliseconds of replay.
const CACHE_BYTES_MAX: usize = 4 * 1_024 * 1_024;
/// After so long without a record the cache is let go: by then its followers have what was in it.
const IDLE: Duration = Duration::from_secs(2);

/// What a follower finds at its offset.
pub(crate) enum Look {
    Cached(Arc<Batch>),
    /// The read that the follower waited for failed.
    Failed(ReadError),
    /// Nothing yet; it was asked for.
    Awaited,
    /// The cache is elsewhere.
    Elsewhere,
}

#[derive(Debug)]
pub(crate) struct Source {
    partition: LogPartition,
    cache: Mutex<Cache>,
    /// Wakes the followers when a read returned, in the order in which they began to wait: `watch` would wake them in a
    /// random order, and a simulation could not be replayed.
    arrived: Notify,
    wanted: Notify,
    /// The headers of records before this offset are not needed.
    traces_from: AtomicU64,
    contact: Arc<Contact>,
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
    pub(crate) fn new(partition: LogPartition, contact: Arc<Contact>) -> Self {
        Self {
            partition,
            cache: Mutex::default(),
            arrived: Notify::new(),
            wanted: Notify::new(),
            traces_from: AtomicU64::new(0),
            contact,
        }
    }

    /// Resolves when a read returns from now on.
    pub(crate) fn arrival(&self) -> Notified<'_> {
        self.arrived.notified()
    }

    pub(crate) fn spare_traces_before(&self, offset: Offset) {
        self.traces_from.store(offset.0, Ordering::Relaxed);
    }

    /// The failures so far, for a follower that begins.
    pub(crate) fn failures(&self) -> u64 {
        self.lock().failures
    }

    /// What there is at `from`. `failures_seen` is what this follower knows of already.
    pub(crate) fn look(&self, from: Offset, failures_seen: &mut u64) -> Look {
        let mut cache = self.lock();
        let tip = *cache.tip.get_or_insert_with(|| {
            self.contact.begin(self.followed(), from);
            from
        });
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

    /// Reads whenever a follower wants more; ends only by being aborted.
    pub(crate) async fn run(self: Arc<Self>, log: Arc<dyn EventLog>) {
        let mut reader: Option<Box<dyn LogReader>> = None;
        loop {
            self.wanted.notified().await;
            let Some(tip) = self.lock().tip else { continue };
            let read = match &mut reader {
                Some(reader) => self.next(reader).await,
                None => match log.read(self.partition.topic, self.partition.partition, tip) {
                    Ok(opened) => self.next(reader.insert(opened)).await,
                    Err(error) => Err(error),
                },
            };
            match read {
                Ok(read) => self.push(Batch::new(tip, read, self.partition)),
                Err(error) => self.fail(error),
            }
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
        let mut cache = self.lock();
        cache.batches = VecDeque::new();
        cache.bytes = 0;
    }

    const fn followed(&self) -> Followed {
        (self.partition.topic, self.partition.partition)
    }

    fn push(&self, batch: Batch) {
        self.contact.read(self.followed(), batch.next);
        let mut cache = self.lock();
        cache.tip = Some(batch.next);
        cache.bytes = cache.bytes.saturating_add(batch.bytes);
        cache.batches.push_back(Arc::new(batch));
        while cache.bytes > CACHE_BYTES_MAX && cache.batches.len() > 1 {
            let dropped = cache.batches.pop_front().map_or(0, |batch| batch.bytes);
            cache.bytes = cache.bytes.saturating_sub(dropped);
        }
        drop(cache);
        self.arrived.notify_waiters();
    }

    fn fail(&self, error: ReadError) {
        self.contact.read_failed(self.followed(), &error);
        let mut cache = self.lock();
        cache.failures = cache.failures.saturating_add(1);
        cache.failure = Some(error);
        drop(cache);
        self.arrived.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use loopledger_event_log::{MemoryLog, Record};
    use loopledger_types::{CountyCode, Key, Partition, Service, Topic};

    use super::*;

    /// An idle county would otherwise hold some tens of megabytes of commits that everybody has seen.
    #[tokio::test(start_paused = true)]
    async fn the_cache_is_let_go_when_nothing_comes() {
        let (topic, partition) = (Topic(Service::Station), Partition(0));
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(1));
        let record = || Record { key: Key(CountyCode::TUOLI), headers: Vec::new(), value: Bytes::from_static(b"any") };
        let source = Arc::new(Source::new(
            LogPartition { topic, partition, partition_count: 1, decode: loopledger_wire::decode_commit },
            Arc::new(Contact::new(&*log)),
        ));
        let running = tokio::spawn(Arc::clone(&source).run(Arc::clone(&log)));
        for round in 0..2 {
            assert!(log.append(topic, partition, vec![record()]).await.iter().all(Result::is_ok));
            let end = source.lock().tip.unwrap_or(Offset::START);
            let arrival = source.arrival();
            assert!(matches!(source.look(end, &mut 0), Look::Awaited), "round {round}");
            arrival.await;
            assert!(matches!(source.look(end, &mut 0), Look::Cached(_)), "round {round}");
            let mut steps = 0..10;
            while !source.lock().batches.is_empty() {
                steps.next().expect("it is let go some steps after the time has come");
                tokio::time::advance(IDLE).await;
                tokio::task::yield_now().await;
            }
            assert!(matches!(source.look(end, &mut 0), Look::Elsewhere), "a slow follower reads for itself");
        }
        running.abort();
    }
}
