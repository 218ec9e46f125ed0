//! Admission: which records of a partition are commits. A pure function of the records in log order, so every reader
//! of the same log admits the same ones.
//!
//! A verdict depends on the records before it and on nothing else, so it never changes as the log grows.

use loopledger_types::{CountyCode, Hash, Head, Key, Partition, StreamId, Table, Topic, partition_of};

use crate::{Envelope, EnvelopeError, leaf_hash};

/// Largest record that can be admitted, in bytes: tlog-tiles entries hold 65,535, and a reversal embeds an original.
pub const RECORD_BYTES_MAX: usize = 60 * 1024;

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is admitted, and a box would cost each of them")]
pub enum Verdict<'a> {
    /// It extends its stream.
    Admitted { envelope: Envelope<'a>, hash: Hash },
    /// It is counted, and ignored by every reader for ever.
    Void(VoidReason),
}

/// Why a record is void: the first of these that applies.
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
    ///
    /// # Panics
    /// If the topic has no such partition: a configuration error caught at start.
    pub fn new(topic: Topic, partition: Partition, partition_count: u32) -> Self {
        assert!(partition.0 < partition_count, "partition {} of {partition_count}", partition.0);
        Self { topic, partition, partition_count, heads: Table::new(), voids: 0 }
    }

    /// Goes on from the head that an earlier run had reached at some offset. The next record judged must be the one at
    /// that offset, *not an older one*: void is a property of an offset, and a record that came before its predecessor,
    /// void at its place, would be admitted by a reader that met it with a later head. A reader that starts each stream at another
    /// offset keeps one `Admission` per stream, or withholds from it what lies before.
    ///
    /// # Panics
    /// If the stream does not belong to this partition: the checkpoint is another's.
    pub fn resume(&mut self, stream: StreamId, head: Head) {
        assert_eq!(self.belongs(stream), Ok(()), "{stream} is resumed in a partition that it does not belong to");
        self.heads.insert(stream.county, head);
    }

    /// The newest admitted commit of `stream`; [`Head::EMPTY`] if there is none or it is another topic's.
    pub fn head(&self, stream: StreamId) -> Head {
        let ours = stream.service == self.topic.0;
        self.heads.get(&stream.county).copied().filter(|_| ours).unwrap_or(Head::EMPTY)
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

    /// The part of admission that no other record has a say in: size, form, topic and partition. With [`extends`] it is
    /// the whole, for those who share the work of decoding.
    pub fn screen<'a>(&self, record: &'a [u8]) -> Result<Envelope<'a>, VoidReason> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(VoidReason::Oversized);
        }
        let envelope = Envelope::decode(record).map_err(VoidReason::NotCanonical)?;
        self.belongs(envelope.stream)?;
        Ok(envelope)
    }

    fn judge<'a>(&self, record: &'a [u8]) -> Result<(Envelope<'a>, Hash), VoidReason> {
        let envelope = self.screen(record)?;
        extends(self.head(envelope.stream), envelope.sequence, envelope.previous_hash)?;
        Ok((envelope, leaf_hash(record)))
    }

    fn belongs(&self, stream: StreamId) -> Result<(), VoidReason> {
        if stream.service != self.topic.0 {
            return Err(VoidReason::ForeignTopic);
        }
        if partition_of(Key(stream.county), self.partition_count) != self.partition {
            return Err(VoidReason::ForeignPartition);
        }
        Ok(())
    }
}

/// The rule itself: a commit extends a head iff it carries the next sequence and names the head's hash.
pub fn extends(head: Head, sequence: u64, previous_hash: Hash) -> Result<(), VoidReason> {
    // Checked: nothing follows the largest number, not even itself.
    if head.sequence.checked_add(1) != Some(sequence) {
        return Err(VoidReason::Sequence { expected: head.sequence.saturating_add(1), found: sequence });
    }
    if previous_hash != head.hash {
        return Err(VoidReason::PreviousHash);
    }
    Ok(())
}
