//! The log port: a totally ordered, append-only log per topic and partition, and two implementations of it.
//!
//! * [`FileLog`], the embedded default: segment files, group-committed `fdatasync` before a record is readable.
//! * [`MemoryLog`], for tests and simulation, with seeded faults. [`Decorator`] decorates any log to inject failures.
//!
//! `conformance` (a cargo feature) is the suite that every implementation passes.
//! Not here: admission, decoding, streams. The log carries bytes and knows nothing of commits.

#[cfg(feature = "conformance")]
pub mod conformance;
mod decorator;
mod error;
mod file;
mod memory;
mod port;

pub use decorator::Decorator;
pub use error::{AppendError, OpenError, ReadError};
pub use file::{
    AFTER_SYNC, AFTER_WRITE, FaultPoint, FileLog, FileLogOptions, IoFault, IoOperation, OpenReport, PointHook, TornTail,
};
pub use memory::{FaultPlan, FaultReport, MemoryLog};
pub use port::{
    APPEND_QUEUE_BYTES_MAX, Appending, Ending, EventLog, Headers, LogReader, LogRecord, Offset, READ_BATCH_BYTES_MAX,
    READ_BATCH_RECORDS_MAX, RECORD_BYTES_MAX, Record,
};
