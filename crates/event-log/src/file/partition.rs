//! The state that the writer and the readers of one partition share: its list of segments.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use loopledger_types::{Partition, Topic};

use super::format::{HEADER_BYTES, SegmentId};

#[derive(Debug)]
pub(super) struct PartitionFiles {
    pub(super) topic: Topic,
    pub(super) partition: Partition,
    dir: PathBuf,
    /// The bases of all segments, ascending. A segment ends where the next begins, the last at the durable end.
    bases: RwLock<Vec<u64>>,
}

impl PartitionFiles {
    pub(super) fn new(topic: Topic, partition: Partition, dir: PathBuf, bases: Vec<u64>) -> Self {
        Self { topic, partition, dir, bases: RwLock::new(bases) }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn path(&self, id: SegmentId) -> PathBuf {
        id.path(&self.dir)
    }

    pub(super) fn segment(&self, base: u64) -> SegmentId {
        SegmentId { topic: self.topic, partition: self.partition, base }
    }

    pub(super) fn last_base(&self) -> Option<u64> {
        self.bases.read().unwrap_or_else(PoisonError::into_inner).last().copied()
    }

    /// Makes a segment known. Its header is durable already; readers go there once the durable end does.
    pub(super) fn add(&self, base: u64) {
        self.bases.write().unwrap_or_else(PoisonError::into_inner).push(base);
    }

    /// The segment that holds `position`, and where it ends if it is not the last. A position between two segments
    /// belongs to the later one.
    pub(super) fn segment_of(&self, position: u64) -> Option<(SegmentId, Option<u64>)> {
        let bases = self.bases.read().unwrap_or_else(PoisonError::into_inner);
        let after = bases.partition_point(|base| *base <= position);
        let base = bases.get(after.checked_sub(1)?)?;
        Some((self.segment(*base), bases.get(after).copied()))
    }
}

/// Where the record at logical position `position` of a segment begins: a segment's base stands for its first record.
pub(super) const fn record_position(base: u64, position: u64) -> u64 {
    if position == base { base.saturating_add(HEADER_BYTES) } else { position }
}
