//! A log that cannot be read, or written, for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use loopledger_event_log::{AppendError, EventLog, LogReader, MemoryLog, Offset, ReadError, Record};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Health, WriteError, Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore};
use loopledger_types::{Partition, Service, Topic};
use tokio::time::Instant;

use crate::peer::Left;
use crate::world::{COUNTY, add, clock, commits, in_time};

/// Nobody learns where it ends until that was asked a few times.
#[derive(Debug)]
struct Unreadable {
    log: MemoryLog,
    failures_left: AtomicU32,
    is_full: AtomicBool,
}

fn unreadable(failures_left: u32) -> Arc<Unreadable> {
    let (failures_left, is_full) = (AtomicU32::new(failures_left), AtomicBool::new(false));
    Arc::new(Unreadable { log: MemoryLog::new(8), failures_left, is_full })
}

fn start(log: &Arc<Unreadable>) -> Writer<Left> {
    let store = Arc::new(MemoryStore::new(Memory::new()));
    let feed = Feed::new(Arc::clone(log) as Arc<dyn EventLog>);
    Writer::start(COUNTY, feed, store, clock(), WriterConfig::default())
}

impl EventLog for Unreadable {
    fn append(
        &self,
        topic: Topic,
        partition: Partition,
        records: Vec<Record>,
    ) -> BoxFuture<'static, Vec<Result<Offset, AppendError>>> {
        if self.is_full.load(Ordering::Relaxed) {
            let full = AppendError::OutOfSpace { path: "log".into() };
            return ready(records.iter().map(|_| Err(full.clone())).collect()).boxed();
        }
        self.log.append(topic, partition, records)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        self.log.read(topic, partition, from)
    }

    fn end(&self, topic: Topic, partition: Partition) -> BoxFuture<'static, Result<Offset, ReadError>> {
        let left = self.failures_left.load(Ordering::Relaxed);
        if left > 0 {
            self.failures_left.store(left - 1, Ordering::Relaxed);
            return ready(Err(ReadError::Unavailable { reason: "no broker answers".into() })).boxed();
        }
        self.log.end(topic, partition)
    }

    fn partition_count(&self, topic: Topic) -> u32 {
        self.log.partition_count(topic)
    }

    fn durability(&self) -> &'static str {
        self.log.durability()
    }

    fn keeps_headers(&self) -> bool {
        self.log.keeps_headers()
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_starts_in_an_outage_serves_when_it_is_over() {
    let log = unreadable(5);
    let writer = start(&log);
    writer.handle().serving().await.unwrap();
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    assert_eq!(log.failures_left.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_log_without_space_is_said_within_the_deadline_and_takes_everything_once_there_is_some() {
    let log = unreadable(0);
    let writer = start(&log);
    let handle = writer.handle();
    handle.submit(add(1, 1, 1), in_time()).await.unwrap();
    log.is_full.store(true, Ordering::Relaxed);
    // What was decided before it was known, and what comes later.
    for number in 2..5 {
        let began = Instant::now();
        let deadline = began.checked_add(Duration::from_secs(2));
        let refused = handle.submit(add(number, 1, 1), deadline).await;
        assert!(matches!(refused, Err(WriteError::LogUnavailable)), "{refused:?}");
        assert!(began.elapsed() <= Duration::from_secs(2));
    }
    assert_eq!(handle.metrics().log_unavailable.get(), 1);
    assert!(matches!(*handle.health().borrow(), Health::Serving), "it is tried again all the time");
    log.is_full.store(false, Ordering::Relaxed);
    for number in 2..5 {
        handle.submit(add(number, 1, 1), in_time()).await.unwrap();
    }
    assert_eq!(handle.metrics().log_unavailable.get(), 0);
    let log_says = commits(&log.log, Service::Station).await;
    assert_eq!(log_says.len(), 4, "each once");
}
