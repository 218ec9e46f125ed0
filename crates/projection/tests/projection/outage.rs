//! A log that cannot be read for a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use loopledger_event_log::{Decorator, EventLog, LogReader, LogRecord, MemoryLog, Offset, ReadError};
use loopledger_projection::{StoragePlace, StreamHealth};
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::feed::Feed;
use loopledger_state_store::Memory;
use loopledger_types::{Partition, Service, Topic};
use loopledger_wire::position_to_pb;
use tokio::time::timeout;

use crate::world::{HISTORY, PARTITIONS, World, append, position};

/// How long the test waits for what must come: a failure, not a pace.
const PATIENCE: Duration = Duration::from_mins(1);

/// A log whose readers fail once on request.
#[derive(Debug)]
struct Faltering {
    log: MemoryLog,
    fails: Arc<AtomicBool>,
}

impl Decorator for Faltering {
    fn inner(&self) -> &dyn EventLog {
        &self.log
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        let reader = self.log.read(topic, partition, from)?;
        let fails = if topic == Service::Sales.topic() { Arc::clone(&self.fails) } else { Arc::default() };
        Ok(Box::new(FalteringReader { reader, fails }))
    }
}

struct FalteringReader {
    reader: Box<dyn LogReader>,
    fails: Arc<AtomicBool>,
}

impl LogReader for FalteringReader {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>> {
        if self.fails.swap(false, Ordering::Relaxed) {
            return ready(Err(ReadError::Unavailable { reason: "a broker went away".to_owned() })).boxed();
        }
        self.reader.next()
    }

    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        self.reader.poll_now()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_read_again_says_so_at_once() {
    let (mut records, count) = (HISTORY.records().to_vec(), HISTORY.commits(Service::Sales).len());
    // No commit of another stream names it.
    let last = records.remove(records.iter().rposition(|(service, _)| *service == Service::Sales).unwrap());
    let (log, fails) = (MemoryLog::new(PARTITIONS), Arc::<AtomicBool>::default());
    append(&log, &records).await;
    let faltering = Arc::new(Faltering { log: log.clone(), fails: Arc::clone(&fails) });
    let world = World::start_on(Feed::new(faltering), StoragePlace::Memory(Memory::new())).await;
    assert!(world.projection.caught_up().await.is_serving());

    // The read under way returns a void record, and the one after it fails.
    fails.store(true, Ordering::Relaxed);
    append(&log, &[(Service::Sales, b"void".to_vec())]).await;
    let mut health = world.projection.health();
    let is_out = |health: &StreamHealth| matches!(health, StreamHealth::LogUnavailable { .. });
    let out = health.wait_for(|health| is_out(health.stream(Service::Sales)));
    drop(timeout(PATIENCE, out).await.expect("a read that fails").unwrap());

    append(&log, &[last]).await;
    let known = vec![position_to_pb(position(Service::Sales, count))];
    world
        .ledger()
        .r#await(pb::AwaitRequest { positions: known, consequences: false, ..pb::AwaitRequest::default() })
        .await
        .unwrap();
    assert_eq!(health.borrow().stream(Service::Sales), &StreamHealth::Serving);
}
