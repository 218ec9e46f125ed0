//! Errors of the log, each named by the operation that failed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use loopledger_types::{Partition, Topic};

use crate::{Offset, RECORD_BYTES_MAX};

/// Why a record was not confirmed. Unless stated otherwise it may be in the log all the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Not applied; a shorter queue helps.
    #[error("the append queue of this partition is full")]
    Busy,
    /// Not applied, and never will be.
    #[error("a record of {bytes} bytes exceeds the limit of {RECORD_BYTES_MAX}")]
    TooLarge { bytes: usize },
    /// Not applied, and never will be.
    #[error("{topic} has no partition {number}", number = .partition.0)]
    NoSuchPartition { topic: Topic, partition: Partition },
    /// Not applied; appends work again once there is space.
    #[error("no space left to write {path}", path = .path.display())]
    OutOfSpace { path: PathBuf },
    /// Worth another try.
    #[error("could not {action} {path}", path = .path.display())]
    Io { action: &'static str, path: PathBuf, source: Arc<io::Error> },
    /// After a failed sync the kernel may have dropped the pages and call the next sync a success, so none is tried:
    /// this partition takes nothing more until the log is opened again.
    #[error("could not sync {path}; its partition refuses appends until the log is reopened", path = .path.display())]
    SyncFailed { path: PathBuf, source: Arc<io::Error> },
    #[error("the log did not confirm the append: {reason}")]
    Unconfirmed { reason: String },
    #[error("the log is closed")]
    Closed,
}

impl AppendError {
    /// Whether appending the same bytes to this open log again can succeed.
    pub const fn can_retry(&self) -> bool {
        match self {
            Self::Busy | Self::OutOfSpace { .. } | Self::Io { .. } | Self::Unconfirmed { .. } => true,
            Self::TooLarge { .. } | Self::NoSuchPartition { .. } | Self::SyncFailed { .. } | Self::Closed => false,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::OutOfSpace { path: path.to_owned() }
        } else {
            Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
        }
    }
}

/// Why nothing could be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// An incident: what was durable is not there any more.
    #[error("the log is damaged at offset {offset}, in {segment}: {reason}", segment = .segment.display())]
    Damaged { segment: PathBuf, offset: Offset, reason: &'static str },
    #[error("offset {from} is beyond the end of the log, {end}")]
    OffsetOutOfRange { from: Offset, end: Offset },
    #[error("no record begins at offset {offset}")]
    NotARecordBoundary { offset: Offset },
    #[error("{topic} has no partition {number}", number = .partition.0)]
    NoSuchPartition { topic: Topic, partition: Partition },
    #[error("could not {action} {path}", path = .path.display())]
    Io { action: &'static str, path: PathBuf, source: Arc<io::Error> },
    #[error("the log could not be read: {reason}")]
    Unavailable { reason: String },
    #[error("the log is closed")]
    Closed,
}

impl ReadError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }
}

/// Why a file log could not be opened. Nothing was changed, except torn tails cut before the error was met.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another process has the log open: {path} is locked", path = .path.display())]
    Locked { path: PathBuf },
    #[error("the log has {found} partitions per topic, not {wanted}; the number cannot be changed")]
    PartitionCount { found: u32, wanted: u32 },
    #[error("{path} does not describe a log: {reason}", path = .path.display())]
    NotALog { path: PathBuf, reason: &'static str },
    /// An incident: something between the beginning and the last record is not what was written.
    #[error("the log is damaged at offset {offset}, in {segment}: {reason}", segment = .segment.display())]
    Damaged { segment: PathBuf, offset: Offset, reason: &'static str },
    #[error("could not {action} {path}", path = .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl OpenError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
