//! A log that cannot be read for a while, and a store that takes its time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use loopledger_event_log::{AppendError, EventLog, LogReader, MemoryLog, Offset, ReadError, Record};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Writer, WriterConfig};
use loopledger_state_store::{MAX_CHANGES, Memory, MemoryStore};
use loopledger_types::{Partition, Service, Topic};

use crate::peer::{Command, Left, Right};
use crate::world::{COUNTY, add, after, clock, in_time, start, write};

/// Nobody learns where it ends until that was asked a few times; one topic may not be readable at all.
#[derive(Debug)]
struct Unreadable {
    log: MemoryLog,
    failures_left: AtomicU32,
    withheld: Mutex<Option<Topic>>,
}

impl Unreadable {
    fn new(log: MemoryLog, failures: u32, withheld: Option<Topic>) -> Arc<Self> {
        Arc::new(Self { log, failures_left: AtomicU32::new(failures), withheld: Mutex::new(withheld) })
    }
}

impl EventLog for Unreadable {
    fn append(
        &self,
        topic: Topic,
        partition: Partition,
        records: Vec<Record>,
    ) -> BoxFuture<'static, Vec<Result<Offset, AppendError>>> {
        self.log.append(topic, partition, records)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        if *self.withheld.lock().unwrap() == Some(topic) {
            return Err(ReadError::Unavailable { reason: "no broker answers".into() });
        }
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
    let log = Unreadable::new(MemoryLog::new(8), 5, None);
    let store = Arc::new(MemoryStore::new(Memory::new()));
    let feed = Feed::new(Arc::clone(&log) as Arc<dyn EventLog>);
    let writer: Writer<Left> = Writer::start(COUNTY, feed, store, clock(), WriterConfig::default());
    writer.handle().serving().await.unwrap();
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    assert_eq!(log.failures_left.load(Ordering::Relaxed), 0);
}

/// Without its store, a writer reads its own stream far ahead of what upstream has to say first.
#[tokio::test(start_paused = true)]
async fn what_is_folded_again_at_once_is_no_more_than_a_slow_store_takes() {
    let log = MemoryLog::new(8);
    let right: Writer<Right> = start(&log, &Memory::new(), WriterConfig::default());
    let left: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    let first = right.handle().submit(write(0, Command::Talk { bytes: 5 }), in_time()).await.unwrap().position;
    // Each changes an account of its own, and is a request.
    let count = u64::try_from(MAX_CHANGES).unwrap();
    left.handle().submit(after(add(0, 0, 1), vec![first]), in_time()).await.unwrap();
    let (mut ordered, mut answers) = left.handle().ordered();
    let send = async {
        for number in 1..count {
            ordered.submit(add(number, number, 1), None).await;
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
    let log = Unreadable::new(log, 0, Some(Topic(Service::Distribution)));
    let feed = Feed::new(Arc::clone(&log) as Arc<dyn EventLog>);
    let store = Arc::new(MemoryStore::new(slow));
    let left: Writer<Left> = Writer::start(COUNTY, feed, store, clock(), WriterConfig::default());
    // Time goes by only when nobody has anything to do: as much of the own stream is read as may wait.
    tokio::time::sleep(Duration::from_secs(1)).await;
    *log.withheld.lock().unwrap() = None;
    left.handle().serving().await.unwrap();
    assert_eq!(left.handle().metrics().foreign_commits_total.get(), count);
    left.handle().submit(add(count, 1, 1), in_time()).await.unwrap();
}
