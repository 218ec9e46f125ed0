//! A log that cannot be read for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use loopledger_event_log::{AppendError, EventLog, LogReader, MemoryLog, Offset, ReadError, Record};
use loopledger_service::feed::Feed;
use loopledger_service::writer::{Writer, WriterConfig};
use loopledger_state_store::{Memory, MemoryStore};
use loopledger_types::{Partition, Topic};

use crate::peer::Left;
use crate::world::{COUNTY, add, clock, in_time};

/// Nobody learns where it ends until that was asked a few times.
#[derive(Debug)]
struct Unreadable {
    log: MemoryLog,
    failures_left: AtomicU32,
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
    let log = Arc::new(Unreadable { log: MemoryLog::new(8), failures_left: AtomicU32::new(5) });
    let store = Arc::new(MemoryStore::new(Memory::new()));
    let feed = Feed::new(Arc::clone(&log) as Arc<dyn EventLog>);
    let writer: Writer<Left> = Writer::start(COUNTY, feed, store, clock(), WriterConfig::default());
    writer.handle().serving().await.unwrap();
    writer.handle().submit(add(1, 1, 1), in_time()).await.unwrap();
    assert_eq!(log.failures_left.load(Ordering::Relaxed), 0);
}
