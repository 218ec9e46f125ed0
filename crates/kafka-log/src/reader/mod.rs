//! A reader of one partition: a thread that fetches, and a short queue to its consumer.
//!
//! It uses `assign()` and never `subscribe()`: the caller decides where to read, and rebalancing of a consumer group has
//! permanently revoked partitions from readers before.

mod batch;
mod fetch;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use futures::FutureExt;
use futures::future::BoxFuture;
use loopledger_event_log::{LogReader, LogRecord, Offset, ReadError};
use tokio::sync::mpsc;

pub(crate) use fetch::Cluster;
use fetch::Fetcher;

use crate::lanes::LaneId;

/// Batches queued between the thread and the reader: one to take, one to come.
const QUEUE_BATCHES: usize = 2;

type Batches = mpsc::Receiver<Result<Vec<LogRecord>, ReadError>>;

/// Dropping it ends its thread, some time later.
#[derive(Debug)]
pub(crate) struct KafkaReader {
    batches: Batches,
    /// The offset of the first record whose headers may be needed.
    headers_from: Arc<AtomicU64>,
}

impl KafkaReader {
    pub(crate) fn open(cluster: Cluster, lane_id: LaneId, from: Offset) -> Result<Self, ReadError> {
        let (sender, batches) = mpsc::channel(QUEUE_BATCHES);
        let name = format!("kafka-read-{}-{}", lane_id.topic.0, lane_id.partition);
        let headers_from = Arc::new(AtomicU64::new(0));
        let fetcher = Fetcher::new(cluster, lane_id, from, sender, Arc::clone(&headers_from));
        thread::Builder::new().name(name).spawn(move || fetcher.run()).map_err(|error| ReadError::Unavailable {
            reason: format!("the reader thread could not be started: {error}"),
        })?;
        Ok(Self { batches, headers_from })
    }
}

impl LogReader for KafkaReader {
    // Receiving is cancel-safe, and batches are bounded where they are made.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>> {
        async { self.batches.recv().await.unwrap_or(Err(ReadError::Closed)) }.boxed()
    }

    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError> {
        match self.batches.try_recv() {
            Ok(batch) => batch,
            Err(mpsc::error::TryRecvError::Empty) => Ok(Vec::new()),
            Err(mpsc::error::TryRecvError::Disconnected) => Err(ReadError::Closed),
        }
    }

    // Batches that wait already keep theirs.
    fn spare_headers_before(&mut self, offset: Offset) {
        self.headers_from.store(offset.0, Ordering::Relaxed);
    }
}
