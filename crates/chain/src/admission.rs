//! Admission: which records of a partition are commits. A pure function of the records in log order, so every reader
//! of the same log admits the same ones.

use loopledger_types::{CountyCode, Hash, Head, Key, Partition, StreamId, Table, Topic, partition_of};

use crate::{Envelope, EnvelopeError, leaf_hash};

/// Largest record that can be admitted, in bytes: tlog-tiles entries hold 65,535, and a reversal embeds an original.
pub const RECORD_BYTES_MAX: usize = 60 * 1024;

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It extends its stream.
    Admitted { envelope: Envelope<'a>, hash: Hash },
    /// It is counted, and ignored by everybody for ever.
    Void(VoidReason),
}

/// Why a record is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidReason {
    /// More than [`RECORD_BYTES_MAX`] bytes.
    Oversized,
    NotCanonical(EnvelopeError),
    /// Its stream belongs to another topic.
    ForeignTopic,
    /// Its county lives in another partition.
    ForeignPartition,
    /// It does not carry the next sequence.
    Sequence {
        expected: u64,
        found: u64,
    },
    /// It carries the next sequence on another predecessor.
    PreviousHash,
}

impl VoidReason {
    /// A stable name, for counters and test vectors.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::NotCanonical(_) => "not_canonical",
            Self::ForeignTopic => "foreign_topic",
            Self::ForeignPartition => "foreign_partition",
            Self::Sequence { .. } => "sequence",
            Self::PreviousHash => "previous_hash",
        }
    }
}

/// The state of admission over one partition of one topic: a head per county.
#[derive(Debug, Clone)]
pub struct Admission {
    topic: Topic,
    partition: Partition,
    partition_count: u32,
    heads: Table<CountyCode, Head>,
    voids: u64,
}

impl Admission {
    /// At the beginning of the partition.
    pub fn new(topic: Topic, partition: Partition, partition_count: u32) -> Self {
        Self { topic, partition, partition_count, heads: Table::new(), voids: 0 }
    }

    /// Goes on from a head that an earlier run had reached.
    pub fn resume(&mut self, stream: StreamId, head: Head) {
        self.heads.insert(stream.county, head);
    }

    pub fn head(&self, stream: StreamId) -> Head {
        self.heads.get(&stream.county).copied().unwrap_or(Head::EMPTY)
    }

    /// Void records met so far.
    pub const fn voids(&self) -> u64 {
        self.voids
    }

    /// Judges the next record of the partition.
    pub fn admit<'a>(&mut self, record: &'a [u8]) -> Verdict<'a> {
        match self.judge(record) {
            Ok((envelope, hash)) => {
                self.heads.insert(envelope.stream.county, Head { sequence: envelope.sequence, hash });
                Verdict::Admitted { envelope, hash }
            }
            Err(reason) => {
                self.voids = self.voids.saturating_add(1);
                Verdict::Void(reason)
            }
        }
    }

    fn judge<'a>(&self, record: &'a [u8]) -> Result<(Envelope<'a>, Hash), VoidReason> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(VoidReason::Oversized);
        }
        let envelope = Envelope::decode(record).map_err(VoidReason::NotCanonical)?;
        if envelope.stream.service != self.topic.0 {
            return Err(VoidReason::ForeignTopic);
        }
        if partition_of(Key(envelope.stream.county), self.partition_count) != self.partition {
            return Err(VoidReason::ForeignPartition);
        }
        extends(self.head(envelope.stream), envelope.sequence, envelope.previous_hash)?;
        let hash = leaf_hash(record);
        Ok((envelope, hash))
    }
}

/// The rule itself: a commit extends a head iff it carries the next sequence and names the head's hash.
pub fn extends(head: Head, sequence: u64, previous_hash: Hash) -> Result<(), VoidReason> {
    let expected = head.sequence.saturating_add(1);
    if sequence != expected {
        return Err(VoidReason::Sequence { expected, found: sequence });
    }
    if previous_hash != head.hash {
        return Err(VoidReason::PreviousHash);
    }
    Ok(())
}
