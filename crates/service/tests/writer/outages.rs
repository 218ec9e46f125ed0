//! A log that cannot be read, or written, for a while; and a store that takes its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::ready;
use loopledger_event_log::{
    AppendError, Appending, Decorator, Ending, EventLog, LogReader, MemoryLog, Offset, ReadError, Record,
};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Health, Ordered, WriteError, Writer, WriterConfig};
use loopledger_state_store::{MAX_CHANGES, Memory, MemoryStore};
use loopledger_types::{Partition, Service, Topic};
use tokio::time::Instant;

use crate::peer::{Command, Left, Right};
use crate::world::{self, COUNTY, add, after, clock, commits, in_time, pass, write};

/// Its end is reported only after a few questions, and it may be full; distribution's part may not be
/// readable at all.
#[derive(Debug)]
struct Unreadable {
    log: MemoryLog,
    failures_left: AtomicU32,
    is_full: AtomicBool,
    is_withheld: AtomicBool,
}

fn unreadable(log: MemoryLog, failures_left: u32) -> Arc<Unreadable> {
    let failures_left = AtomicU32::new(failures_left);
    Arc::new(Unreadable { log, failures_left, is_full: AtomicBool::new(false), is_withheld: AtomicBool::new(false) })
}

fn start(log: &Arc<Unreadable>, memory: Memory) -> Writer<Left> {
    let feed = Feed::new(Arc::clone(log) as Arc<dyn EventLog>);
    Writer::start(COUNTY, feed, Arc::new(MemoryStore::new(memory)), clock(), WriterConfig::default())
}

impl Decorator for Unreadable {
    fn inner(&self) -> &dyn EventLog {
        &self.log
    }

    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        if self.is_full.load(Ordering::Relaxed) {
            let full = AppendError::OutOfSpace { path: "log".into() };
            return ready(records.iter().map(|_| Err(full.clone())).collect()).boxed();
        }
        self.log.append(topic, partition, records)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        if topic == Topic(Service::Distribution) && self.is_withheld.load(Ordering::Relaxed) {
            return Err(ReadError::Unavailable { reason: "no broker answers".into() });
        }
        self.log.read(topic, partition, from)
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        let left = self.failures_left.load(Ordering::Relaxed);
        if left > 0 {
            self.failures_left.store(left - 1, Ordering::Relaxed);
            return ready(Err(ReadError::Unavailable { reason: "no broker answers".into() })).boxed();
        }
        self.log.end(topic, partition)
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_starts_in_an_outage_serves_when_it_is_over() {
    let log = unreadable(MemoryLog::new(8), 5);
    let writer = start(&log, Memory::new());
    writer.handle().serving().await.unwrap();
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    assert_eq!(log.failures_left.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_log_without_space_is_said_within_the_deadline_and_takes_everything_once_there_is_some() {
    let log = unreadable(MemoryLog::new(8), 0);
    let writer = start(&log, Memory::new());
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

/// Without its store, a writer reads its own stream far ahead of what upstream has to say first.
#[tokio::test(start_paused = true)]
async fn what_is_folded_again_at_once_is_no_more_than_a_slow_store_takes() {
    let log = MemoryLog::new(8);
    let right: Writer<Right> = world::start(&log, &Memory::new(), WriterConfig::default());
    let left: Writer<Left> = world::start(&log, &Memory::new(), WriterConfig::default());
    let first = right.handle().submit(write(0, Command::Talk { bytes: 5 }), in_time()).await.unwrap().position;
    // Each changes an account of its own, and is a request.
    let count = u64::try_from(MAX_CHANGES).unwrap();
    left.handle().submit(after(add(0, 0, 1), vec![first]), in_time()).await.unwrap();
    let (mut ordered, mut answers) = Ordered::open(None);
    let send = async {
        for number in 1..count {
            ordered.submit(left.handle(), add(number, number, 1), None).await;
        }
        drop(ordered);
    };
    let receive = async {
        while let Some(answer) = answers.next().await {
            answer.unwrap();
        }
    };
    tokio::join!(send, receive);
    left.shut_down().await;

    let slow = Memory::new();
    slow.set_slow(50);
    let log = unreadable(log, 0);
    log.is_withheld.store(true, Ordering::Relaxed);
    let left = start(&log, slow);
    // As much of the own stream is read as may wait.
    pass(Duration::from_secs(1)).await;
    log.is_withheld.store(false, Ordering::Relaxed);
    left.handle().serving().await.unwrap();
    assert_eq!(left.handle().metrics().foreign_commits_total.get(), count);
    left.handle().submit(add(count, 1, 1), in_time()).await.unwrap();
}
