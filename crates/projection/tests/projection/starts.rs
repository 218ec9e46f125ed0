//! A projection that starts while the log cannot be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt as _;
use futures::future::ready;
use loopledger_event_log::{Decorator, Ending, EventLog, LogReader, MemoryLog, Offset, ReadError};
use loopledger_projection::{StartReport, StoragePlace};
use loopledger_service::feed::Feed;
use loopledger_state_store::Memory;
use loopledger_types::{Partition, Topic};

use crate::world::{LEDGER, World, digests, full_log};

/// So many questions and reads fail before one is answered.
#[derive(Debug)]
struct Away {
    log: MemoryLog,
    ends: AtomicU32,
    reads: AtomicU32,
}

fn is_away(left: &AtomicU32) -> Result<(), ReadError> {
    let counted = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    counted.map_or(Ok(()), |_| Err(ReadError::Unavailable { reason: "no broker answers".into() }))
}

impl Decorator for Away {
    fn inner(&self) -> &dyn EventLog {
        &self.log
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        is_away(&self.reads)?;
        self.log.read(topic, partition, from)
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        match is_away(&self.ends) {
            Ok(()) => self.log.end(topic, partition),
            Err(error) => ready(Err(error)).boxed(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_that_starts_in_an_outage_goes_on_when_it_is_over() {
    let (log, memory) = (full_log().await, Memory::new());
    let world = World::start(&log, StoragePlace::Memory(memory.clone())).await;
    world.settled().await;
    world.projection.shutdown().await;
    // Each stream asks where the log ends twice, and reads the record of its head in between.
    for (ends, reads) in [(1, 0), (2, 0), (0, 1), (0, 2), (3, 3)] {
        println!("{ends} questions and {reads} reads fail");
        let away = Away { log: log.clone(), ends: AtomicU32::new(ends), reads: AtomicU32::new(reads) };
        let away = Arc::new(away);
        let feed = Feed::new(Arc::clone(&away) as Arc<dyn EventLog>);
        let world = World::start_on(feed, StoragePlace::Memory(memory.clone())).await;
        assert!(matches!(world.projection.report(), StartReport::Loaded { .. }));
        let health = world.projection.caught_up().await;
        assert!(health.is_serving(), "{health:?}");
        let (ledger, state) = digests(&LEDGER);
        let status = world.status().await;
        assert_eq!((status.ledger_digest, status.state_digest), (ledger.0.to_vec(), state.0.to_vec()));
        assert_eq!(world.projection.metrics().commits_total.get(), 0, "from the checkpoint");
        assert!(world.projection.metrics().read_failures_total.get() >= 1);
        world.projection.shutdown().await;
    }
}
