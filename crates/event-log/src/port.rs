//! The log port: the trait that every implementation satisfies, its records and its bounds.

use core::fmt;
use std::borrow::Cow;

use bytes::Bytes;
use futures::future::BoxFuture;
use loopledger_types::{Key, Partition, Topic};

use crate::{AppendError, ReadError};

/// The longest value a record may have, in bytes: what one entry of a `tlog-tiles` bundle can hold.
/// A commit is bounded tighter (60 KiB), by admission.
pub const RECORD_BYTES_MAX: usize = 65_535;

/// The most records that one read returns: what a follower can fold between two looks at its other inputs.
pub const READ_BATCH_RECORDS_MAX: usize = 4_096;

/// The most bytes of values that one read returns, and the size of the file log's read buffer.
pub const READ_BATCH_BYTES_MAX: usize = 256 * 1_024;

/// The most bytes that wait to be written in one partition; beyond it an append is [`AppendError::Busy`].
/// About a third of a second of a fast disk, and far beyond what a writer keeps in flight.
pub const APPEND_QUEUE_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// A position in a partition. Ascending, but with holes: it counts nothing, and only 0 and values that the log gave
/// out ([`LogRecord::offset`], [`LogRecord::next`], [`EventLog::end`]) may be read from.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// Where every partition begins.
    pub const START: Self = Self(0);
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Advisory metadata beside a record (`CloudEvents` attributes, `traceparent`). Admission never reads it.
pub type Headers = Vec<(Cow<'static, str>, Bytes)>;

/// What is appended. The key chose the partition already; Kafka keeps it for other consumers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Key,
    pub headers: Headers,
    pub value: Bytes,
}

/// What is read. `value` may share memory with its neighbours of up to [`READ_BATCH_BYTES_MAX`]: who keeps a few
/// records for long copies them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    pub offset: Offset,
    /// Where reading resumes after this record.
    pub next: Offset,
    /// Empty unless the log [keeps headers](EventLog::keeps_headers).
    pub headers: Headers,
    pub value: Bytes,
}

/// An append under way: what became of each of its records, in their order.
pub type Appending = BoxFuture<'static, Vec<Result<Offset, AppendError>>>;

/// The question for an end under way.
pub type Ending = BoxFuture<'static, Result<Offset, ReadError>>;

/// A totally ordered, append-only log per (topic, partition). Everything else is derived.
pub trait EventLog: Send + Sync + fmt::Debug + 'static {
    /// Queues the records, in order and before it returns; the future resolves when each is durable under the log's
    /// policy, or has failed. Dropping the future takes nothing back.
    ///
    /// A record may have been applied even if its append reports failure. A call is not atomic: some of its records
    /// may land and others not, but those that land keep their order. Beyond [`APPEND_QUEUE_BYTES_MAX`] of waiting
    /// bytes the first record that does not fit, and all that follow it in the call, are [`AppendError::Busy`] and were
    /// certainly not applied.
    fn append(&self, topic: Topic, partition: Partition, records: Vec<Record>) -> Appending;

    /// Reads from `from` on, in order, then live. Only durable records are ever seen.
    fn read(&self, topic: Topic, partition: Partition, from: Offset) -> Result<Box<dyn LogReader>, ReadError>;

    /// The offset after the last durable record.
    fn end(&self, topic: Topic, partition: Partition) -> Ending;

    /// How many partitions the topic has, for ever.
    fn partition_count(&self, topic: Topic) -> u32;

    /// What "durable" means here, for `status`, e.g. "fsync".
    fn durability(&self) -> &'static str;

    /// Whether readers get the headers back. False for the embedded logs: headers are advisory, and nothing but traces
    /// and foreign Kafka consumers reads them.
    fn keeps_headers(&self) -> bool;
}

/// One reader's place in one partition.
pub trait LogReader: Send {
    /// Waits for at least one record, and returns at most [`READ_BATCH_RECORDS_MAX`] records or
    /// [`READ_BATCH_BYTES_MAX`] bytes. Cancel-safe: a dropped future has consumed nothing. After an error the reader
    /// stands where it stood.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<LogRecord>, ReadError>>;

    /// What is there now, within the same bounds, without waiting for more; empty at the end of the log.
    fn poll_now(&mut self) -> Result<Vec<LogRecord>, ReadError>;

    /// From now on reads what the disk has, and not what the system remembers of it, where the two can differ.
    fn read_from_disk(&mut self) {}

    /// The headers of records before this offset are not needed, so a log that has to unpack them may omit them.
    fn spare_headers_before(&mut self, _offset: Offset) {}
}
