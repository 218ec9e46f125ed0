//! The embedded log: append-only segment files, synced before anything in them can be read. One process.
//!
//! `<dir>/lock`, `<dir>/log.meta`, `<dir>/<topic>/<partition>/<base offset, 20 digits>.log`. An offset is a logical
//! byte position, segment base + place in the file, so seeking needs no index.
//! What it deliberately does not do: delete or compact anything, keep keys and headers, serve several processes.

mod disk;
mod format;
mod lock;
mod open;
mod partition;
mod queue;
mod reader;
mod recover;
mod writer;

use core::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::ready;
use loopledger_types::{Partition, Topic};
use tokio::sync::watch;

pub use disk::{FaultPoint, IoFault, IoOperation};
pub use open::{FileLogOptions, OpenReport, PointHook};
pub use recover::TornTail;
pub use writer::{AFTER_SYNC, AFTER_WRITE};

use disk::Disk;
use lock::Lock;
use partition::PartitionFiles;
use queue::{Queue, Queued};
use reader::FileReader;
use writer::{Writer, WriterState};

use crate::{AppendError, Appending, Ending, EventLog, LogReader, Offset, RECORD_BYTES_MAX, ReadError, Record};

/// The log in files. Dropping it writes what is queued, blocks until that is done, and lets the next process in; its
/// readers end with [`ReadError::Closed`] once they have seen everything. Reading is done on the reader's own thread.
pub struct FileLog {
    options: FileLogOptions,
    /// By topic, then partition.
    lanes: Vec<Lane>,
    /// Dropped after the writers have ended.
    _lock: Lock,
}

/// One partition.
#[derive(Debug)]
struct Lane {
    files: Arc<PartitionFiles>,
    queue: Arc<Queue>,
    durable: watch::Sender<u64>,
    /// Started by the first append.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for FileLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLog").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.queue.close();
        }
        for lane in &self.lanes {
            let writer = lane.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            if writer.is_some_and(|writer| writer.join().is_err()) {
                tracing::error!(dir = %lane.files.dir().display(), "the writer thread of a partition panicked");
            }
        }
    }
}

impl Lane {
    fn new(files: PartitionFiles, end: u64) -> Self {
        Self {
            files: Arc::new(files),
            queue: Arc::default(),
            durable: watch::Sender::new(end),
            writer: Mutex::new(None),
        }
    }

    fn start_writer(&self, options: &FileLogOptions) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            let work = Writer {
                files: Arc::clone(&self.files),
                queue: Arc::clone(&self.queue),
                durable: self.durable.clone(),
                disk: Disk { faults: options.faults.clone() },
                segment_bytes: options.segment_bytes,
                on_point: options.on_point.clone(),
                state: WriterState::default(),
            };
            let name = format!("log-{}-{}", self.files.topic.0, self.files.partition.0);
            *writer = Some(std::thread::Builder::new().name(name).spawn(move || work.run())?);
        }
        Ok(())
    }
}

impl FileLog {
    fn lane(&self, topic: Topic, partition: Partition) -> Option<&Lane> {
        let count = usize::try_from(self.options.partition_count).ok()?;
        let number = usize::try_from(partition.0).ok().filter(|number| *number < count)?;
        self.lanes.get(topic.0.index().checked_mul(count)?.checked_add(number)?)
    }

    fn enqueue(&self, topic: Topic, partition: Partition, values: Vec<Bytes>) -> Queued {
        let refuse = |count, why| Queued { parts: Vec::new(), refused: Some((count, why)) };
        let Some(lane) = self.lane(topic, partition) else {
            return refuse(values.len(), AppendError::NoSuchPartition { topic, partition });
        };
        match lane.start_writer(&self.options) {
            Ok(()) => lane.queue.push(values),
            Err(error) => refuse(values.len(), AppendError::io("start the writer thread of", lane.files.dir(), error)),
        }
    }
}

impl EventLog for FileLog {
    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending {
        let mut too_large = Vec::new();
        let mut values = Vec::with_capacity(records.len());
        for (index, record) in records.into_iter().enumerate() {
            let bytes = record.value.len();
            if bytes > RECORD_BYTES_MAX {
                too_large.push((index, AppendError::TooLarge { bytes }));
            } else {
                values.push(record.value);
            }
        }
        let queued = self.enqueue(topic, partition, values);
        async move {
            let mut results = Vec::new();
            for (count, part) in queued.parts {
                match part.await.unwrap_or(Err(AppendError::Closed)) {
                    Ok(offsets) => results.extend(offsets.into_iter().map(Ok)),
                    Err(error) => results.extend(std::iter::repeat_n(Err(error), count)),
                }
            }
            if let Some((count, why)) = queued.refused {
                results.extend(std::iter::repeat_n(Err(why), count));
            }
            for (index, error) in too_large {
                results.insert(index, Err(error));
            }
            results
        }
        .boxed()
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError> {
        let lane = self.lane(topic, partition).ok_or(ReadError::NoSuchPartition { topic, partition })?;
        Ok(Box::new(FileReader::open(Arc::clone(&lane.files), lane.durable.subscribe(), from)?))
    }

    fn end(&self, topic: Topic, partition: Partition) -> Ending {
        let lane = self.lane(topic, partition).ok_or(ReadError::NoSuchPartition { topic, partition });
        ready(lane.map(|lane| Offset(*lane.durable.borrow()))).boxed()
    }

    fn partition_count(&self, _topic: Topic) -> u32 {
        self.options.partition_count
    }

    fn durability(&self) -> &'static str {
        "fsync"
    }

    fn keeps_headers(&self) -> bool {
        false
    }
}
